"""A manifest has one encoding, names every party, and is refused unless understood in full."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings

from latentflow.errors import EmptyInput, IdentityMissing, InvalidInput, MessageMalformed
from latentflow.latent import Digest, Label, Manifest, Method, PositionPolicy
from latentflow.quantisation import GRADED, Quantisation
from latentflow.v1 import latent_pb2
from latentflow.vectors import Codec, ElementType
from latentflow.wire.manifests import (
    MAX_MANIFEST_BYTES,
    manifest_from_bytes,
    manifest_to_bytes,
)
from latentflow.wire.text import TEXT_CODEC
from tests.unit.wire import any_latents
from tests.unit.wire.examples import layout, manifest

MANIFEST = manifest(layout(layers=2, slots=3, width=4))
Change = Callable[[latent_pb2.Manifest], object]


def changed(change: Change) -> bytes:
    message = latent_pb2.Manifest.FromString(manifest_to_bytes(MANIFEST))
    change(message)
    return message.SerializeToString(deterministic=True)


@given(any_latents.manifests())
@settings(max_examples=200, deadline=None)
def test_manifest_comes_back_as_it_went(original: Manifest) -> None:
    data = manifest_to_bytes(original)
    assert manifest_from_bytes(data) == original
    assert manifest_to_bytes(manifest_from_bytes(data)) == data


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("adapter", lambda m: m.ClearField("adapter_sha256")),
        ("sharer.name", lambda m: m.ClearField("sharer")),
        ("sharer.name", lambda m: m.sharer.ClearField("name")),
        ("sharer.weights", lambda m: m.sharer.ClearField("weights_sha256")),
        ("sharer.tokenizer", lambda m: m.sharer.ClearField("tokenizer_sha256")),
        ("sharer.config", lambda m: m.sharer.ClearField("config_sha256")),
        ("receiver", lambda m: m.ClearField("receiver")),
        ("receiver.name", lambda m: m.receiver.Clear()),
        ("receiver.weights", lambda m: m.receiver.ClearField("weights_sha256")),
        ("receiver.tokenizer", lambda m: m.receiver.ClearField("tokenizer_sha256")),
        ("receiver.config", lambda m: m.receiver.ClearField("config_sha256")),
        ("content_digest", lambda m: m.ClearField("content_hmac_sha256")),
    ],
)
def test_a_missing_identity_is_named(field: str, change: Change) -> None:
    with pytest.raises(IdentityMissing) as refusal:
        manifest_from_bytes(changed(change))
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("method", lambda m: m.ClearField("method")),
        ("method", lambda m: setattr(m, "method", 99)),
        ("method", lambda m: setattr(m, "method", -1)),
        ("layout.dtype", lambda m: m.layout.ClearField("dtype")),
        ("layout.dtype", lambda m: setattr(m.layout, "dtype", 3)),
        ("codec.quantisation", lambda m: m.codec.ClearField("quantisation")),
        ("codec.quantisation", lambda m: setattr(m.codec, "quantisation", 8)),
        ("position", lambda m: m.ClearField("position")),
        ("position", lambda m: setattr(m, "position", 5)),
        ("latent_id", lambda m: m.ClearField("latent_id")),
        ("flow", lambda m: m.ClearField("flow")),
        ("layout.slots", lambda m: m.layout.ClearField("slots")),
        ("layout.layers", lambda m: setattr(m.layout, "layers", 2**32 - 1)),
        ("codec.zstd_level", lambda m: m.codec.ClearField("zstd_level")),
        ("codec.dictionary", lambda m: setattr(m.codec, "dictionary", "words")),
        ("receiver.weights", lambda m: setattr(m.receiver, "weights_sha256", "B1" * 32)),
        ("labels", lambda m: m.labels.add()),
        ("labels", lambda m: m.labels.extend([latent_pb2.Label(key="k")] * 17)),
        ("expires", lambda m: m.expire_time.CopyFrom(m.create_time)),
        ("create_time", lambda m: setattr(m.create_time, "nanos", 123_000_001)),
        ("create_time", lambda m: setattr(m.create_time, "nanos", -1_000_000)),
        ("expire_time", lambda m: setattr(m.expire_time, "nanos", 1_000_000_000)),
        ("method", lambda m: setattr(m, "method", latent_pb2.METHOD_TEXT)),
        ("method", lambda m: setattr(m, "position", latent_pb2.POSITION_POLICY_PROMPT)),
        ("method", lambda m: setattr(m.layout, "dtype", latent_pb2.ELEMENT_TYPE_UTF8)),
    ],
)
def test_a_value_out_of_range_is_named(field: str, change: Change) -> None:
    with pytest.raises(InvalidInput) as refusal:
        manifest_from_bytes(changed(change))
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("create_time", lambda m: m.ClearField("create_time")),
        ("expire_time", lambda m: m.ClearField("expire_time")),
    ],
)
def test_a_missing_time_is_named(field: str, change: Change) -> None:
    with pytest.raises(EmptyInput) as refusal:
        manifest_from_bytes(changed(change))
    assert refusal.value.field == field


UNKNOWN_FIELD = b"\xf8\x07\x01"  # field 127, varint 1


@pytest.mark.parametrize(
    "data",
    [
        b"\xff",
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\x0a\x01\xff",  # latent_id is no UTF-8
        manifest_to_bytes(MANIFEST)[:-1],
        manifest_to_bytes(MANIFEST) + UNKNOWN_FIELD,
        UNKNOWN_FIELD + manifest_to_bytes(MANIFEST),
        manifest_to_bytes(MANIFEST) + b"\x18\x05",  # method a second time
        manifest_to_bytes(MANIFEST) + b"\x6a\x00",  # an empty traceparent, spelled out
        b"\x12\x05memos" + manifest_to_bytes(MANIFEST),
    ],
)
def test_bytes_that_are_not_the_one_encoding_are_malformed(data: bytes) -> None:
    with pytest.raises(MessageMalformed) as refusal:
        manifest_from_bytes(data)
    assert refusal.value.field == "manifest"


def test_an_unknown_field_inside_an_identity_is_malformed() -> None:
    with pytest.raises(MessageMalformed):
        manifest_from_bytes(changed(lambda m: m.sharer.MergeFromString(UNKNOWN_FIELD)))


def test_a_manifest_over_the_limit_is_refused_both_ways() -> None:
    identity = replace(MANIFEST.sharer, name="n" * MAX_MANIFEST_BYTES)
    with pytest.raises(InvalidInput):
        manifest_to_bytes(replace(MANIFEST, sharer=identity))
    with pytest.raises(MessageMalformed):
        manifest_from_bytes(changed(lambda m: setattr(m.sharer, "name", identity.name)))


def test_times_past_protobufs_calendar_are_refused() -> None:
    late_ms = 253_402_300_800_000
    with pytest.raises(InvalidInput) as refusal:
        manifest_to_bytes(replace(MANIFEST, created_ms=late_ms - 1, expires_ms=late_ms))
    assert refusal.value.field == "expire_time"


def test_a_name_without_a_utf8_form_is_refused() -> None:
    labels = (Label(key="\ud800", value=""),)
    with pytest.raises(InvalidInput):
        manifest_to_bytes(replace(MANIFEST, labels=labels))


def test_a_text_message_names_only_its_sharer() -> None:
    text = replace(
        MANIFEST,
        method=Method.TEXT,
        layout=replace(MANIFEST.layout, dtype=ElementType.UTF8),
        codec=TEXT_CODEC,
        position=PositionPolicy.PROMPT,
        adapter=None,
        receiver=None,
    )
    assert manifest_from_bytes(manifest_to_bytes(text)) == text
    with pytest.raises(InvalidInput, match="must be none for text"):
        replace(text, codec=MANIFEST.codec)
    with pytest.raises(InvalidInput):
        replace(text, adapter=Digest("c1" * 32))


@pytest.mark.parametrize("quantisation", GRADED)
def test_numbers_without_an_order_are_not_graded(quantisation: Quantisation) -> None:
    graded = replace(MANIFEST, codec=Codec(quantisation=quantisation))
    assert manifest_from_bytes(manifest_to_bytes(graded)) == graded
    with pytest.raises(InvalidInput, match=r"codec\.quantisation"):
        replace(graded, method=Method.LCF_X, position=PositionPolicy.BROADCAST)
