"""Reports that `latentflow eval` wrote, read back as values for tables and plots."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentflow.errors import InvalidInput
from latentflow.evaluation.arm_names import ArmName, parse_arm
from latentflow.evaluation.report import FORMAT_VERSION
from latentflow.evaluation.significance import Estimate
from latentflow.files import read_text_file

_GAINS = ("system_gain", "pairing_gain", "follow_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Exact match and F1 over cases, or a difference of them, each in [-1, 1]."""

    em: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """One arm; times are medians in milliseconds, None where no case was timed."""

    name: ArmName
    scored: Scored
    option_accuracy: float | None
    first_token_ms: float | None
    answer_ms: float | None
    wire_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One adapter on one set of cases.

    `gains` holds what the arms at hand allow; `best_text` is the arm that `p` compares with;
    `precision` is empty where a report does not know it.
    """

    data: str
    adapter: str
    adapter_digest: str
    cases: int
    precision: Mapping[str, str]
    arms: tuple[ArmResult, ...]
    gains: Mapping[str, Scored]
    best_text: str | None
    p: float | None


def read_result(path: Path) -> Result:
    """Raises InvalidInput for a file that is no report, or one of another version."""
    text = read_text_file(path)
    try:
        return _result(json.loads(text))
    except InvalidInput as error:
        raise InvalidInput(field=f"{path}: {error.field}", problem=error.problem) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(field=str(path), problem="is no report of `latentflow eval`") from error


def _result(report: Mapping[str, Any]) -> Result:
    if report["format_version"] != FORMAT_VERSION:
        raise InvalidInput(field="format_version", problem=f"must be {FORMAT_VERSION}")
    test = report["mcnemar"] or {}
    return Result(
        data=Path(report["data"]).stem,
        adapter=report["adapter"]["name"],
        adapter_digest=report["adapter"]["digest"],
        cases=report["case_count"] if "case_count" in report else len(report["cases"]),
        precision=report.get("precision") or {},
        arms=tuple(_arm(name, arm) for name, arm in report["arms"].items()),
        gains={
            name: _scored(report[name])
            for name in _GAINS
            if report[name] and report[name]["em"] is not None
        },
        best_text=test.get("best_text_arm"),
        p=test.get("p"),
    )


def _arm(name: str, arm: Mapping[str, Any]) -> ArmResult:
    return ArmResult(
        name=parse_arm(name),
        scored=_scored(arm),
        option_accuracy=arm["option_accuracy"],
        first_token_ms=(arm["ttft_ms"] or {}).get("median"),
        answer_ms=(arm["ttea_ms"] or {}).get("median"),
        wire_bytes=arm["wire_bytes"],
    )


def _scored(scores: Mapping[str, Any]) -> Scored:
    return Scored(em=_estimate(scores, "em"), f1=_estimate(scores, "f1"))


def _estimate(scores: Mapping[str, Any], metric: str) -> Estimate:
    low, high = scores[f"{metric}_interval"]
    return Estimate(value=scores[metric], low=low, high=high)
