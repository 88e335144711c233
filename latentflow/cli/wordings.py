"""`latentflow wordings`: which order to the sharer makes the best text arms, on training cases."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from latentflow.cli.adapter_options import adapter_file, add_handoff_arguments, handoff_from
from latentflow.cli.evaluating.cases import asked_of, memo_cases
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.cli.table import render
from latentflow.errors import InvalidInput
from latentflow.evaluation.cases import Asked, sample
from latentflow.evaluation.wording import Tried, try_orders
from latentflow.model.adapter_file import read_header
from latentflow.training.parts import Part
from latentflow.training.plan import MEMOS
from latentflow.training.run import part_of

_SEED = 0


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    add_handoff_arguments(parser)
    parser.add_argument(
        "--data", action="append", metavar="FILE", help="a JSONL, or `memos`, the default"
    )
    parser.add_argument(
        "--limit", type=int, default=24, metavar="N", help="cases of each; default: %(default)s"
    )
    parser.add_argument(
        "--tokens",
        type=int,
        default=64,
        metavar="N",
        help="a message's limit; default: %(default)s",
    )


def run(arguments: Namespace, settings: Settings) -> None:
    progress = Progress()
    names = arguments.data or [MEMOS]
    sets = [(Path(name).stem, _training_cases(name, arguments.limit)) for name in names]
    header = read_header(adapter_file(arguments))
    handoff = handoff_from(arguments, header, settings, progress)
    for need in (False, True):
        print("the sharer sees the question" if need else "the sharer does not see the question")
        for name, cases in sets:
            tried = try_orders(
                handoff,
                cases,
                tokens=arguments.tokens,
                need=need,
                heard=lambda each: progress.show(each.order.name),
            )
            progress.clear()
            print(_table(f"{name} ({len(cases)} cases)", tried), flush=True)


def _training_cases(name: str, limit: int) -> list[Asked]:
    """Cases that no test looks at. Raises InvalidInput."""
    if limit < 1:
        raise InvalidInput(field="limit", problem="must be at least 1")
    if name == MEMOS:
        return memo_cases(Part.TRAIN, limit, seed=_SEED)
    if not Path(name).is_file():
        raise InvalidInput(field=name, problem="is no file")
    asked = [case for each in part_of(Path(name), Part.TRAIN) for case in asked_of(each)]
    if not asked:
        raise InvalidInput(field=name, problem="asks nothing")
    return sample(asked, limit, seed=_SEED)


def _table(title: str, tried: Sequence[Tried]) -> str:
    rows = [(each.order.name, f"{each.em:.2f}", f"{each.f1:.2f}") for each in tried]
    return render((title, "EM", "F1"), rows, right=("EM", "F1"), indent="  ")
