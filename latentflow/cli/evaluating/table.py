"""What `latentflow eval` prints: a row an arm, then the gains."""

from collections.abc import Mapping
from typing import Any

from latentflow.cli.table import render

Json = Mapping[str, Any]

_HEADER = ("arm", "EM", "95%", "F1", "option", "ttft ms", "p95", "ttea ms", "p95", "bytes")
_NOTHING = "-"


def table(report: Json) -> str:
    """The report's figures in lines of text."""
    rows = [_row(name, arm) for name, arm in report["arms"].items()]
    return "\n".join([render(_HEADER, rows, right=_HEADER[1:]), "", *_sums(report)])


def _row(name: str, arm: Json) -> tuple[str, ...]:
    first, end = arm["ttft_ms"] or {}, arm["ttea_ms"] or {}
    return (
        name,
        f"{arm['em']:.3f}",
        _interval(arm["em_interval"]),
        f"{arm['f1']:.3f}",
        _number(arm["option_accuracy"], ".3f"),
        *(_number(times.get(part), ".0f") for times in (first, end) for part in ("median", "p95")),
        _number(arm["wire_bytes"], ".0f"),
    )


def _sums(report: Json) -> list[str]:
    """A line for each comparison that the arms allow."""
    lines = [
        f"{name.replace('_', ' '):13s} EM {sums['em']:+.3f} {_interval(sums['em_interval'])}"
        f"   F1 {sums['f1']:+.3f} {_interval(sums['f1_interval'])}"
        for name in ("system_gain", "pairing_gain", "follow_rate")
        if (sums := report[name]) and sums["em"] is not None
    ]
    test = report["mcnemar"]
    if test and test["best_text_arm"]:
        lines.append(f"McNemar       p {test['p']:.4f} against {test['best_text_arm']}")
    return lines


def _interval(interval: list[float]) -> str:
    low, high = interval
    return f"[{low:.2f}, {high:.2f}]"


def _number(value: float | None, form: str) -> str:
    return _NOTHING if value is None else format(value, form)
