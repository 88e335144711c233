"""Text on the wire is UTF-8, or refused by name."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentflow.calls import (
    GenerateCall,
    LatentInputs,
    LatentMeans,
    OpenSessionCall,
    Prompt,
    Sampling,
    ScoreCall,
    ShareCall,
)
from latentflow.errors import EmptyInput, InvalidInput, MessageMalformed
from latentflow.vectors import ElementType
from latentflow.wire.generate import generate_call_to_proto
from latentflow.wire.sessions import open_session_call_to_proto, score_call_to_proto
from latentflow.wire.share import share_call_to_proto
from latentflow.wire.text import TEXT_CODEC, read_text, text_layout, write_text

HALF_A_PAIR = "a\ud800"
QUESTION = Prompt(question="Which?")


@given(st.text(min_size=1))
def test_text_comes_back_as_it_went(text: str) -> None:
    assert read_text(write_text(text)) == text


def test_text_has_one_slot_a_byte() -> None:
    stream = write_text("naïve")
    layout = text_layout(stream)
    assert (layout.layers, layout.slots, layout.width) == (1, 6, 1)
    assert layout.dtype is ElementType.UTF8
    assert layout.vectors * TEXT_CODEC.vector_bytes(layout) == len(stream)


def test_no_text_is_refused() -> None:
    with pytest.raises(EmptyInput) as refusal:
        write_text("")
    assert refusal.value.field == "text"


@pytest.mark.parametrize("stream", [b"\xff", b"caf\xc3", b"\xed\xa0\x80"])
def test_a_stream_that_is_no_utf8_is_refused(stream: bytes) -> None:
    with pytest.raises(MessageMalformed) as refusal:
        read_text(stream)
    assert refusal.value.field == "text"


@pytest.mark.parametrize(
    ("field", "send"),
    [
        ("text", lambda: write_text(HALF_A_PAIR)),
        ("share", lambda: share_call_to_proto(ShareCall(context=HALF_A_PAIR, means=LatentMeans()))),
        (
            "prompt",
            lambda: generate_call_to_proto(GenerateCall(prompt=Prompt(question=HALF_A_PAIR))),
        ),
        (
            "sampling.stop",
            lambda: generate_call_to_proto(
                GenerateCall(prompt=QUESTION, sampling=Sampling(stop=(HALF_A_PAIR,)))
            ),
        ),
        (
            "options",
            lambda: score_call_to_proto(ScoreCall(prompt=QUESTION, options=(HALF_A_PAIR,))),
        ),
        (
            "context",
            lambda: open_session_call_to_proto(
                OpenSessionCall(inputs=LatentInputs(), context=HALF_A_PAIR)
            ),
        ),
    ],
)
def test_text_without_a_utf8_form_is_refused_before_it_is_sent(
    field: str, send: Callable[[], object]
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        send()
    assert refusal.value.field == field
