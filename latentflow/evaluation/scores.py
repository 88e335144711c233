"""What arms reached on their cases: figures with intervals, gains, the follow rate, McNemar.

Owns the sums; how they are written down is `report`'s. A figure that the arms at hand can't give
is None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from latentflow.answers import exact_match, token_f1
from latentflow.evaluation.cases import Asked
from latentflow.evaluation.measuring import Reply, Times
from latentflow.evaluation.significance import Estimate, McNemar, estimate, mcnemar, quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One answer against accepted ones."""

    em: float
    f1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Estimates over cases of exact match and F1, or of a difference of them."""

    em: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Milliseconds over the cases that were timed."""

    median: float
    p95: float


Marks = Sequence[Score]
"""In the order of the cases."""


def mark(cases: Sequence[Asked], replies: Sequence[Reply]) -> Marks:
    """Each answer against its own case's accepted ones."""
    return [
        Score(
            em=float(exact_match(reply.answer, case.answers)),
            f1=token_f1(reply.answer, case.answers),
        )
        for case, reply in zip(cases, replies, strict=True)
    ]


def summed(marks: Marks, *, seed: int) -> Scores:
    """Means with intervals over at least one case."""
    return Scores(
        em=estimate([score.em for score in marks], seed=seed),
        f1=estimate([score.f1 for score in marks], seed=seed),
    )


def gain(marks: Mapping[str, Marks], arm: str, without: str, *, seed: int) -> Scores | None:
    """What `arm` has over `without`, case by case."""
    if arm not in marks or without not in marks:
        return None
    differences = [
        Score(em=more.em - less.em, f1=more.f1 - less.f1)
        for more, less in zip(marks[arm], marks[without], strict=True)
    ]
    return summed(differences, seed=seed)


def follow_rate(
    cases: Sequence[Asked], others: Mapping[Asked, Asked], replies: Sequence[Reply], *, seed: int
) -> tuple[Scores | None, int]:
    """How often the answer is the other case's, and over how many cases.

    Not counted are those to which the other case's answer would be right.
    """
    told_apart = [
        (others[case], reply)
        for case, reply in zip(cases, replies, strict=True)
        if case.right_answers.isdisjoint(others[case].right_answers)
    ]
    if not told_apart:
        return None, 0
    given, answered = zip(*told_apart, strict=True)
    return summed(mark(given, answered), seed=seed), len(told_apart)


def compare(marks: Mapping[str, Marks], arm: str, other: str) -> McNemar:
    """By exact match."""
    return mcnemar(*([score.em == 1 for score in marks[each]] for each in (arm, other)))


def best_of(marks: Mapping[str, Marks], arms: Sequence[str]) -> str | None:
    """The arm with the most exact matches, of several the first."""
    return max(arms, key=lambda arm: sum(score.em for score in marks[arm]), default=None)


def option_accuracy(cases: Sequence[Asked], replies: Sequence[Reply]) -> float | None:
    """Share of the cases with options whose likeliest one is accepted."""
    chosen = [
        exact_match(reply.choice, case.answers)
        for case, reply in zip(cases, replies, strict=True)
        if reply.choice is not None
    ]
    return sum(chosen) / len(chosen) if chosen else None


def first_token_ms(times: Sequence[Times]) -> Spread | None:
    return _spread([each.first_token_seconds for each in times])


def answer_ms(times: Sequence[Times]) -> Spread | None:
    return _spread([each.answer_seconds for each in times])


def median(values: Sequence[float]) -> float:
    return quantile(sorted(values), 0.5)


def _spread(seconds: Sequence[float]) -> Spread | None:
    if not seconds:
        return None
    ordered = sorted(1000 * each for each in seconds)
    return Spread(median=quantile(ordered, 0.5), p95=quantile(ordered, 0.95))
