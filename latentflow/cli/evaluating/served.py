"""`latentflow eval --serve`: the same cases through services, running ones or ones of its own."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from latentflow.cli.adapter_options import adapter_file, model_folders
from latentflow.cli.endpoints import access_from, failure_explained
from latentflow.cli.evaluating.exam import Exam
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.cli.stack import StackPlan, running_stack
from latentflow.client import Addresses, connect
from latentflow.evaluation.measuring import Replies
from latentflow.evaluation.report import Outcome
from latentflow.evaluation.served import Service, measure_served
from latentflow.rpc.access import OPEN, Access


def measured_served(exam: Exam, settings: Settings, progress: Progress) -> Outcome:
    """Raises StackMissing, ProcessFailed, and what the services raise."""
    with (
        _services(exam, settings, progress) as (addresses, access),
        failure_explained(addresses, access),
    ):
        replies = asyncio.run(_replies(exam, addresses, access, _adapter(exam, settings), progress))
    return exam.outcome(replies)


async def _replies(
    exam: Exam, addresses: Addresses, access: Access, adapter: str, progress: Progress
) -> Replies:
    async with connect(addresses, access) as flow:
        service = Service(
            flow=flow,
            adapter=adapter,
            header=exam.header,
            timeout_seconds=exam.arguments.timeout,
        )
        return await measure_served(
            service,
            exam.arms,
            exam.cases,
            exam.others,
            heard=lambda done: progress.show(f"{done} of {len(exam.cases)} cases"),
        )


@contextmanager
def _services(
    exam: Exam, settings: Settings, progress: Progress
) -> Iterator[tuple[Addresses, Access]]:
    """Those given, or those of a stack that lives as long as the block."""
    if exam.arguments.endpoints:
        sharer, receiver = exam.arguments.endpoints
        yield (
            Addresses(sharer=sharer, receiver=receiver),
            access_from(exam.arguments, settings),
        )
        return
    with running_stack(_plan(exam, settings, progress), progress) as stack:
        yield Addresses(sharer=stack.addresses.sharer, receiver=stack.addresses.receiver), OPEN


def _plan(exam: Exam, settings: Settings, progress: Progress) -> StackPlan:
    sharer, receiver = model_folders(exam.arguments, exam.header, settings, progress)
    return StackPlan(
        sharer_model=sharer,
        receiver_model=receiver,
        adapters=adapter_file(exam.arguments).parent.parent,
        environment=settings.environment,
    )


def _adapter(exam: Exam, settings: Settings) -> str:
    """What services call the adapter: its folder, seen from the folder of all adapters."""
    folder = adapter_file(exam.arguments).parent
    all_adapters = settings.adapters.resolve()
    if exam.arguments.endpoints and folder.is_relative_to(all_adapters):
        return folder.relative_to(all_adapters).as_posix()
    return folder.name
