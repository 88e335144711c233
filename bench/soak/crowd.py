"""All that take part in a soak: a publisher and two members on each flow, and passing followers."""

import asyncio
import gc
from collections.abc import Iterator
from random import Random

from bench.soak.course import Course
from bench.soak.fates import bodies
from bench.soak.ledger import Ledger
from bench.soak.lives import CALL_SECONDS, Client, Life, Places, come_and_go, connection, live
from bench.soak.publisher import Publisher
from bench.soak.readers import Follower, Member
from latentflow.latent import FlowName, LatentId

_CATCH_UP_LOOKS = 90


class Crowd:
    """They come as soon as it is made, within a running loop."""

    def __init__(self, course: Course, places: Places, ledger: Ledger) -> None:
        self._places = places
        self._ledger = ledger
        self._random = Random(course.seed)
        self._followers: set[asyncio.Task[None]] = set()
        self._bodies = bodies()
        flows = [FlowName(f"soak-{number}") for number in range(course.flows)]
        self._publishers = [
            self._comes(self._publisher(flow, course.period_seconds).live) for flow in flows
        ]
        self._members = [self._comes(member.live) for flow in flows for member in self._of(flow)]

    async def stop_publishing(self) -> None:
        await _end(self._publishers)
        await asyncio.gather(*self._followers)

    async def catch_up(self) -> bool:
        """Whether every group has been given and acknowledged everything, in good time."""
        async with connection(self._places) as client:
            for _ in range(_CATCH_UP_LOOKS):
                if not await _is_behind(client):
                    return True
                await asyncio.sleep(1.0)
        return False

    async def leave(self) -> None:
        await _end(self._members)

    def _publisher(self, flow: FlowName, period_seconds: float) -> Publisher:
        return Publisher(
            flow,
            self._ledger,
            self._another_random(),
            bodies=self._bodies,
            period_seconds=period_seconds,
            follow=self._follow,
        )

    def _of(self, flow: FlowName) -> Iterator[Member]:
        for name in ("one", "two"):
            yield Member(flow, f"{flow}-{name}", self._ledger)

    def _comes(self, life: Life) -> asyncio.Task[None]:
        coming = come_and_go(life, self._places, self._ledger, self._another_random())
        return asyncio.create_task(coming)

    def _follow(self, latent_id: LatentId) -> None:
        follower = Follower(latent_id, self._ledger, self._random)
        task = asyncio.create_task(live(follower.live, self._places, self._ledger))
        self._followers.add(task)
        task.add_done_callback(self._followers.discard)

    def _another_random(self) -> Random:
        return Random(self._random.random())


async def _is_behind(client: Client) -> bool:
    flows = await client.admin.list_flows(timeout=CALL_SECONDS)
    return any(group.lag or group.pending for flow in flows for group in flow.groups)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Raises what one of them raised that was no cancellation."""
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if not isinstance(ended, asyncio.CancelledError) and ended is not None:
            raise ended
    # Calls that were cut off are in their tasks' tracebacks, and hold the connections open that
    # they were made on: the broker would not rest.
    tasks.clear()
    gc.collect()
