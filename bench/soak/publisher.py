"""Who publishes in a soak: one latent after the other to a flow, each with its fate."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from random import Random

from bench.latents import Sealed
from bench.soak.fates import Fate, Plan, draw
from bench.soak.ledger import Ledger
from bench.soak.lives import CALL_SECONDS, Client
from latentflow.errors import Cancelled, DeadlineExpired
from latentflow.latent import Digest, FlowName, Frame, LatentId

_BREAK_SECONDS = 1.0
_REVOKE_WITHIN_SECONDS = 5.0

Follow = Callable[[LatentId], None]


class Publisher:
    """`follow` is told the id of a latent as soon as it can be read, once for each follower."""

    def __init__(
        self,
        flow: FlowName,
        ledger: Ledger,
        random: Random,
        *,
        bodies: Sequence[Sealed],
        period_seconds: float,
        follow: Follow,
    ) -> None:
        self._flow = flow
        self._ledger = ledger
        self._random = random
        self._bodies = bodies
        self._period_seconds = period_seconds
        self._follow = follow

    async def live(self, client: Client) -> None:
        while True:
            await asyncio.sleep(self._random.expovariate(1 / self._period_seconds))
            await self._publish(client, draw(self._random, self._bodies))

    async def _publish(self, client: Client, plan: Plan) -> None:
        latent_id, manifest_bytes = plan.body.reborn_on(
            self._flow, life_seconds=plan.life_seconds, content_digest=Digest(plan.digest)
        )
        self._ledger.count("latents begun")
        opened = _Once(lambda: self._call_followers(latent_id, plan.followers))
        try:
            await client.publish(
                manifest_bytes,
                _sent(plan),
                timeout=_BREAK_SECONDS if _breaks(plan) else CALL_SECONDS,
                on_acknowledged=lambda _: opened(),
            )
        except Cancelled:
            self._ledger.count("latents aborted")
            return
        except DeadlineExpired:
            if not _breaks(plan):
                raise
            if plan.fate is Fate.ABANDONED:
                self._ledger.count("latents abandoned")
                return
            await client.publish(manifest_bytes, plan.body.frames, timeout=CALL_SECONDS)
            self._ledger.count("latents resumed")
        self._ledger.count("latents committed")
        if plan.fate is Fate.REVOKED:
            await self._revoke(client, latent_id)
        else:
            self._ledger.to_read(latent_id)

    def _call_followers(self, latent_id: LatentId, count: int) -> None:
        for _ in range(count):
            self._follow(latent_id)

    async def _revoke(self, client: Client, latent_id: LatentId) -> None:
        """Those that had noted their use before must be told of."""
        await asyncio.sleep(self._random.uniform(0, _REVOKE_WITHIN_SECONDS))
        noted = self._ledger.noted(latent_id)
        receipts = await client.admin.revoke(latent_id, timeout=CALL_SECONDS)
        self._ledger.count("latents revoked")
        self._ledger.compare(latent_id, noted, receipts)


def _breaks(plan: Plan) -> bool:
    return plan.fate in (Fate.RESUMED, Fate.ABANDONED)


async def _sent(plan: Plan) -> AsyncIterator[Frame]:
    """Raises Cancelled where a publisher gives up, and stays silent where its connection breaks."""
    for frame in plan.body.frames:
        if frame.index == plan.breaks_after:
            if plan.fate is Fate.ABORTED:
                raise Cancelled()
            if _breaks(plan):
                await asyncio.sleep(CALL_SECONDS)
        yield frame
        await asyncio.sleep(plan.frame_seconds)


class _Once:
    """Does something the first time it is called."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do: Callable[[], None] | None = do

    def __call__(self) -> None:
        do, self._do = self._do, None
        if do is not None:
            do()
