"""Memos answer their own questions, repeat by seed, and keep training and test apart."""

import hashlib
import re

import pytest

from latentflow.training.cases import Case
from latentflow.training.memo_facts import FACTS
from latentflow.training.memo_places import COUNTRY_OF
from latentflow.training.memo_words import ENDINGS, ENTITIES
from latentflow.training.memos import Memos
from latentflow.training.parts import Part

PROJECTS = re.compile(r"Project (\w+)")
PEOPLE = re.compile(r"\b([A-Z]\w+) ([A-Z]\w+)\b")


def _drawn(part: Part, count: int, seed: int = 0) -> list[Case]:
    memos = Memos(part, seed=seed)
    return [memos.draw() for _ in range(count)]


def _text(part: Part, count: int = 600) -> str:
    return "\n".join(memo.context for memo in _drawn(part, count))


def _met(part: Part, names: list[str]) -> set[str]:
    text = _text(part)
    return {name for name in names if name in text}


def _named(kind: str, part: Part) -> set[str]:
    """The listed names that stand where one of their kind stands."""
    people = PEOPLE.findall(_text(part))
    met = {
        "project": PROJECTS.findall(_text(part)),
        "first": [first for first, _ in people],
        "last": [last for _, last in people],
    }
    return set(met[kind]) & set(ENTITIES[kind])


def _made_up_projects(part: Part) -> set[str]:
    return set(PROJECTS.findall(_text(part))) - set(ENTITIES["project"])


@pytest.mark.parametrize("part", Part)
def test_every_answer_stands_in_its_memo_or_is_the_country_of_a_place_there(part: Part) -> None:
    for memo in _drawn(part, 200, seed=3):
        places = [place for place in COUNTRY_OF if place.lower() in memo.context.lower()]
        known = [memo.context.lower(), *(COUNTRY_OF[place].lower() for place in places)]
        for question in memo.questions:
            assert any(question.answers[0].lower() in text for text in known)
            assert "{" not in question.text + memo.context


def test_some_answers_are_countries_that_their_memo_does_not_name() -> None:
    unnamed = [
        question
        for memo in _drawn(Part.TRAIN, 600)
        for question in memo.questions
        if question.answers[0] in COUNTRY_OF.values() and question.answers[0] not in memo.context
    ]
    assert len(unnamed) > 20


def test_a_seed_repeats_and_another_does_not() -> None:
    assert _drawn(Part.TRAIN, 5, seed=1) == _drawn(Part.TRAIN, 5, seed=1)
    assert _drawn(Part.TRAIN, 5, seed=1) != _drawn(Part.TRAIN, 5, seed=2)


def test_validation_is_drawn_anew_from_what_training_has() -> None:
    validation, test = _named("project", Part.VALIDATION), _named("project", Part.TEST)
    assert len(validation & _named("project", Part.TRAIN)) > 0.8 * len(validation)
    assert validation.isdisjoint(test)
    learnt, unseen = (_drawn(part, 50) for part in (Part.TRAIN, Part.VALIDATION))
    assert {memo.context for memo in learnt}.isdisjoint(memo.context for memo in unseen)


@pytest.mark.parametrize("kind", ["project", "first", "last"])
def test_test_memos_share_no_listed_name_with_training(kind: str) -> None:
    train, test = _named(kind, Part.TRAIN), _named(kind, Part.TEST)
    assert len(train | test) > 0.8 * len(ENTITIES[kind])
    assert train.isdisjoint(test)


def test_about_a_quarter_of_the_names_stand_on_no_list() -> None:
    projects = PROJECTS.findall(_text(Part.TRAIN))
    made_up = [name for name in projects if name not in ENTITIES["project"]]
    assert 0.15 < len(made_up) / len(projects) < 0.35
    assert len(set(made_up)) > 0.8 * len(made_up) / 2


def test_made_up_names_of_the_test_end_as_none_of_training_does() -> None:
    train, test = ENDINGS[:3], ENDINGS[3]
    assert any(name.endswith(train) for name in _made_up_projects(Part.TRAIN))
    assert any(name.endswith(test) for name in _made_up_projects(Part.TEST))
    assert _made_up_projects(Part.TRAIN).isdisjoint(_made_up_projects(Part.TEST))


def test_test_memos_share_no_statement_with_training() -> None:
    starts = [text.split("{")[0] for fact in FACTS.values() for text in fact.statements]
    unique = [start for start in starts if len(start) > 8 and starts.count(start) == 1]
    seen, test = _met(Part.TRAIN, unique), _met(Part.TEST, unique)
    assert len(seen | test) > len(unique) / 2
    assert seen.isdisjoint(test)


def test_the_memos_that_evaluations_draw_are_the_same_ever_after() -> None:
    """What is compared over time is measured on these: a change of them is a new benchmark."""
    memos = "".join(repr(memo) for memo in _drawn(Part.TEST, 60))
    assert hashlib.sha256(memos.encode()).hexdigest()[:16] == "579f8ce34d013c86"


def test_a_memo_asks_as_many_questions_as_wished_where_it_has_the_facts() -> None:
    memos = Memos(Part.TRAIN, seed=0, questions=4)
    counts = {len(memos.draw().questions) for _ in range(100)}
    assert counts == {1, 2, 3, 4}
