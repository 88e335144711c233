"""The manifest of a new latent says what the call and its making say."""

from dataclasses import replace

from latentflow.calls import LatentMeans, ShareCall, TextMeans
from latentflow.latent import (
    Digest,
    FlowName,
    Label,
    Method,
    ModelIdentity,
    PositionPolicy,
    new_latent_id,
)
from latentflow.protection import Seal
from latentflow.quantisation import Quantisation
from latentflow.vectors import Codec, ElementType, TensorLayout
from services.sharer.manifest import Birth, content_parts, manifest_of
from services.sharer.packed import Packed

NOW_MS = 1_700_000_000_000
CONTENT, ADAPTER = Digest("c" * 64), Digest("a" * 64)


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
SEAL = Seal(key_id="k1", salt="5a" * 32)
BIRTH = Birth(
    latent_id=new_latent_id(now_ms=NOW_MS, entropy=bytes(10)),
    created_ms=NOW_MS,
    traceparent="t",
    seal=SEAL,
)


def test_it_says_who_made_what_for_whom_and_until_when() -> None:
    manifest = manifest_of(CALL, PACKED, BIRTH, sharer=identity("d"), content=CONTENT)
    assert (manifest.sharer, manifest.receiver) == (identity("d"), identity("b"))
    assert (manifest.method, manifest.adapter) == (Method.LCF_PREFIX, ADAPTER)
    assert (manifest.layout, manifest.codec) == (PACKED.layout, PACKED.codec)
    assert manifest.position is PositionPolicy.PREFIX
    assert (manifest.created_ms, manifest.expires_ms) == (NOW_MS, NOW_MS + 60_000)
    assert (manifest.latent_id, manifest.traceparent) == (BIRTH.latent_id, "t")
    assert manifest.seal == SEAL
    assert (manifest.flow, manifest.labels) == (CALL.flow, CALL.labels)
    assert manifest.content_digest == CONTENT


def test_its_stream_has_the_size_of_what_was_packed() -> None:
    manifest = manifest_of(CALL, PACKED, BIRTH, sharer=identity("d"), content=CONTENT)
    assert manifest.stream_bytes == len(PACKED.stream)


SHARER = identity("d")


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
