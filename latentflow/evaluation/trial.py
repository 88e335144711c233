"""A trial of an adapter on one set of cases: every arm's answers, scored.

Owns which arms a card reports and how they are summed; the full evaluation with intervals,
latencies and tuned controls is `latentflow eval`'s.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from latentflow.errors import InvalidInput
from latentflow.evaluation.arms import Asked, Handoff, alone, full_text, latent, text
from latentflow.evaluation.metrics import exact_match, token_f1

_BATCH = 8

Arm = Callable[[Handoff, Sequence[Asked], Sequence[Asked]], list[str]]

ARMS: dict[str, Arm] = {
    "alone": lambda handoff, cases, _others: alone(handoff, cases),
    "text-32": lambda handoff, cases, _others: text(handoff, cases, 32),
    "full-text": lambda handoff, cases, _others: full_text(handoff, cases),
    "matched": lambda handoff, cases, _others: latent(handoff, cases, cases),
    "matched, window 4": lambda handoff, cases, _others: latent(handoff, cases, cases, 4),
    "deranged": latent,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Means over a set's cases, in [0, 1]."""

    exact_match: float
    f1: float


def try_arms(
    handoff: Handoff, cases: Sequence[Asked], say: Callable[[str], None]
) -> dict[str, Figures]:
    """Every arm on the same cases. A deranged latent is the next case's, the last one's the first.

    Raises InvalidInput for fewer than two cases.
    """
    if len(cases) < 2:
        raise InvalidInput(field="cases", problem="needs two to exchange latents")
    others = [*cases[1:], cases[0]]
    figures = {}
    for name, arm in ARMS.items():
        answers = [
            answer
            for start in range(0, len(cases), _BATCH)
            for answer in arm(
                handoff, cases[start : start + _BATCH], others[start : start + _BATCH]
            )
        ]
        figures[name] = _scored(cases, answers)
        say(f"  {name:18s} EM {figures[name].exact_match:.2f}  F1 {figures[name].f1:.2f}")
    return figures


def _scored(cases: Sequence[Asked], answers: Sequence[str]) -> Figures:
    pairs = list(zip(cases, answers, strict=True))
    return Figures(
        exact_match=sum(exact_match(said, case.answers) for case, said in pairs) / len(pairs),
        f1=sum(token_f1(said, case.answers) for case, said in pairs) / len(pairs),
    )
