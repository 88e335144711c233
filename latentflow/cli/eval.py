"""`latentflow eval`: measures an adapter arm by arm, in one process or through services."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from latentflow.cli.adapter_options import adapter_file, add_handoff_arguments
from latentflow.cli.evaluating.about import about_adapter, about_machine, about_models
from latentflow.cli.evaluating.exam import Exam, exam_of
from latentflow.cli.evaluating.here import measured_here
from latentflow.cli.evaluating.served import measured_served
from latentflow.cli.evaluating.table import table
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.evaluation.report import report
from latentflow.evaluation.tuned import describe_tuned
from latentflow.files import write_text_file
from latentflow.training.plan import MEMOS

_ARMS = "alone,text-32,text-64,text-64-need,full-text,matched,deranged,zero,constant"
_TIMED = 24
_CALL_SECONDS = 120.0


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    add_handoff_arguments(parser)
    parser.add_argument("--data", required=True, metavar="FILE", help="a JSONL, or `memos`")
    parser.add_argument("--json", type=Path, required=True, metavar="OUT", help="the whole report")
    parser.add_argument(
        "--unseen", action="store_true", help="only what `train` keeps of FILE for the test"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="cases, drawn from all of the file")
    parser.add_argument("--arms", default=_ARMS, metavar="A,B,...", help="default: %(default)s")
    parser.add_argument(
        "--budget", metavar="1,1/4,...", help="shares of a whole latent; default: 1 and 1/4"
    )
    parser.add_argument("--times", type=int, default=_TIMED, metavar="N", help="cases timed, alone")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--constant-from",
        default=MEMOS,
        metavar="FILE",
        help="training contexts of the mean latent; default memos",
    )
    parser.add_argument("--tuned", type=Path, metavar="DIR", help="prefixes of the -tuned arms")
    _add_service_arguments(parser)


def _add_service_arguments(parser: ArgumentParser) -> None:
    through = parser.add_mutually_exclusive_group()
    through.add_argument("--serve", action="store_true", help="through services, started for it")
    through.add_argument(
        "--endpoints", nargs=2, metavar=("SHARER", "RECEIVER"), help="through these services"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=_CALL_SECONDS,
        metavar="SECONDS",
        help="of each call to a service; default: %(default)g",
    )


def run(arguments: Namespace, settings: Settings) -> None:
    progress = Progress()
    exam = exam_of(arguments)
    about = _about(exam)  # first: what can't be read is told before hours of work
    measured = measured_served if exam.is_served else measured_here
    whole = report(measured(exam, settings, progress), about)
    progress.clear()
    text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False)
    write_text_file(arguments.json, text + "\n")
    print(table(whole))


def _about(exam: Exam) -> dict[str, object]:
    arguments, path = exam.arguments, adapter_file(exam.arguments)
    return {
        "data": Path(arguments.data).name,
        "unseen": arguments.unseen,
        "served": exam.is_served,
        "budgets": [str(budget) for budget in exam.budgets],
        "constant_from": arguments.constant_from,
        "adapter": about_adapter(path, exam.header),
        "models": about_models(exam.header),
        "tuned": describe_tuned(arguments.tuned, exam.arms) if arguments.tuned else {},
        **about_machine(),
    }
