"""What a stream of tokens releases: whole characters, and nothing of a stop string."""

from hypothesis import given
from hypothesis import strategies as st

from latentflow.model.text_stream import TextStream
from latentflow.model.tokens import plain_ids
from tests.tiny_models import tiny_tokenizer

TOKENIZER = tiny_tokenizer()


def _stream(text: str, *stops: str) -> list[str]:
    """Everything released for `text`, token by token, up to a stop or the end."""
    stream = TextStream(TOKENIZER, plain_ids(TOKENIZER, "Answer:"), stops)
    released = []
    for token in plain_ids(TOKENIZER, text):
        released.append(stream.push(token))
        if stream.stopped:
            return released
    return [*released, stream.finish()]


@given(st.text())
def test_any_text_comes_through(text: str) -> None:
    assert "".join(_stream(text)) == text


@given(st.text("ab\n"), st.lists(st.text("ab\n", min_size=1, max_size=4), max_size=3))
def test_a_text_ends_before_its_first_stop(text: str, stops: list[str]) -> None:
    """The first to be complete, wherever the tokens' borders are."""
    spans = [(text.index(stop) + len(stop), text.index(stop)) for stop in stops if stop in text]
    expected = text[: min(spans)[1]] if spans else text
    assert "".join(_stream(text, *stops)) == expected


def test_a_character_of_many_tokens_comes_whole() -> None:
    assert [piece for piece in _stream("a日é") if piece] == ["a", "日", "é"]


def test_a_character_cut_short_is_shown_as_such() -> None:
    stream = TextStream(TOKENIZER, [], ())
    first, second, _last = plain_ids(TOKENIZER, "日")
    assert stream.push(first) + stream.push(second) == ""
    assert stream.finish() == "\ufffd"


def test_text_that_may_begin_a_stop_is_held_until_it_does_not() -> None:
    assert _stream("xENx", "END") == ["x", "", "", "ENx", ""]


def test_a_stop_across_tokens_is_never_released() -> None:
    assert _stream("xEND and more", "END") == ["x", "", "", ""]


def test_a_stop_inside_one_token_cuts_it() -> None:
    assert plain_ids(TOKENIZER, "the") == plain_ids(TOKENIZER, "the")[:1]
    assert _stream("the", "h") == ["t"]


def test_special_tokens_have_no_text() -> None:
    stream = TextStream(TOKENIZER, [], ())
    assert TOKENIZER.bos_token_id is not None
    assert stream.push(TOKENIZER.bos_token_id) == ""
