"""The curves of a run: loss by step as it trains and on what it does not learn, as one PNG.

Owns reading and drawing what the loop writes; draws without a display.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

PROGRESS_FILE = "progress.jsonl"
VALIDATION_FILE = "validation.jsonl"
CURVES_FILE = "curves.png"

_SMOOTHED_SHARE = 0.04
_INCHES = (9.0, 3.6)
_DOTS_AN_INCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Cross-entropy in nats a token, by step."""

    steps: tuple[int, ...]
    losses: tuple[float, ...]

    def smoothed(self) -> "Curve":
        """Each loss as the mean of the last twenty-fifth of the curve up to it."""
        span = max(1, round(_SMOOTHED_SHARE * len(self.losses)))
        sums = [0.0, *accumulate(self.losses)]
        means = (
            (sums[end] - sums[max(0, end - span)]) / min(span, end) for end in range(1, len(sums))
        )
        return Curve(steps=self.steps, losses=tuple(means))


def draw_curves(run: Path, path: Path) -> None:
    """Draws the curves of the run whose folder is `run` into a PNG, anew."""
    from matplotlib.figure import Figure  # only who trains needs the library, and its start-up

    figure = Figure(figsize=_INCHES, dpi=_DOTS_AN_INCH, layout="constrained")
    training, validation = figure.subplots(1, 2, sharex=True, sharey=True)
    lines = read_lines(run / PROGRESS_FILE)
    every = curve_of(lines)
    training.plot(every.steps, every.losses, ".", color="0.8", markersize=2)
    _plot(training, by_budget(lines), smooth=True)
    _plot(validation, by_budget(read_lines(run / VALIDATION_FILE)), smooth=False)
    for axes, title in ((training, "training, smoothed"), (validation, "validation")):
        axes.set(title=title, xlabel="step", yscale="log")
        axes.grid(alpha=0.3)
    training.set_ylabel("loss of an answer token")
    figure.savefig(path)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a curve's file; none when it is not there yet."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def by_budget(lines: Iterable[Mapping[str, Any]]) -> dict[int, Curve]:
    """A curve for each budget, the largest first."""
    parted = defaultdict(list)
    for line in lines:
        parted[int(line["budget"])].append(line)
    return {budget: curve_of(parted[budget]) for budget in sorted(parted, reverse=True)}


def curve_of(lines: Iterable[Mapping[str, Any]]) -> Curve:
    """A resumed run repeats the steps after its checkpoint; what it did last counts."""
    losses = {int(line["step"]): float(line["loss"]) for line in lines}
    steps = sorted(losses)
    return Curve(steps=tuple(steps), losses=tuple(losses[step] for step in steps))


def _plot(axes: Any, curves: Mapping[int, Curve], *, smooth: bool) -> None:
    for budget, curve in curves.items():
        shown = curve.smoothed() if smooth else curve
        axes.plot(shown.steps, shown.losses, "-" if smooth else "o-", label=f"budget {budget}")
    if curves:
        axes.legend(fontsize="small")
