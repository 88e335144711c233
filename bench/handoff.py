"""What the services cost: the same handoff through the running stack and in one process.

Sharing and answering together, on the demo's memos; the two ways take turns.
"""

import asyncio
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence

from bench.figures import Figure, Findings, figure, milliseconds
from bench.one_process import OneProcess, Run
from latentflow.calls import Sampling
from latentflow.cli.demo_arms import ArmRun
from latentflow.cli.demo_cases import DEMO_CASES, DemoCase
from latentflow.cli.plan import plan_from
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.cli.stack import running_stack
from latentflow.client import Addresses, LatentFlow, connect

_ROUNDS = 8
_SAMPLING = Sampling(max_tokens=24)
_TIMEOUT = 120.0
_MOST_OVERHEAD_PERCENT = 10.0

Pair = tuple[Run, Run]
"""One case's handoff through the services and in one process."""


def run(arguments: Namespace, settings: Settings) -> Findings:
    progress = Progress()
    plan = plan_from(arguments, settings, progress)
    alone = OneProcess(plan)
    with running_stack(plan, progress) as stack:
        known = Addresses(sharer=stack.addresses.sharer, receiver=stack.addresses.receiver)
        pairs = asyncio.run(_pairs(known, alone))
    return Findings(
        scenario="handoff",
        setting={
            "sharer": plan.sharer_model.name,
            "receiver": plan.receiver_model.name,
            "cases": len(DEMO_CASES),
            "answer_tokens": [through.tokens for through, _ in pairs[: len(DEMO_CASES)]],
            "overhead": "of neighbouring runs, services to one process",
            "services' own stages": "publish, fetch and the rest: calls, queues, what lies between",
        },
        figures=list(_figures(pairs)),
    )


async def _pairs(addresses: Addresses, alone: OneProcess) -> Sequence[Pair]:
    async with connect(addresses) as flow:
        for case in DEMO_CASES:
            await _pair(flow, alone, case, services_first=True)
        return [
            await _pair(flow, alone, case, services_first=bool(turn % 2))
            for turn in range(_ROUNDS)
            for case in DEMO_CASES
        ]


async def _pair(
    flow: LatentFlow, alone: OneProcess, case: DemoCase, *, services_first: bool
) -> Pair:
    """Raises AssertionError unless both give the same answer."""
    if services_first:
        through = await _through_services(flow, case)
        direct = alone.hand_off(case, _SAMPLING)
    else:
        direct = alone.hand_off(case, _SAMPLING)
        through = await _through_services(flow, case)
    assert through.answer == direct.answer
    return through, direct


async def _through_services(flow: LatentFlow, case: DemoCase) -> Run:
    started = time.perf_counter()
    shared = await flow.share(case.context, fresh=True, timeout=_TIMEOUT)
    share_seconds = time.perf_counter() - started
    latent_ids = [shared.latent.manifest.latent_id]
    answer = await flow.ask(case.question, latent_ids, sampling=_SAMPLING, timeout=_TIMEOUT)
    arm = ArmRun(arm="latent", answer=answer, share_seconds=share_seconds, sharing=shared.timings)
    return Run(
        answer=answer.text,
        tokens=answer.usage.completion_tokens,
        first_token_seconds=arm.first_token_seconds,
        seconds=arm.seconds,
        stages=arm.stages(),
    )


def _figures(pairs: Sequence[Pair]) -> Iterator[Figure]:
    through, direct = zip(*pairs, strict=True)
    yield from _figures_of("services", through)
    yield from _figures_of("one process", direct)
    yield _overhead("to the last token", _whole(through), _whole(direct), _MOST_OVERHEAD_PERCENT)
    yield _overhead("to the first token", _first(through), _first(direct))
    yield figure("services' own stages, of the whole", [_own(*pair) for pair in pairs], "%")


def _figures_of(way: str, runs: Sequence[Run]) -> Iterator[Figure]:
    yield milliseconds(f"{way}, to the last token", _whole(runs))
    yield milliseconds(f"{way}, to the first token", _first(runs))
    for stage in runs[0].stages:
        yield milliseconds(f"{way}: {stage}", [run.stages[stage] for run in runs])


def _whole(runs: Sequence[Run]) -> list[float]:
    return [run.seconds for run in runs]


def _first(runs: Sequence[Run]) -> list[float]:
    return [run.first_token_seconds for run in runs]


def _own(through: Run, direct: Run) -> float:
    """Percent of the time in stages that one process has not; less shaken by a busy machine."""
    own = [seconds for stage, seconds in through.stages.items() if stage not in direct.stages]
    return 100 * sum(own) / through.seconds


def _overhead(
    name: str, through: Sequence[float], direct: Sequence[float], at_most: float | None = None
) -> Figure:
    percents = [100 * (mine / other - 1) for mine, other in zip(through, direct, strict=True)]
    return figure(f"overhead, {name}", percents, "%", at_most=at_most)
