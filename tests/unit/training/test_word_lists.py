"""Lists hold what memos name, say it in any order, and ask for pieces of themselves."""

from collections import Counter

import pytest

from latentflow.training.lexicon import Lexicon
from latentflow.training.memo_words import ENTITIES
from latentflow.training.mixture import word_source
from latentflow.training.parts import Part, share
from latentflow.training.word_lists import WordLists

DRAWS = 60
OPEN = Lexicon(names=("Zanzibarrel",), words=("wobbletop",))


def test_a_list_is_long_enough_to_be_asked_and_asks_for_pieces_of_itself() -> None:
    lists = WordLists(Part.TRAIN, seed=0)
    for case in (lists.draw() for _ in range(DRAWS)):
        said = " ".join(case.context.split())
        assert len(said.split()) >= 20
        passage, cloze = case.questions
        assert passage.answers[0] in said
        assert cloze.answers[0] in said


def test_a_list_names_every_kind_and_the_lexicon() -> None:
    lists = WordLists(Part.TRAIN, seed=0, lexicon=OPEN)
    text = " ".join(lists.draw().context for _ in range(DRAWS))
    assert min(text.count("Zanzibarrel"), text.count("wobbletop")) > DRAWS
    assert any(character.isdigit() for character in text)
    met = Counter(
        kind
        for kind, names in ENTITIES.items()
        if any(name in text for name in share(names, Part.TRAIN))
    )
    assert set(met) == set(ENTITIES)


def test_a_part_names_nothing_of_the_other() -> None:
    lists = WordLists(Part.TRAIN, seed=0)
    text = "\n".join(lists.draw().context for _ in range(DRAWS))
    tested = set(share(ENTITIES["landmark"], Part.TEST))
    assert not [name for name in tested if name in text]


@pytest.mark.parametrize("part", Part)
def test_lists_repeat_by_seed(part: Part) -> None:
    draws = [
        [source.draw() for _ in range(5)]
        for source in (word_source(1, part, seed=seed) for seed in (3, 3, 4))
    ]
    assert draws[0] == draws[1] != draws[2]
