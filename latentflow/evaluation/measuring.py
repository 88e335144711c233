"""Runs arms on cases in one process: some timed one by one, the rest in batches.

Owns the order of the work and the clock; scoring is `report`'s.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from latentflow.evaluation.arms import Arm
from latentflow.evaluation.cases import Asked
from latentflow.evaluation.handoff import Handoff
from latentflow.evaluation.receiving import Clock, Ready, choose, prepare, speak
from latentflow.evaluation.sending import Parcel, Sending

_BATCH = 8

Heard = Callable[[int], None]
"""Hears how many cases are done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds from the moment the sharer has the context to the first token and to the end."""

    first_token_seconds: float
    answer_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one arm made of one case.

    `message` is the text that was sent, `choice` the likeliest option, where there are some.
    """

    answer: str
    wire_bytes: int
    message: str = ""
    choice: str | None = None
    times: Times | None = None


Replies = Mapping[str, Sequence[Reply]]
"""By arm, in the order of the cases."""


def measure(
    handoff: Handoff,
    arms: Sequence[Arm],
    cases: Sequence[Asked],
    *,
    timed: int = 0,
    clock: Clock = time.perf_counter,
    heard: Heard = lambda _done: None,
) -> Replies:
    """Every arm on every case.

    The first `timed` cases run alone, arm after arm on each, after a warm-up on the first one;
    the rest in batches without times.
    """
    replies: dict[str, list[Reply]] = {arm.name: [] for arm in arms}
    for arm in arms if timed else ():
        _timed(handoff, arm, cases[0], clock)
    for done, case in enumerate(cases[:timed], start=1):
        for arm in arms:
            replies[arm.name].append(_timed(handoff, arm, case, clock))
        heard(done)
    for start in range(timed, len(cases), _BATCH):
        for name, more in _batch(handoff, arms, cases[start : start + _BATCH]).items():
            replies[name] += more
        heard(min(start + _BATCH, len(cases)))
    return replies


def _timed(handoff: Handoff, arm: Arm, case: Asked, clock: Clock) -> Reply:
    began_at = clock()
    (parcel,) = arm.sending.send(handoff, [case])
    ready = prepare(handoff, case, parcel, arm.tuned)
    spoken = speak(handoff, [ready], clock)
    return Reply(
        answer=spoken.answers[0],
        wire_bytes=parcel.wire_bytes,
        message=parcel.text,
        choice=choose(handoff, case, ready),
        times=Times(
            first_token_seconds=spoken.first_token_at - began_at,
            answer_seconds=spoken.ended_at - began_at,
        ),
    )


def _batch(handoff: Handoff, arms: Sequence[Arm], cases: Sequence[Asked]) -> dict[str, list[Reply]]:
    """What several arms send alike is made once."""
    sent: dict[Sending, list[Parcel]] = {}
    replies = {}
    for arm in arms:
        if arm.sending not in sent:
            sent[arm.sending] = arm.sending.send(handoff, cases)
        replies[arm.name] = _answered(handoff, arm, cases, sent[arm.sending])
    return replies


def _answered(
    handoff: Handoff, arm: Arm, cases: Sequence[Asked], parcels: Sequence[Parcel]
) -> list[Reply]:
    readies: list[Ready] = [
        prepare(handoff, case, parcel, arm.tuned)
        for case, parcel in zip(cases, parcels, strict=True)
    ]
    return [
        Reply(
            answer=answer,
            wire_bytes=parcel.wire_bytes,
            message=parcel.text,
            choice=choose(handoff, case, ready),
        )
        for answer, parcel, case, ready in zip(
            speak(handoff, readies).answers, parcels, cases, readies, strict=True
        )
    ]
