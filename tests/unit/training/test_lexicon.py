"""An open vocabulary: a tokenizer's whole words, parted, and in memos' every slot that can be."""

import random
import string

import pytest

from latentflow.training.lexicon import NO_WORDS, Lexicon, lexicon_of
from latentflow.training.memo_words import ENTITIES
from latentflow.training.memos import Memos
from latentflow.training.parts import Part, share


class _Tokenizer:
    """Knows `pieces`."""

    def __init__(self, pieces: list[str]) -> None:
        self._pieces = pieces

    def get_vocab(self) -> dict[str, int]:
        return {piece: index for index, piece in enumerate(self._pieces)}


def _words(count: int) -> list[str]:
    letters = string.ascii_lowercase
    return [f"word{letters[each // 26]}{letters[each % 26]}" for each in range(count)]


def _pieces(mark: str, count: int = 400) -> list[str]:
    words = _words(count)
    return [f"{mark}{word}" for word in words] + [f"{mark}{word.capitalize()}" for word in words]


@pytest.mark.parametrize("mark", ["Ġ", "▁"])
def test_whole_words_are_parted_between_training_and_validation(mark: str) -> None:
    tokenizer = _Tokenizer(_pieces(mark))
    train, validation = (lexicon_of(tokenizer, part) for part in (Part.TRAIN, Part.VALIDATION))
    assert {*train.words, *validation.words} == {*_words(400)}
    assert {*train.names, *validation.names} == {word.capitalize() for word in _words(400)}
    assert len(train.words) > 2 * len(validation.words)
    learnt, kept = ({*lex.words, *map(str.lower, lex.names)} for lex in (train, validation))
    assert learnt.isdisjoint(kept)


def test_pieces_of_words_and_what_is_no_word_are_left_out() -> None:
    foreign = ["Ġ", "ing", "Ġabc", "Ġ1234", "ĠABCD", "Ġword.", "Ġx"]
    lexicon = lexicon_of(_Tokenizer([*_pieces("Ġ"), *foreign]), Part.TRAIN)
    assert {*lexicon.words} <= {*_words(400)}


def test_no_word_of_the_tests_lists_is_learnt() -> None:
    tested = [word for name in share(ENTITIES["place"], Part.TEST) for word in name.split()]
    pieces = [*_pieces("Ġ"), *(f"Ġ{word}" for word in tested)]
    lexicons = [lexicon_of(_Tokenizer(pieces), part) for part in (Part.TRAIN, Part.VALIDATION)]
    assert all(set(lexicon.words).isdisjoint(tested) for lexicon in lexicons)


def test_the_test_and_a_tokenizer_of_few_words_have_the_lists_alone() -> None:
    assert lexicon_of(_Tokenizer(_pieces("Ġ")), Part.TEST) == NO_WORDS
    assert lexicon_of(_Tokenizer(_pieces("Ġ", 50)), Part.TRAIN) == NO_WORDS


def test_things_are_words_and_names_are_names() -> None:
    lexicon, chance = Lexicon(names=("Orla",), words=("kettle",)), random.Random(0)
    assert lexicon.draw("first", chance) == "Orla"
    assert lexicon.draw("goods", chance) == "kettle"
    assert {lexicon.draw("place", chance) for _ in range(50)} == {"kettle", "kettle kettle"}


@pytest.mark.parametrize("kind", ["first", "goods", "place"])
def test_without_words_there_is_nothing_to_draw(kind: str) -> None:
    assert not NO_WORDS.has(kind)


def test_a_landmark_is_always_of_the_list_since_its_country_is_asked() -> None:
    assert not Lexicon(names=("Orla",), words=("kettle",)).has("landmark")


def test_memos_take_most_names_from_the_lexicon_and_ask_for_them() -> None:
    lexicon = lexicon_of(_Tokenizer(_pieces("Ġ")), Part.TRAIN)
    memos = Memos(Part.TRAIN, seed=0, questions=4, lexicon=lexicon)
    drawn = [memos.draw() for _ in range(200)]
    answers = [question.answers[0] for memo in drawn for question in memo.questions]
    assert all(answers)
    names = [answer for answer in answers if answer.istitle()]
    assert sum(name.startswith("Word") for name in names) > len(names) / 3


def test_every_kind_it_names_is_one_that_memos_draw() -> None:
    lexicon = Lexicon(names=("Orla",), words=("kettle",))
    assert {kind for kind in ENTITIES if lexicon.has(kind)} == {*ENTITIES} - {"landmark", "weekday"}
