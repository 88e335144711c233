"""What it brings that a receiver decodes answers together: its time an answer, by its callers.

Every caller asks the demo's questions, one after another; the numbers of callers take turns.
"""

import asyncio
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence

from bench.figures import Figure, Findings, Stopwatch, milliseconds, ratio
from latentflow.calls import Sampling
from latentflow.cli.demo_cases import DEMO_CASES, DemoCase
from latentflow.cli.plan import plan_from
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.cli.stack import running_stack
from latentflow.client import Addresses, LatentFlow, connect
from latentflow.latent import LatentId

_CALLERS = (1, 2, 4, 8)
_ROUNDS = 8
_SAMPLING = Sampling(max_tokens=24)
_TIMEOUT = 120.0

Question = tuple[str, LatentId]
Seconds = Mapping[int, list[float]]
"""Of an answer, by the number of callers; one for each round."""


def run(arguments: Namespace, settings: Settings) -> Findings:
    progress = Progress()
    plan = plan_from(arguments, settings, progress)
    with running_stack(plan, progress) as stack:
        known = Addresses(sharer=stack.addresses.sharer, receiver=stack.addresses.receiver)
        seconds = asyncio.run(_measured(known))
    return Findings(
        scenario="together",
        setting={
            "receiver": plan.receiver_model.name,
            "questions": f"{len(DEMO_CASES)} a caller and round, each over the latent of its memo",
            "an answer": "the time of a round by its answers: what the receiver needs for one",
        },
        figures=list(_figures(seconds)),
    )


async def _measured(addresses: Addresses) -> Seconds:
    async with connect(addresses) as flow:
        questions = [await _question(flow, case) for case in DEMO_CASES]
        await _an_answer(flow, questions, max(_CALLERS))
        seconds: Seconds = {callers: [] for callers in _CALLERS}
        for _ in range(_ROUNDS):
            for callers, measured in seconds.items():
                measured.append(await _an_answer(flow, questions, callers))
        return seconds


async def _question(flow: LatentFlow, case: DemoCase) -> Question:
    shared = await flow.share(case.context, timeout=_TIMEOUT)
    return case.question, shared.latent.manifest.latent_id


async def _an_answer(flow: LatentFlow, questions: Sequence[Question], callers: int) -> float:
    watch = Stopwatch()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(_ask_all(flow, questions))
    return watch.lap() / (callers * len(questions))


async def _ask_all(flow: LatentFlow, questions: Sequence[Question]) -> None:
    for question, latent_id in questions:
        await flow.ask(question, [latent_id], sampling=_SAMPLING, timeout=_TIMEOUT)


def _figures(seconds: Seconds) -> Iterator[Figure]:
    for callers, measured in seconds.items():
        yield milliseconds(f"an answer, of callers {callers}", measured)
    for callers in _CALLERS[1:]:
        yield ratio(f"callers {callers} to one", seconds[callers], seconds[1])
