"""Hypothesis strategies for latents, whole and in parts."""

from hypothesis import strategies as st

from latentflow.latent import (
    MAX_LABELS,
    MAX_LIFETIME_SECONDS,
    Commit,
    Frame,
    Label,
    LatentInfo,
    LatentState,
    Manifest,
    Method,
    ModelIdentity,
    PositionPolicy,
)
from latentflow.quantisation import GRADED, Quantisation
from latentflow.vectors import Codec, ElementType, TensorLayout
from tests.unit.wire.any_fields import (
    digests,
    flow_names,
    latent_ids,
    names,
    times_ms,
    uint32s,
    uint64s,
    words,
)

identities = st.builds(
    ModelIdentity, name=names, weights=digests, tokenizer=digests, config=digests
)
labels = st.builds(Label, key=names, value=words)
label_lists = st.lists(labels, max_size=MAX_LABELS).map(tuple)


def layouts(dtype: ElementType) -> st.SearchStrategy[TensorLayout]:
    return st.builds(
        TensorLayout,
        layers=st.integers(1, 1024),
        slots=st.integers(1, 1 << 20),
        width=st.integers(1, 1 << 16),
        dtype=st.just(dtype),
    )


VECTOR_POSITIONS = [place for place in PositionPolicy if place is not PositionPolicy.PROMPT]


def codecs(method: Method) -> st.SearchStrategy[Codec]:
    forms = [each for each in Quantisation if method is Method.LCF_PREFIX or each not in GRADED]
    is_text = method is Method.TEXT
    return st.builds(
        Codec,
        quantisation=st.just(Quantisation.NONE) if is_text else st.sampled_from(forms),
        zstd_level=st.integers(1, 19),
    )


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    method = draw(st.sampled_from(Method))
    is_text = method is Method.TEXT
    created_ms = draw(times_ms)
    return Manifest(
        latent_id=draw(latent_ids),
        flow=draw(flow_names),
        method=method,
        adapter=None if is_text else draw(digests),
        sharer=draw(identities),
        receiver=None if is_text else draw(identities),
        layout=draw(layouts(ElementType.UTF8 if is_text else ElementType.FLOAT32)),
        codec=draw(codecs(method)),
        position=PositionPolicy.PROMPT if is_text else draw(st.sampled_from(VECTOR_POSITIONS)),
        created_ms=created_ms,
        expires_ms=created_ms + draw(st.integers(1, MAX_LIFETIME_SECONDS * 1000)),
        content_digest=draw(digests),
        traceparent=draw(words),
        labels=draw(label_lists),
    )


frames = st.builds(
    Frame,
    index=uint32s,
    payload=st.binary(min_size=1, max_size=64),
    raw_bytes=st.integers(1, 2**32 - 1),
    crc32c=uint32s,
)
commits = st.builds(
    Commit,
    frames=st.integers(1, 2**32 - 1),
    payload_bytes=st.integers(1, 2**64 - 1),
    sha256=digests,
)
not_committed = st.sampled_from([LatentState.OPEN, LatentState.ABORTED, LatentState.REVOKED])
latent_infos = st.builds(
    LatentInfo,
    manifest=manifests(),
    state=not_committed,
    frames=uint32s,
    payload_bytes=uint64s,
    commit=st.none() | commits,
    expires_ms=times_ms,
) | st.builds(
    LatentInfo,
    manifest=manifests(),
    state=st.just(LatentState.COMMITTED),
    frames=uint32s,
    payload_bytes=uint64s,
    commit=commits,
    expires_ms=times_ms,
)
few_infos = st.lists(latent_infos, max_size=2).map(tuple)
