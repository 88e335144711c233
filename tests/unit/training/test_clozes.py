"""Clozes: what is asked stands in the text, with the answer in the gap."""

import random
import re

import pytest

from latentflow.training.cases import Case, Question
from latentflow.training.clozes import can_cloze, cloze, passage

PLAIN = " ".join(f"word{number}" for number in range(40))
NAMED = (
    "in the first year of the war the town of Kestrel Quay, then held by Ines Vandermolen, was"
    " taken in March 1848 by an army that came from the south and stayed there until the summer"
)


def _drawn(text: str, count: int = 200) -> list[Question]:
    chance = random.Random(0)
    case = Case(context=text, questions=())
    return [cloze(case, chance) for _ in range(count)]


def _pieces(question: Question) -> tuple[str, str]:
    """What stands before and after the gap of a quoted cloze."""
    quoted = re.search('"(.*)"', question.text)
    assert quoted is not None
    before, _, after = quoted[1].partition("___")
    return before.strip(), after.strip()


def test_a_short_text_is_not_asked_about() -> None:
    assert not can_cloze(Case(context="word " * 19, questions=()))
    assert can_cloze(Case(context="word " * 20, questions=()))


@pytest.mark.parametrize("text", [PLAIN, NAMED])
def test_the_answer_is_a_piece_of_the_text(text: str) -> None:
    for question in _drawn(text):
        [answer] = question.answers
        assert answer in text
        assert 1 <= len(answer.split()) <= 4


def test_the_answer_fills_the_gap_or_goes_on_behind_it() -> None:
    quoted = [question for question in _drawn(PLAIN) if '"' in question.text]
    assert len(quoted) > 100
    for question in quoted:
        before, after = _pieces(question)
        assert f"{before} {question.answers[0]} {after}".strip() in PLAIN


def test_a_question_without_quotes_asks_for_what_stands_there() -> None:
    asked = [question for question in _drawn(PLAIN) if '"' not in question.text]
    assert asked
    for question in asked:
        before, after = question.text.removesuffix("?").split(" what")
        assert f"{before} {question.answers[0]} {after.strip()}".strip() in PLAIN


def test_gaps_are_names_and_numbers_as_a_rule() -> None:
    gaps = [question for question in _drawn(NAMED) if "comes after" not in question.text]
    named = [gap for gap in gaps if re.match("[A-Z0-9]", gap.answers[0])]
    assert len(named) > len(gaps) / 2
    assert {"Kestrel Quay", "Ines Vandermolen"} <= {gap.answers[0] for gap in named}


def test_an_answer_is_never_only_punctuation_and_space_stripped_to_nothing() -> None:
    for question in _drawn('a ( ) " " . , ' * 10):
        assert question.answers[0].strip()


def test_a_seed_repeats() -> None:
    assert _drawn(NAMED, 5) == _drawn(NAMED, 5)
    assert len({question.text for question in _drawn(NAMED)}) > 100


@pytest.mark.parametrize("text", [PLAIN, NAMED])
def test_a_passage_stands_between_the_ends_that_are_quoted(text: str) -> None:
    chance = random.Random(0)
    lengths = set()
    for _ in range(200):
        question = passage(Case(context=text, questions=()), chance)
        before, after = re.findall('"([^"]*)"', question.text)
        [answer] = question.answers
        assert f"{before} {answer} {after}" in text
        lengths.add(len(answer.split()))
    assert min(lengths) >= 10
    assert max(lengths) > 25


def test_a_passage_of_the_shortest_text_leaves_its_ends() -> None:
    words = [f"word{number}" for number in range(20)]
    case = Case(context=" ".join(words), questions=())
    for seed in range(50):
        question = passage(case, random.Random(seed))
        assert 1 <= len(question.answers[0].split()) <= 14
