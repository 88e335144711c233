"""Who reads in a soak: members of a flow's group, and followers of one latent while it is made."""

from contextlib import aclosing
from itertools import count
from random import Random

from bench.soak.course import GROUP
from bench.soak.ledger import Ledger
from bench.soak.lives import CALL_SECONDS
from latentflow.errors import NotUsable
from latentflow.latent import Commit, FlowName, Frame, LatentId
from latentflow.relay import AckCall, Delivery, Open, UseCall, WatchCall
from latentflow.rpc.broker_client import BrokerClient
from latentflow.wire.stream import StreamReader

_WATCH_SECONDS = 3600.0
_serial = count()


class Member:
    """Uses, reads and acknowledges what its group is given."""

    def __init__(self, flow: FlowName, name: str, ledger: Ledger) -> None:
        self._call = WatchCall(flow=flow, group=GROUP, consumer=name)
        self._ledger = ledger

    async def live(self, client: BrokerClient) -> None:
        async with aclosing(client.watch(self._call, timeout=_WATCH_SECONDS)) as deliveries:
            async for delivery in deliveries:
                await self._take(client, delivery)

    async def _take(self, client: BrokerClient, delivery: Delivery) -> None:
        latent_id = delivery.latent.manifest.latent_id
        try:
            await use(client, latent_id, self._call.consumer, self._ledger)
            await client.fetch(latent_id, timeout=CALL_SECONDS)
            self._ledger.read(latent_id)
            self._ledger.count("read by members")
        except NotUsable as error:
            self._ledger.count(f"member was told {type(error).__name__}")
        acknowledgement = AckCall(
            flow=self._call.flow, group=GROUP, delivery_ids=(delivery.delivery_id,)
        )
        await client.ack(acknowledgement, timeout=CALL_SECONDS)
        self._ledger.count("acknowledged")


class Follower:
    """Reads one latent from its first frame on; may go away in the middle, and go on there."""

    def __init__(self, latent_id: LatentId, ledger: Ledger, random: Random) -> None:
        self._latent_id = latent_id
        self._ledger = ledger
        self._leaves_after = random.choice((0, 1, 2))
        self._reader: StreamReader | None = None

    async def live(self, client: BrokerClient) -> None:
        try:
            await use(client, self._latent_id, "follower", self._ledger)
            if not await self._read(client, leaves_after=self._leaves_after):
                self._ledger.count("followers that went away and came back")
                await self._read(client, leaves_after=0)
            self._ledger.count("read by followers")
        except NotUsable as error:
            self._ledger.count(f"follower was told {type(error).__name__}")

    async def _read(self, client: BrokerClient, *, leaves_after: int) -> bool:
        """Whether it came to the commit and verified it, rather than left after some frames."""
        first = 0 if self._reader is None else self._reader.next_frame
        steps = client.subscribe(self._latent_id, first_frame=first, timeout=CALL_SECONDS)
        async with aclosing(steps):
            async for step in steps:
                match step:
                    case Open() if self._reader is None:
                        self._reader = StreamReader(step.manifest_bytes)
                    case Frame() if self._reader is not None:
                        self._reader.add(step)
                        if self._reader.next_frame == leaves_after:
                            return False
                    case Commit() if self._reader is not None:
                        self._reader.finish(step)
                        return True
        return False


async def use(client: BrokerClient, latent_id: LatentId, reader: str, ledger: Ledger) -> None:
    """Each is one of its own."""
    call = UseCall(latent_id=latent_id, reader=reader, generation=str(next(_serial)))
    ledger.begin(call)
    await client.record_use(call, timeout=CALL_SECONDS)
    ledger.note(call)
