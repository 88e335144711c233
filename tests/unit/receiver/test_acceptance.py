"""Identity or refusal: which latents a receiver may use, and which field it names otherwise."""

from dataclasses import replace
from typing import Any

import pytest

from latentflow.errors import (
    ContextTooLong,
    IdentityMismatch,
    InvalidInput,
    LatentFlowError,
    UnsupportedMethod,
)
from latentflow.latent import Digest, Method, PositionPolicy
from services.receiver.acceptance import accept, accept_fallback, resident_bytes
from tests.tiny_adapters import WIDTH
from tests.tiny_pair import POSITIONS, TinyPair
from tests.unit.receiver.examples import holdings, latent, message

OTHER = Digest("0" * 64)


def test_a_latent_made_for_this_receiver_with_an_adapter_it_holds_is_accepted(
    pair: TinyPair,
) -> None:
    assert accept(latent(pair), holdings(pair)) == pair.digest


def test_a_text_message_of_any_sharer_is_accepted_without_an_adapter(pair: TinyPair) -> None:
    assert accept(message(replace(pair.sharer.identity, weights=OTHER)), holdings(pair)) is None


@pytest.mark.parametrize("role", ["receiver", "sharer"])
@pytest.mark.parametrize("part", ["weights", "tokenizer", "config"])
def test_another_model_is_refused_by_the_part_that_differs(
    pair: TinyPair, role: str, part: str
) -> None:
    made = latent(pair)
    other: Any = {role: replace(getattr(made, role), **{part: OTHER})}
    with pytest.raises(IdentityMismatch) as refusal:
        accept(replace(made, **other), holdings(pair))
    assert (refusal.value.field, refusal.value.actual) == (f"{role}.{part}", OTHER)


def test_an_adapter_that_is_not_held_is_refused_with_those_that_are(pair: TinyPair) -> None:
    with pytest.raises(IdentityMismatch) as refusal:
        accept(replace(latent(pair), adapter=OTHER), holdings(pair))
    assert (refusal.value.field, refusal.value.actual) == ("adapter", OTHER)
    assert refusal.value.expected == pair.digest


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("layout.layers", {"layers": 2}),
        ("layout.width", {"width": WIDTH + 1}),
        ("layout.width", {"width": WIDTH // 4}),
    ],
)
def test_another_layout_is_refused_by_the_field_that_differs(
    pair: TinyPair, field: str, changes: dict[str, Any]
) -> None:
    made = latent(pair)
    with pytest.raises(IdentityMismatch) as refusal:
        accept(replace(made, layout=replace(made.layout, **changes)), holdings(pair))
    assert refusal.value.field == field


def test_another_place_in_the_cache_is_refused(pair: TinyPair) -> None:
    with pytest.raises(IdentityMismatch, match="position is broadcast, expected prefix"):
        accept(replace(latent(pair), position=PositionPolicy.BROADCAST), holdings(pair))


@pytest.mark.parametrize("method", [Method.C2C, Method.LCF, Method.LCF_X])
def test_a_method_that_is_not_served_is_refused(pair: TinyPair, method: Method) -> None:
    with pytest.raises(UnsupportedMethod) as refusal:
        accept(replace(latent(pair), method=method), holdings(pair))
    assert refusal.value.method == method


def test_more_slots_than_the_model_has_positions_are_refused(pair: TinyPair) -> None:
    with pytest.raises(ContextTooLong) as refusal:
        accept(latent(pair, slots=POSITIONS + 1), holdings(pair))
    assert (refusal.value.tokens, refusal.value.limit) == (POSITIONS + 1, POSITIONS)


def test_only_a_text_message_may_be_a_fallback(pair: TinyPair) -> None:
    accept_fallback(message(pair.sharer.identity))
    with pytest.raises(InvalidInput) as refusal:
        accept_fallback(latent(pair))
    assert refusal.value.field == "fallback_latent_id"


def test_memory_is_that_of_the_stream_packed_and_unpacked(pair: TinyPair) -> None:
    assert resident_bytes(latent(pair, slots=3)) == 3 * (4 + WIDTH) + 3 * 4 * WIDTH
    assert resident_bytes(message(pair.sharer.identity, characters=5)) == 10


def test_every_refusal_is_typed(pair: TinyPair) -> None:
    with pytest.raises(LatentFlowError):
        accept(replace(latent(pair), adapter=OTHER), replace(holdings(pair), headers={}))
