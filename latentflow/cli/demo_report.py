"""What `latentflow demo` prints: answers and times of each case, and the sum of it."""

from collections.abc import Sequence

from latentflow.cli.demo_arms import ArmRun
from latentflow.cli.demo_cases import DemoCase
from latentflow.cli.table import render

_INDENT = "  "
_ANSWER_CHARACTERS = 44
_MEMO_CHARACTERS = 88


def case_report(title: str, case: DemoCase, runs: Sequence[ArmRun]) -> str:
    """One case: its question, a table of the arms, and where their time went."""
    expected = f"   (expected: {case.expected})" if case.expected else ""
    return "\n".join(
        [
            f"{title}: {case.question}{expected}",
            f"{_INDENT}only the sharer reads: {_cut(case.context, _MEMO_CHARACTERS)}",
            "",
            _answers(case, runs),
            "",
            f"{_INDENT}where the time went, in milliseconds",
            _stages(runs),
            "",
        ]
    )


def summary(cases: Sequence[DemoCase], runs: Sequence[Sequence[ArmRun]]) -> str:
    """Right answers by arm, over the cases whose answer is known."""
    known = [(case, of_case) for case, of_case in zip(cases, runs, strict=True) if case.expected]
    if not known:
        return "no expected answer was given (--expect), so none was checked"
    arms = [run.arm for run in known[0][1]]
    counts = (
        f"{arm} {sum(is_right(case, of_case[i]) for case, of_case in known)} of {len(known)}"
        for i, arm in enumerate(arms)
    )
    return f"answers that hold what was expected: {', '.join(counts)}"


def is_right(case: DemoCase, run: ArmRun) -> bool:
    """Whether the answer contains the expected words, whatever their case and spacing."""
    return _plain(case.expected) in _plain(run.answer.text)


def _answers(case: DemoCase, runs: Sequence[ArmRun]) -> str:
    header = ("arm", "answer", "right", "first token", "end of answer", "bytes on the wire")
    rows = [
        (
            run.arm,
            _cut(run.answer.text.strip() or "(nothing)", _ANSWER_CHARACTERS),
            ("yes" if is_right(case, run) else "no") if case.expected else "?",
            f"{run.first_token_seconds:.2f} s",
            f"{run.seconds:.2f} s",
            f"{run.answer.wire_bytes:,}",
        )
        for run in runs
    ]
    return render(header, rows, right=header[3:], indent=_INDENT)


def _stages(runs: Sequence[ArmRun]) -> str:
    header = ("arm", *runs[0].stages())
    rows = [
        (run.arm, *(f"{seconds * 1000:.0f}" for seconds in run.stages().values())) for run in runs
    ]
    return render(header, rows, right=header[1:], indent=_INDENT)


def _cut(text: str, characters: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= characters else line[: characters - 3] + "..."


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
