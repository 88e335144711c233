"""Which other case's latent each case is given: a permutation without fixed points.

Owns the exchange of the deranged arm; knows nothing of models.
"""

import random
from collections.abc import Sequence

from latentflow.errors import InvalidInput
from latentflow.evaluation.cases import Asked

_ITSELF, _SAME_CONTEXT, _SAME_ANSWER = 1_000_000, 1_000, 1

Content = tuple[str, frozenset[str]]
"""What must not be given to a case that holds the same: a context and its right answers."""


def derange(cases: Sequence[Asked], *, seed: int) -> list[int]:
    """For each case the place of another one, all different; seeded.

    As far as exchanges of two can bring it about, none has the same context or an answer that
    would be right here too; a choice's answers are not avoided, which would push chance down.
    Raises InvalidInput for fewer than two cases.
    """
    if len(cases) < 2:
        raise InvalidInput(field="cases", problem="needs two to exchange latents")
    contents = [(case.context, _answers_to_avoid(case)) for case in cases]
    places = _cycle(len(cases), seed)
    while _improve(contents, places):
        pass
    return places


def exchange(cases: Sequence[Asked], *, seed: int) -> dict[Asked, Asked]:
    """Whose latent each case is given. Raises as `derange`."""
    return {cases[here]: cases[there] for here, there in enumerate(derange(cases, seed=seed))}


def _answers_to_avoid(case: Asked) -> frozenset[str]:
    return frozenset() if case.options else case.right_answers


def _cycle(count: int, seed: int) -> list[int]:
    """A random permutation in which each case gets that of the next in a random order."""
    order = list(range(count))
    random.Random(seed).shuffle(order)
    given = dict(zip(order, [*order[1:], order[0]], strict=True))
    return [given[place] for place in range(count)]


def _improve(contents: Sequence[Content], places: list[int]) -> bool:
    """Exchanges what two cases are given wherever that helps; whether anything did."""
    helped = False
    for here in range(len(places)):
        for there in range(len(places)):
            if not _cost(contents, here, places[here]):
                break
            if _gain(contents, places, here, there) > 0:
                places[here], places[there] = places[there], places[here]
                helped = True
    return helped


def _gain(contents: Sequence[Content], places: list[int], here: int, there: int) -> int:
    before = _cost(contents, here, places[here]) + _cost(contents, there, places[there])
    after = _cost(contents, here, places[there]) + _cost(contents, there, places[here])
    return before - after


def _cost(contents: Sequence[Content], case: int, given: int) -> int:
    if case == given:
        return _ITSELF
    (context, answers), (other_context, other_answers) = contents[case], contents[given]
    same_context = _SAME_CONTEXT if context == other_context else 0
    return same_context + (0 if answers.isdisjoint(other_answers) else _SAME_ANSWER)
