"""Counts what runs and mutations came to, and says it as tables."""

from collections import Counter
from collections.abc import Mapping

from tests.faults.mutated import Outcomes
from tests.faults.plan import KILLS, Fault, Plan
from tests.faults.trial import Report
from tests.faults.verdict import Verdict

_COLUMNS = ("runs", *Verdict, "taken back")


class Tally:
    """Of all runs so far, by what was done to them. Latents are counted in all columns but runs."""

    def __init__(self) -> None:
        self.violations: list[Plan] = []
        self._rows: dict[str, Counter[str]] = {}
        self._errors: Counter[str] = Counter()

    @property
    def runs(self) -> int:
        return sum(row["runs"] for row in self._rows.values())

    def add(self, report: Report) -> None:
        row = self._rows.setdefault(_kind(report), Counter())
        row["runs"] += 1
        row["taken back"] += report.taken_back
        row.update(str(judgement.verdict) for judgement in report.judgements)
        self._errors += report.errors
        if report.violations:
            self.violations.append(report.plan)

    def table(self) -> str:
        whole = sum(self._rows.values(), Counter())
        rows = [*sorted(self._rows.items()), ("all", whole)]
        return "\n".join(
            [
                _row("fault", dict(zip(_COLUMNS, _COLUMNS, strict=True))),
                *(_row(kind, {name: str(row[name]) for name in _COLUMNS}) for kind, row in rows),
                f"attempts that failed: {_listed(self._errors)}",
                f"runs with a violation: {len(self.violations)}",
                *(f"  {plan}" for plan in self.violations),
            ]
        )


def describe(report: Report) -> str:
    """One line on one run."""
    verdicts = Counter(str(each.verdict) for each in report.judgements)
    said = [f"{report.plan}", _listed(verdicts)]
    if not report.has_struck:
        said.append("did not strike")
    if report.taken_back:
        said.append(f"{report.taken_back} taken back")
    if report.errors:
        said.append(f"attempts that failed: {_listed(report.errors)}")
    return "; ".join([*said, *report.violations])


def mutation_table(outcomes: Outcomes) -> str:
    refused: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    for (kind, error), count in outcomes.refused.items():
        refused[kind] += count
        errors[error] += count
    lines = [f"{'mutation':20} {'refused':>8} {'same meaning':>13}"]
    lines += [
        f"{kind:20} {refused[kind]:8} {outcomes.unchanged[kind]:13}" for kind in sorted(refused)
    ]
    lines += [
        f"{'all':20} {refused.total():8} {outcomes.unchanged.total():13}",
        f"refused by: {_listed(errors)}",
        f"violations: {len(outcomes.violations)}",
        *(f"  {violation}" for violation in outcomes.violations),
    ]
    return "\n".join(lines)


def _row(kind: str, cells: Mapping[str, str]) -> str:
    return f"{kind:42}" + "".join(f"{cells[name]:>11}" for name in _COLUMNS)


def _kind(report: Report) -> str:
    strike = report.plan.strike
    if not report.has_struck:
        return "(came too late)"
    if strike.fault in (Fault.KILL_STORE, Fault.KILL_PRIMARY):
        return f"{strike.fault}, {report.plan.keeping}, {report.plan.stand}"
    return str(strike.fault) if strike.fault in KILLS else f"{strike.fault}, {strike.hop}"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"
