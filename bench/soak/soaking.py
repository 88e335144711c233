"""One soak from its first connection to what it leaves behind."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.soak.course import PHASES, Course
from bench.soak.crowd import Crowd
from bench.soak.gauges import Gauges, Sample
from bench.soak.ledger import Ledger
from bench.soak.leftovers import Kind, leftovers
from bench.soak.lives import CALL_SECONDS, Client, Places, connection
from bench.stand import Stand
from latentflow.cli.progress import Progress
from latentflow.latent import FlowName, LatentId
from latentflow.relay import MAX_PAGE_SIZE, ListCall

_COMPARED_AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Traffic and a rest, in seconds from the beginning. `left` is what the store then held."""

    began: float
    traffic_ended: float
    rest_began: float
    rested: float
    begun: int
    has_caught_up: bool
    left: Mapping[str, Kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """`left` is what the store held once all flows had been listed, which prunes their listings."""

    course: Course
    ledger: Ledger
    samples: Sequence[Sample]
    phases: Sequence[Phase]
    left: Mapping[str, Kind]


async def soak(course: Course, stand: Stand, progress: Progress) -> Soaked:
    """The broker serves already. Raises an ExceptionGroup when it ends before its time."""
    ledger = Ledger()
    gauges = Gauges(stand, ledger)
    async with asyncio.TaskGroup() as tasks:
        sampling = tasks.create_task(gauges.sample_every(course.sample_seconds))
        phases = [await _phase(course, stand, gauges, ledger, progress) for _ in range(PHASES)]
        progress.say("comparing receipts, listing flows")
        await _question(stand, course, ledger)
        gauges.sample()
        sampling.cancel()
    return Soaked(
        course=course,
        ledger=ledger,
        samples=gauges.samples,
        phases=phases,
        left=_left(stand),
    )


async def _phase(
    course: Course, stand: Stand, gauges: Gauges, ledger: Ledger, progress: Progress
) -> Phase:
    began = gauges.seconds
    progress.say(f"{course.flows} flows for {course.traffic_seconds:.0f} s")
    crowd = Crowd(course, _places(stand), ledger)
    await asyncio.sleep(course.traffic_seconds)
    traffic_ended = gauges.seconds
    progress.say("catching up, then resting until leases and lives have ended")
    await crowd.stop_publishing()
    has_caught_up = await crowd.catch_up()
    await crowd.leave()
    rest_began = gauges.seconds
    await asyncio.sleep(course.rest_seconds)
    return Phase(
        began=began,
        traffic_ended=traffic_ended,
        rest_began=rest_began,
        rested=gauges.seconds,
        begun=ledger.counts["latents begun"],
        has_caught_up=has_caught_up,
        left=_left(stand),
    )


def _left(stand: Stand) -> Mapping[str, Kind]:
    with stand.store.client() as store:
        return leftovers(store)


def _places(stand: Stand) -> Places:
    return Places(stand.address, stand.admin_address)


async def _question(stand: Stand, course: Course, ledger: Ledger) -> None:
    async with connection(_places(stand)) as client:
        used = iter(ledger.used)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(_COMPARED_AT_ONCE):
                tasks.create_task(_compare(client, ledger, used))
        for number in range(course.flows):
            await _list(client, FlowName(f"soak-{number}"))
        await _list(client, None)


async def _compare(client: Client, ledger: Ledger, used: Iterator[LatentId]) -> None:
    """Takes from `used` what the others of its kind leave."""
    for latent_id in used:
        lineage = await client.admin.get_lineage(latent_id, timeout=CALL_SECONDS)
        ledger.compare(latent_id, ledger.noted(latent_id), lineage.receipts)


async def _list(client: Client, flow: FlowName | None) -> None:
    token = ""
    while True:
        call = ListCall(flow=flow, page_size=MAX_PAGE_SIZE, page_token=token)
        page = await client.admin.list_latents(call, timeout=CALL_SECONDS)
        token = page.next_page_token
        if not token:
            return
