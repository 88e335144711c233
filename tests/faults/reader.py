"""`python -m tests.faults.reader ADDRESS [FOLDER]`: reads the latents that it is told to.

With a folder it keeps what it has read there, and goes on from it when it is started again.
"""

import asyncio
import sys
from contextlib import aclosing
from pathlib import Path

from latentflow.errors import BrokerUnavailable, Corrupt, StreamMismatch
from latentflow.latent import Commit, Frame, LatentId
from latentflow.relay import Open
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.channel import open_channel
from latentflow.wire.manifests import manifest_to_bytes
from latentflow.wire.stream import StreamReader
from tests.faults.duty import serve
from tests.faults.spool import Spool
from tests.faults.words import Order, digest_of


class Reading:
    """One latent, from what its spool has to its commit."""

    def __init__(self, latent_id: LatentId, spool: Spool) -> None:
        self._latent_id = latent_id
        self._spool = spool
        self._manifest_bytes = b""
        self._reader: StreamReader | None = None

    async def finish(self, client: BrokerClient, seconds: float) -> str:
        """The digest of what was read. Raises as `BrokerClient.subscribe` and `StreamReader`."""
        for step in self._spool.load():
            self._take(step)
        begun_with = 0 if self._reader is None else self._reader.next_frame
        steps = client.subscribe(self._latent_id, first_frame=begun_with, timeout=seconds)
        async with aclosing(steps):
            async for step in steps:
                if isinstance(step, Commit):
                    assert self._reader is not None
                    return digest_of(self._manifest_bytes, self._reader.finish(step))
                if self._take(step):
                    self._spool.keep(step)
        raise BrokerUnavailable(retry_after_seconds=0.0)

    def _take(self, step: Open | Frame | Commit) -> bool:
        """Whether it was new."""
        if isinstance(step, Open):
            return self._begin(step.manifest_bytes)
        assert isinstance(step, Frame)
        assert self._reader is not None
        self._reader.add(step)
        return True

    def _begin(self, manifest_bytes: bytes) -> bool:
        if self._reader is not None:
            if manifest_bytes != self._manifest_bytes:
                raise StreamMismatch(field="manifest", expected="as before", actual="another")
            return False
        self._manifest_bytes, self._reader = manifest_bytes, StreamReader(manifest_bytes)
        actual = self._reader.manifest.latent_id
        if actual != self._latent_id:
            raise StreamMismatch(field="latent_id", expected=self._latent_id, actual=actual)
        return True


async def main(address: str, folder: Path | None) -> None:
    async with open_channel(address) as channel:
        client = BrokerClient(channel)

        async def fetch(order: Order) -> str:
            latent_id = order.recipe.make().latent_id
            fetched = await client.fetch(latent_id, timeout=order.timeout)
            return digest_of(manifest_to_bytes(fetched.manifest), fetched.stream)

        async def resume(order: Order) -> str:
            assert folder is not None
            latent_id = order.recipe.make().latent_id
            spool = Spool(folder / latent_id)
            try:
                return await Reading(latent_id, spool).finish(client, order.timeout)
            except Corrupt:
                spool.forget()
                raise

        await serve(fetch if folder is None else resume)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None))
