"""An evaluation as one JSON object, in the form of docs/evaluation.md.

Owns the form; the figures are `scores`'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from latentflow.evaluation.arm_names import ArmName, Kind
from latentflow.evaluation.cases import Asked
from latentflow.evaluation.measuring import Replies, Reply, Times
from latentflow.evaluation.scores import (
    Marks,
    Score,
    Scores,
    Spread,
    answer_ms,
    best_of,
    compare,
    first_token_ms,
    follow_rate,
    gain,
    mark,
    median,
    option_accuracy,
    summed,
)
from latentflow.evaluation.significance import McNemar

FORMAT_VERSION = 1

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was run and what came of it.

    `others` names whose latent each case was given where they were exchanged; `cache_bytes` is
    the sharer's whole cache of each case's context in float16, `precision` in what each model
    ran: None where no model was at hand.
    """

    arms: Sequence[ArmName]
    cases: Sequence[Asked]
    replies: Replies
    others: Mapping[Asked, Asked]
    cache_bytes: Sequence[int] | None
    seed: int
    precision: Mapping[str, str] | None = None


def report(outcome: Outcome, about: Mapping[str, object]) -> Json:
    """The whole object; `about` tells of adapter, models, data and versions."""
    marks = {name: mark(outcome.cases, replies) for name, replies in outcome.replies.items()}
    seed = outcome.seed
    return {
        "format_version": FORMAT_VERSION,
        **about,
        "seed": seed,
        "precision": outcome.precision,
        "case_count": len(outcome.cases),
        "arms": {arm.text: _arm(outcome, arm.text, marks[arm.text]) for arm in outcome.arms},
        "system_gain": _scores(gain(marks, Kind.MATCHED, Kind.ALONE, seed=seed)),
        "pairing_gain": _scores(gain(marks, Kind.MATCHED, Kind.DERANGED, seed=seed)),
        "follow_rate": _follow_rate(outcome),
        "mcnemar": _mcnemar(outcome, marks),
        "cases": [_case(outcome, marks, place) for place in range(len(outcome.cases))],
    }


def _arm(outcome: Outcome, name: str, marks: Marks) -> Json:
    replies = outcome.replies[name]
    times = [reply.times for reply in replies if reply.times]
    return {
        **(_scores(summed(marks, seed=outcome.seed)) or {}),
        "option_accuracy": option_accuracy(outcome.cases, replies),
        "ttft_ms": _spread(first_token_ms(times)),
        "ttea_ms": _spread(answer_ms(times)),
        "timed_cases": len(times),
        "wire_bytes": median([reply.wire_bytes for reply in replies]),
        "sharer_cache_bytes": None if outcome.cache_bytes is None else median(outcome.cache_bytes),
    }


def _scores(scores: Scores | None) -> Json | None:
    if scores is None:
        return None
    return {
        "em": scores.em.value,
        "em_interval": [scores.em.low, scores.em.high],
        "f1": scores.f1.value,
        "f1_interval": [scores.f1.low, scores.f1.high],
    }


def _spread(spread: Spread | None) -> Json | None:
    return None if spread is None else asdict(spread)


def _follow_rate(outcome: Outcome) -> Json | None:
    if Kind.DERANGED not in outcome.replies:
        return None
    replies = outcome.replies[Kind.DERANGED]
    scores, cases = follow_rate(outcome.cases, outcome.others, replies, seed=outcome.seed)
    return {**(_scores(scores) or {"em": None, "f1": None}), "cases": cases}


def _mcnemar(outcome: Outcome, marks: Mapping[str, Marks]) -> Json | None:
    """Matched against every text arm; in front, against the best message of an untuned receiver."""
    texts = [arm for arm in outcome.arms if arm.kind in (Kind.TEXT, Kind.FULL_TEXT)]
    if Kind.MATCHED not in marks or not texts:
        return None
    against = {arm.text: _test(compare(marks, Kind.MATCHED, arm.text)) for arm in texts}
    best = best_of(marks, [arm.text for arm in texts if arm.is_message])
    front: Json = {"best_text_arm": best, **(against[best] if best else {"p": None})}
    return {**front, "against": against}


def _test(test: McNemar) -> Json:
    return {"p": test.p, "only_matched": test.only_first, "only_text": test.only_second}


def _case(outcome: Outcome, marks: Mapping[str, Marks], place: int) -> Json:
    case = outcome.cases[place]
    other = outcome.others.get(case)
    return {
        "id": case.case_id,
        "question": case.question,
        "answers": list(case.answers),
        "deranged_with": other.case_id if other else None,
        "sharer_cache_bytes": outcome.cache_bytes[place] if outcome.cache_bytes else None,
        "arms": {
            arm.text: _reply(outcome.replies[arm.text][place], marks[arm.text][place])
            for arm in outcome.arms
        },
    }


def _reply(reply: Reply, score: Score) -> Json:
    return {
        "answer": reply.answer,
        "em": score.em,
        "f1": score.f1,
        "choice": reply.choice,
        **_times(reply.times),
        "wire_bytes": reply.wire_bytes,
        "message": reply.message or None,
    }


def _times(times: Times | None) -> Json:
    if times is None:
        return {"ttft_ms": None, "ttea_ms": None}
    return {
        "ttft_ms": 1000 * times.first_token_seconds,
        "ttea_ms": 1000 * times.answer_seconds,
    }
