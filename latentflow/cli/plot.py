"""`latentflow plot RESULT.json ...`: draws what evaluations measured, and writes their tables."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from latentflow.cli.plots import CONTROLS_FILE, TIMES_FILE, draw_controls, draw_times
from latentflow.cli.result_tables import results_markdown
from latentflow.cli.results import Result, read_result
from latentflow.cli.settings import Settings
from latentflow.files import make_folder, write_text_file

TABLES_FILE = "README.md"


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("results", type=Path, nargs="+", metavar="RESULT.json", help="of `eval`")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="made if need be")


def run(arguments: Namespace, settings: Settings) -> None:
    results = [read_result(path) for path in arguments.results]
    make_folder(arguments.out)
    path = arguments.out / TABLES_FILE
    write_text_file(path, f"# Results\n\n{shown(results, arguments.out)}\n")
    print(path)


def shown(results: Sequence[Result], folder: Path) -> str:
    """Tables as Markdown with the plots, which are drawn into `folder`; times where any are."""
    parts = [results_markdown(results)]
    if any(arm.first_token_ms is not None for result in results for arm in result.arms):
        draw_times(results, folder / TIMES_FILE)
        parts.append(f"![accuracy against time to the first token]({TIMES_FILE})")
    draw_controls(results, folder / CONTROLS_FILE)
    parts.append(f"![alone, deranged and matched with 95% intervals]({CONTROLS_FILE})")
    return "\n\n".join(parts)
