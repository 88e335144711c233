"""The form of the report: what a reader of the JSON relies on."""

import json
from dataclasses import replace

import pytest

from latentflow.evaluation.arm_names import parse_arms
from latentflow.evaluation.cases import Asked
from latentflow.evaluation.derangement import exchange
from latentflow.evaluation.measuring import Reply, Times
from latentflow.evaluation.report import Json, Outcome, report

CASES = [
    Asked(case_id=name, context=f"{name} here", question="who", answers=(name,)) for name in "BCD"
]
TIMES = Times(first_token_seconds=0.1, answer_seconds=0.25)


def reply(answer: str, times: Times | None = TIMES) -> Reply:
    return Reply(answer=answer, wire_bytes=40, times=times)


def outcome(arms: str = "alone,text-8,text-8-tuned,matched,deranged") -> Outcome:
    others = exchange(CASES, seed=0)
    said = {
        "alone": ["no"] * 3,
        "text-8": ["B", "no", "no"],
        "text-8-tuned": ["B", "C", "no"],
        "matched": ["B", "C", "D"],
        "deranged": [others[case].case_id for case in CASES],
    }
    parsed = parse_arms(arms, [])
    return Outcome(
        arms=parsed,
        cases=CASES,
        replies={arm.text: [reply(answer) for answer in said[arm.text]] for arm in parsed},
        others=others if "deranged" in arms else {},
        cache_bytes=[100, 300, 200],
        seed=0,
    )


def written(whole: Json) -> Json:
    """As it is read again from the file."""
    again: Json = json.loads(json.dumps(whole, allow_nan=False))
    return again


def test_an_arm_has_its_figures() -> None:
    arms = written(report(outcome(), {}))["arms"]
    assert isinstance(arms, dict)
    assert arms["text-8"].pop("em_interval") == [0.0, 1.0]
    assert arms["text-8"].pop("f1_interval") == [0.0, 1.0]
    assert arms["text-8"] == {
        "em": pytest.approx(1 / 3),
        "f1": pytest.approx(1 / 3),
        "option_accuracy": None,
        "ttft_ms": {"median": pytest.approx(100), "p95": pytest.approx(100)},
        "ttea_ms": {"median": pytest.approx(250), "p95": pytest.approx(250)},
        "timed_cases": 3,
        "wire_bytes": 40.0,
        "sharer_cache_bytes": 200.0,
    }


def test_gains_and_follow_rate_have_intervals() -> None:
    whole = written(report(outcome(), {}))
    for name in ("system_gain", "pairing_gain"):
        sums = whole[name]
        assert isinstance(sums, dict)
        assert (sums["em"], sums["em_interval"]) == (1.0, [1.0, 1.0])
    assert whole["follow_rate"] == {
        "em": 1.0,
        "em_interval": [1.0, 1.0],
        "f1": 1.0,
        "f1_interval": [1.0, 1.0],
        "cases": 3,
    }


def test_matched_is_tested_against_the_best_message_and_every_text_arm() -> None:
    test = written(report(outcome(), {}))["mcnemar"]
    assert isinstance(test, dict)
    assert test["best_text_arm"] == "text-8"
    assert (test["only_matched"], test["only_text"], test["p"]) == (2, 0, 0.5)
    assert set(test["against"]) == {"text-8", "text-8-tuned"}


def test_what_the_arms_can_not_tell_is_null() -> None:
    whole = written(report(replace(outcome("alone,matched"), cache_bytes=None), {}))
    assert [whole[name] for name in ("pairing_gain", "follow_rate", "mcnemar")] == [None] * 3
    assert whole["system_gain"] is not None


def test_every_case_has_every_answer() -> None:
    whole = written(report(outcome(), {}))
    cases = whole["cases"]
    assert isinstance(cases, list)
    assert [case["id"] for case in cases] == list("BCD")
    assert whole["case_count"] == len(cases)
    assert cases[1]["arms"]["text-8"] == {
        "answer": "no",
        "em": 0.0,
        "f1": 0.0,
        "choice": None,
        "ttft_ms": pytest.approx(100),
        "ttea_ms": pytest.approx(250),
        "wire_bytes": 40,
        "message": None,
    }
    assert cases[0]["deranged_with"] in ("C", "D")


def test_what_is_said_about_the_run_is_kept() -> None:
    assert report(outcome(), {"data": "x.jsonl"})["data"] == "x.jsonl"
