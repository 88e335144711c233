"""Memos answer their own questions, repeat by seed, and keep training and test apart."""

import pytest

from latentflow.training.memo_words import ENTITIES, FACTS
from latentflow.training.memos import Memos, Part


@pytest.mark.parametrize("part", Part)
def test_every_answer_stands_in_its_memo(part: Part) -> None:
    memos = Memos(part, seed=3)
    for _ in range(200):
        memo = memos.draw()
        for question in memo.questions:
            assert question.answers[0].lower() in memo.context.lower()
            assert "{" not in question.text + memo.context


def test_a_seed_repeats_and_another_does_not() -> None:
    first, same, other = (Memos(Part.TRAIN, seed=seed) for seed in (1, 1, 2))
    drawn = [first.draw() for _ in range(5)]
    assert drawn == [same.draw() for _ in range(5)]
    assert drawn != [other.draw() for _ in range(5)]


def test_test_memos_share_no_entity_with_training() -> None:
    names = [*ENTITIES["last"], *ENTITIES["project"], *ENTITIES["pet"]]
    seen = {part: _names_met(part, names) for part in Part}
    assert seen[Part.TRAIN]
    assert seen[Part.TEST]
    assert seen[Part.TRAIN].isdisjoint(seen[Part.TEST])


def test_test_memos_share_no_statement_with_training() -> None:
    starts = [text.split("{")[0] for fact in FACTS.values() for text in fact.statements]
    unique = [start for start in starts if len(start) > 8 and starts.count(start) == 1]
    seen = {part: _names_met(part, unique) for part in Part}
    assert len(seen[Part.TRAIN] | seen[Part.TEST]) > len(unique) / 2
    assert seen[Part.TRAIN].isdisjoint(seen[Part.TEST])


def _names_met(part: Part, names: list[str]) -> set[str]:
    memos = Memos(part, seed=0)
    text = "\n".join(memos.draw().context for _ in range(600))
    return {name for name in names if name in text}
