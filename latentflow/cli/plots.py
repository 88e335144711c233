"""The two plots of results: accuracy against time to the first token, and the controls.

Owns how results are drawn, without a display; what they are is `results`'.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from latentflow.cli.result_tables import title
from latentflow.cli.results import ArmResult, Result
from latentflow.evaluation.arm_names import ArmName, Kind
from latentflow.evaluation.significance import Estimate

TIMES_FILE = "accuracy-by-time.png"
CONTROLS_FILE = "controls.png"

_METRICS = {"em": "exact match", "f1": "F1"}
_CONTROLS = (Kind.ALONE, Kind.DERANGED, Kind.MATCHED)
_COLOURS = {
    Kind.ALONE: "tab:gray",
    Kind.TEXT: "tab:orange",
    Kind.FULL_TEXT: "tab:green",
    Kind.MATCHED: "tab:blue",
    Kind.DERANGED: "tab:red",
    Kind.ZERO: "tab:pink",
    Kind.CONSTANT: "tab:brown",
    Kind.TWO_SHARERS: "tab:purple",
}
_PANEL_INCHES = (4.6, 3.4)
_DOTS_AN_INCH = 100
_BAR_WIDTH = 0.27
_ROOM_FOR_NAMES = 0.2


def draw_times(results: Sequence[Result], path: Path) -> None:
    """Every timed arm at its median time and accuracy; arms that differ in budget are joined.

    At least one result must be timed; the others have no panel.
    """
    timed = [result for result in results if _families(result.arms)]
    figure, panels = _panels(rows=len(timed), columns=len(_METRICS))
    for row, result in zip(panels, timed, strict=True):
        for axes, (metric, name) in zip(row, _METRICS.items(), strict=True):
            for family in _families(result.arms):
                _draw_family(axes, family, metric)
            axes.set(xscale="log", title=_title(result, results), ylabel=name)
            axes.margins(x=_ROOM_FOR_NAMES)
            axes.grid(alpha=0.3, which="both")
    for axes in panels[-1]:
        axes.set_xlabel("time to the first token, ms")
    figure.savefig(path)


def draw_controls(results: Sequence[Result], path: Path) -> None:
    """Alone, deranged and matched on every set, with 95% intervals."""
    figure, ((*panels,),) = _panels(rows=1, columns=len(_METRICS))
    for axes, (metric, name) in zip(panels, _METRICS.items(), strict=True):
        for place, kind in enumerate(_CONTROLS):
            _draw_bars(axes, results, kind, place, metric)
        places = range(len(results))
        axes.set_xticks(places, [_title(result, results) for result in results], rotation=15)
        axes.set(title=name, ylim=(0, None))
        axes.grid(alpha=0.3, axis="y")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    figure.savefig(path)


def _panels(*, rows: int, columns: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # other commands need neither it nor its start-up

    width, height = _PANEL_INCHES
    figure = Figure(
        figsize=(width * columns, height * rows), dpi=_DOTS_AN_INCH, layout="constrained"
    )
    return figure, figure.subplots(rows, columns, squeeze=False)


def _families(arms: Iterable[ArmResult]) -> list[list[ArmResult]]:
    """Timed arms that differ by nothing but their budget, the quickest first."""
    families: dict[tuple[object, ...], list[ArmResult]] = {}
    for arm in arms:
        name = arm.name
        if arm.first_token_ms is not None:
            key = (name.kind, name.need, name.tuned, name.half_precision)
            families.setdefault(key, []).append(arm)
    return [sorted(family, key=_milliseconds) for family in families.values()]


def _draw_family(axes: Any, family: list[ArmResult], metric: str) -> None:
    name = family[0].name
    times = [_milliseconds(arm) for arm in family]
    estimates = [_of(arm, metric) for arm in family]
    axes.errorbar(
        times,
        [estimate.value for estimate in estimates],
        yerr=_whiskers(estimates),
        marker="s" if name.tuned else "o",
        linestyle=":" if name.need else "-",
        color=_COLOURS[name.kind],
        elinewidth=0.6,
        markersize=5,
    )
    for arm, milliseconds, estimate in zip(family, times, estimates, strict=True):
        label = {"xytext": (5, 4), "textcoords": "offset points", "fontsize": 7}
        axes.annotate(arm.name.text, (milliseconds, estimate.value), **label)


def _draw_bars(axes: Any, results: Sequence[Result], kind: Kind, place: int, metric: str) -> None:
    """One bar a set that has the arm, beside those of the other arms."""
    found = [
        (number, _of(arm, metric))
        for number, result in enumerate(results)
        for arm in result.arms
        if _is_plain(arm.name, kind)
    ]
    estimates = [estimate for _, estimate in found]
    axes.bar(
        [number + (place - 1) * _BAR_WIDTH for number, _ in found],
        [estimate.value for estimate in estimates],
        _BAR_WIDTH,
        yerr=_whiskers(estimates) if found else None,
        capsize=2,
        color=_COLOURS[kind],
        label=str(kind),
    )


def _is_plain(name: ArmName, kind: Kind) -> bool:
    """The arm of that kind at full budget, as it crosses the wire."""
    return name.text == kind


def _whiskers(estimates: Sequence[Estimate]) -> list[list[float]]:
    below = [max(0.0, each.value - each.low) for each in estimates]
    above = [max(0.0, each.high - each.value) for each in estimates]
    return [below, above]


def _of(arm: ArmResult, metric: str) -> Estimate:
    estimate: Estimate = getattr(arm.scored, metric)
    return estimate


def _milliseconds(arm: ArmResult) -> float:
    return arm.first_token_ms or 0.0


def _title(result: Result, results: Sequence[Result]) -> str:
    return title(result, with_adapter=len({each.adapter for each in results}) > 1)
