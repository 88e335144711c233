"""Reports of `latentflow eval`, made by hand to the form of docs/evaluation.md."""

import json
from pathlib import Path
from typing import Any

DIGEST = "a" * 64


def made_report(data: str = "memos", digest: str = DIGEST) -> dict[str, Any]:
    """One case, and arms whose figures tell them apart."""
    return {
        "format_version": 1,
        "data": f"{data}.jsonl",
        "adapter": {"name": "tiny", "digest": digest, "bytes": 1000, "parameters": 10},
        "arms": {
            "alone": _arm(0.1, 20.0),
            "text-32": _arm(0.3, 400.0),
            "text-64": _arm(0.4, 900.0),
            "full-text-tuned": _arm(0.8, 130.0),
            "matched": _arm(0.7, 100.0),
            "matched@1/4": _arm(0.6, 90.0),
            "deranged": _arm(0.05, None),
        },
        "system_gain": _scores(0.6),
        "pairing_gain": _scores(0.65),
        "follow_rate": {"em": None, "f1": None, "cases": 0},
        "mcnemar": {"best_text_arm": "text-64", "p": 0.0321},
        "precision": {"sharer": "bfloat16", "receiver": "float32"},
        "case_count": 1,
        "cases": [],
    }


def write_report(path: Path, report: dict[str, Any]) -> Path:
    path.write_text(json.dumps(report), encoding="utf-8")
    return path


def _arm(em: float, milliseconds: float | None) -> dict[str, Any]:
    times = None if milliseconds is None else {"median": milliseconds, "p95": 2 * milliseconds}
    return {
        **_scores(em),
        "option_accuracy": None,
        "ttft_ms": times,
        "ttea_ms": times,
        "wire_bytes": 1234,
    }


def _scores(em: float) -> dict[str, Any]:
    low, high = em - 0.05, em + 0.05
    return {"em": em, "em_interval": [low, high], "f1": em, "f1_interval": [low, high]}
