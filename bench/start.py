"""How long the whole stack takes until it serves, and what its processes then hold in memory.

Cold means that models, adapters and Python packages are not in the page cache, but for what
other processes have mapped; warm, that they are. The models are converted in both.
"""

import asyncio
import os
import sysconfig
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.figures import Figure, Findings, Stopwatch, figure
from bench.memory import Memory, memory_of
from latentflow.cli.demo_cases import DEMO_CASES
from latentflow.cli.plan import plan_from
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.cli.stack import Stack, StackPlan, running_stack
from latentflow.client import Addresses, connect

_COLD_STARTS = 3
_WARM_STARTS = 5
_TIMEOUT = 120.0
_MOST_WARM_SECONDS = 15.0
_MOST_RESIDENT_MB = {"sharer": 1500.0, "receiver": 2500.0, "broker": 150.0}


def run(arguments: Namespace, settings: Settings) -> Findings:
    plan = plan_from(arguments, settings, Progress())
    cold = [_start(plan, is_cold=True) for _ in range(_COLD_STARTS)]
    warm = [_start(plan, is_cold=False) for _ in range(_WARM_STARTS)]
    seconds = [took for took, _ in warm]
    return Findings(
        scenario="start",
        setting={
            "sharer": plan.sharer_model.name,
            "receiver": plan.receiver_model.name,
            "start": "until broker, sharer and receiver say SERVING; the store is among them",
            "memory": "after a handoff of each of the demo's memos",
        },
        figures=[
            figure("cold start", [took for took, _ in cold], "s"),
            figure("warm start", seconds, "s", at_most=_MOST_WARM_SECONDS),
            *_memory_figures([held for _, held in warm]),
        ],
    )


def _start(plan: StackPlan, *, is_cold: bool) -> tuple[float, Mapping[str, Memory]]:
    """Seconds, and each process's memory after some work."""
    if is_cold:
        for folder in _read_at_start(plan):
            _drop_from_page_cache(folder)
    watch = Stopwatch()
    with running_stack(plan, Progress()) as stack:
        seconds = watch.lap()
        asyncio.run(_work(stack))
        return seconds, {name: memory_of(child.pid) for name, child in stack.children.items()}


def _read_at_start(plan: StackPlan) -> Iterator[Path]:
    yield from (plan.sharer_model, plan.receiver_model, plan.adapters)
    yield from {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib", "stdlib")}


def _drop_from_page_cache(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


async def _work(stack: Stack) -> None:
    known = Addresses(sharer=stack.addresses.sharer, receiver=stack.addresses.receiver)
    async with connect(known) as flow:
        for case in DEMO_CASES:
            shared = await flow.share(case.context, fresh=True, timeout=_TIMEOUT)
            latent_ids = [shared.latent.manifest.latent_id]
            await flow.ask(case.question, latent_ids, timeout=_TIMEOUT)


def _memory_figures(held: Sequence[Mapping[str, Memory]]) -> Iterator[Figure]:
    for name in held[0]:
        each = [asdict(memories[name]) for memories in held]
        for kind in each[0]:
            limit = _MOST_RESIDENT_MB.get(name) if kind == "rss" else None
            values = [memory[kind] for memory in each]
            yield figure(f"{name}, {_TITLES[kind]}", values, "MB", at_most=limit)


_TITLES = {"rss": "RSS", "pss": "PSS", "uss": "USS", "peak": "peak RSS"}
