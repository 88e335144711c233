"""`latentflow demo`: real handoffs between two models, arm by arm, on memos or the user's text."""

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from latentflow.cli.demo_arms import ArmRun, run_arms
from latentflow.cli.demo_cases import DEMO_CASES, DemoCase
from latentflow.cli.demo_report import case_report, summary
from latentflow.cli.plan import add_plan_arguments, plan_from
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.cli.share import read_text
from latentflow.cli.stack import StackAddresses, running_stack
from latentflow.client import Addresses, LatentFlow, connect
from latentflow.errors import InvalidInput

_WARM_UP = DemoCase(context="The lamp in the hall is green.", question="Which colour?")


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("--context", metavar="FILE", help="your own text, instead of the memos")
    parser.add_argument("--question", metavar="QUESTION", help="what to ask about it")
    parser.add_argument("--expect", default="", metavar="ANSWER", help="what a right answer holds")
    parser.add_argument("--adapter", default="", metavar="NAME", help="default: the only one")
    add_plan_arguments(parser, settings)


def run(arguments: Namespace, settings: Settings) -> None:
    cases = _cases(arguments)
    progress = Progress()
    plan = plan_from(arguments, settings, progress)
    with running_stack(plan, progress) as stack:
        asyncio.run(_demo(stack.addresses, cases, arguments.adapter))
    progress.say("every process has been stopped")


def _cases(arguments: Namespace) -> Sequence[DemoCase]:
    """The user's own case, or the memos. Raises InvalidInput when half of a case is missing."""
    if arguments.context is None and arguments.question is None:
        return DEMO_CASES
    for given, missing in (("question", "context"), ("context", "question")):
        if getattr(arguments, missing) is None:
            raise InvalidInput(field=f"--{given}", problem=f"needs --{missing} as well")
    text = read_text(arguments.context)
    return (DemoCase(context=text, question=arguments.question, expected=arguments.expect),)


async def _demo(addresses: StackAddresses, cases: Sequence[DemoCase], adapter: str) -> None:
    known = Addresses(sharer=addresses.sharer, receiver=addresses.receiver)
    async with connect(known) as flow:
        print("\none handoff to warm up, not shown\n", flush=True)
        await run_arms(flow, _WARM_UP, adapter)
        runs = [await _show(flow, cases, index, adapter) for index in range(len(cases))]
    print(summary(cases, runs), flush=True)


async def _show(
    flow: LatentFlow, cases: Sequence[DemoCase], index: int, adapter: str
) -> tuple[ArmRun, ...]:
    runs = await run_arms(flow, cases[index], adapter)
    title = f"case {index + 1} of {len(cases)}"
    print(case_report(title, cases[index], runs), flush=True)
    return runs
