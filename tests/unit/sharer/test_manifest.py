"""The manifest of a new latent says what the call and its making say."""

import os
from dataclasses import replace

import pytest
from opentelemetry.trace import NonRecordingSpan, SpanContext, use_span

from latentflow.calls import LatentMeans, ShareCall, TextMeans
from latentflow.errors import KeyUnknown
from latentflow.latent import Digest, FlowName, Label, Method, ModelIdentity, PositionPolicy, Tenant
from latentflow.quantisation import Quantisation
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from latentflow.sealing.key_files import Rings
from latentflow.vectors import Codec, ElementType, TensorLayout
from services.sharer.content_digest import KEY_BYTES, ContentDigests
from services.sharer.keys import SharerKeys
from services.sharer.manifest import Manifests, content_parts
from services.sharer.packed import Packed
from tests.keys import SECRET, ring_of

NOW_MS = 1_700_000_000_000
ADAPTER = Digest("a" * 64)


def identity(letter: str) -> ModelIdentity:
    digest = Digest(letter * 64)
    return ModelIdentity(name=letter, weights=digest, tokenizer=digest, config=digest)


CALL = ShareCall(
    context="memo",
    means=LatentMeans(),
    flow=FlowName("memos"),
    lifetime_seconds=60,
    labels=(Label(key="k", value="v"),),
)
PACKED = Packed(
    method=Method.LCF_PREFIX,
    adapter=ADAPTER,
    receiver=identity("b"),
    layout=TensorLayout(layers=1, slots=3, width=4, dtype=ElementType.FLOAT32),
    codec=Codec(quantisation=Quantisation.INT8),
    position=PositionPolicy.PREFIX,
    stream=bytes(24),
)
SHARER = identity("d")
RING = ring_of({"k1": SECRET})


def manifests(rings: Rings | None = None) -> Manifests:
    return Manifests(
        sharer=SHARER,
        digests=ContentDigests(bytes(KEY_BYTES)),
        keys=SharerKeys(rings=rings),
        clock_ms=lambda: NOW_MS,
        entropy=os.urandom,
    )


def test_it_says_who_made_what_for_whom_and_until_when() -> None:
    manifest = manifests().new(DEFAULT_TENANT, CALL, PACKED)
    assert (manifest.sharer, manifest.receiver) == (SHARER, identity("b"))
    assert (manifest.method, manifest.adapter) == (Method.LCF_PREFIX, ADAPTER)
    assert (manifest.layout, manifest.codec) == (PACKED.layout, PACKED.codec)
    assert manifest.position is PositionPolicy.PREFIX
    assert (manifest.created_ms, manifest.expires_ms) == (NOW_MS, NOW_MS + 60_000)
    assert manifest.expires_ms == manifests().expires_ms(CALL)
    assert (manifest.flow, manifest.labels) == (CALL.flow, CALL.labels)
    assert manifest.content_digest == manifests().content(DEFAULT_TENANT, CALL, ADAPTER)
    assert (manifest.traceparent, manifest.seal) == ("", None)


def test_it_belongs_to_the_trace_it_was_made_under() -> None:
    span = NonRecordingSpan(SpanContext(trace_id=1, span_id=2, is_remote=False))
    with use_span(span):
        manifest = manifests().new(DEFAULT_TENANT, CALL, PACKED)
    assert manifest.traceparent == f"00-{1:032x}-{2:016x}-00"


def test_two_of_the_same_content_have_ids_and_seals_of_their_own() -> None:
    sealing = manifests(lambda: RING)
    one, two = (sealing.new(DEFAULT_TENANT, CALL, PACKED) for _ in range(2))
    assert one.content_digest == two.content_digest
    assert one.latent_id != two.latent_id
    assert one.seal is not None
    assert two.seal is not None
    assert one.seal.key_id == two.seal.key_id == "k1"
    assert one.seal.salt != two.seal.salt


def test_none_is_made_for_a_tenant_without_a_key_where_latents_are_sealed() -> None:
    sealing = manifests(lambda: RING)
    with pytest.raises(KeyUnknown):
        sealing.new(Tenant("other"), CALL, PACKED)


def test_its_stream_has_the_size_of_what_was_packed() -> None:
    manifest = manifests().new(DEFAULT_TENANT, CALL, PACKED)
    assert manifest.stream_bytes == len(PACKED.stream)


def test_everything_that_changes_a_latent_changes_its_content() -> None:
    calls = [
        CALL,
        replace(CALL, context="other memo"),
        replace(CALL, labels=()),
        replace(CALL, means=LatentMeans(quantisation=Quantisation.GRADED2)),
        replace(CALL, means=LatentMeans(quantisation=Quantisation.FLOAT16)),
        replace(CALL, means=TextMeans(max_tokens=2)),
        replace(CALL, means=TextMeans(max_tokens=2), need="why?"),
        replace(CALL, means=TextMeans(max_tokens=3)),
    ]
    parts = {content_parts(call, ADAPTER, SHARER) for call in calls}
    parts |= {content_parts(CALL, None, SHARER), content_parts(CALL, ADAPTER, identity("e"))}
    assert len(parts) == len(calls) + 2


def test_nothing_else_does() -> None:
    moved = replace(CALL, flow=FlowName("other"), lifetime_seconds=1, fresh=True)
    assert content_parts(moved, ADAPTER, SHARER) == content_parts(CALL, ADAPTER, SHARER)
