"""What a scenario measured: figures with median, 95th percentile and aim; their file and table.

Knows no scenario; where it was measured is `machine`'s.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import median
from time import perf_counter

from latentflow.cli.table import render

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One quantity over `samples` runs. `p95` is the bad tail; `at_most` the aim of the median."""

    name: str
    unit: str
    median: float
    p95: float
    samples: int
    at_most: float | None = None

    @property
    def verdict(self) -> str:
        """Empty without an aim."""
        if self.at_most is None:
            return ""
        word = "met" if self.median <= self.at_most else "MISSED"
        return f"<= {self.at_most:g} {word}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """A scenario's figures, and in `setting` what one must know to read them."""

    scenario: str
    setting: Mapping[str, object]
    figures: Sequence[Figure]


def figure(
    name: str, values: Sequence[float], unit: str, *, at_most: float | None = None
) -> Figure:
    """A quantity of which less is better, from its samples."""
    return Figure(
        name=name,
        unit=unit,
        median=median(values),
        p95=percentile_95(values),
        samples=len(values),
        at_most=at_most,
    )


def milliseconds(name: str, seconds: Sequence[float]) -> Figure:
    return figure(name, [1000 * value for value in seconds], "ms")


def throughput(name: str, seconds: Sequence[float], amount_bytes: int) -> Figure:
    """MB/s at the median and, slower, at the 95th percentile of the seconds."""
    per_run = amount_bytes / 1e6
    return Figure(
        name=name,
        unit="MB/s",
        median=per_run / median(seconds),
        p95=per_run / percentile_95(seconds),
        samples=len(seconds),
    )


def ratio(
    name: str, of: Sequence[float], to: Sequence[float], *, at_most: float | None = None
) -> Figure:
    """Of pairs measured one right after the other, so that a busy moment hits both."""
    pairs = [mine / other for mine, other in zip(of, to, strict=True)]
    return figure(name, pairs, "x", at_most=at_most)


def percentile_95(values: Sequence[float]) -> float:
    """The nearest rank: with fewer than 20 values the largest."""
    return sorted(values)[ceil(0.95 * len(values)) - 1]


class Stopwatch:
    """Seconds since it was made or last read."""

    def __init__(self) -> None:
        self._since = perf_counter()

    def lap(self) -> float:
        before, self._since = self._since, perf_counter()
        return self._since - before


def write(findings: Findings, facts: Mapping[str, object], folder: Path) -> Path:
    """One JSON file for each scenario, overwritten by the next run; `facts` go in front."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{findings.scenario}.json"
    record = {
        "scenario": findings.scenario,
        **facts,
        "setting": findings.setting,
        "figures": [_record(each) for each in findings.figures],
    }
    path.write_text(json.dumps(record, indent=1) + "\n")
    return path


def _record(each: Figure) -> dict[str, object]:
    record: dict[str, object] = {
        "name": each.name,
        "unit": each.unit,
        "median": _rounded(each.median),
        "p95": _rounded(each.p95),
        "samples": each.samples,
    }
    if each.at_most is not None:
        record |= {"at_most": each.at_most, "met": each.median <= each.at_most}
    return record


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def table(findings: Sequence[Findings]) -> str:
    header = ("scenario", "figure", "median", "p95", "unit", "n", "aim")
    rows = [(one.scenario, *_cells(each)) for one in findings for each in one.figures]
    return render(header, rows, right=("median", "p95", "n"))


def _cells(each: Figure) -> tuple[str, ...]:
    shown = (_shown(each.median), _shown(each.p95))
    return (each.name, *shown, each.unit, str(each.samples), each.verdict)


def _shown(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
