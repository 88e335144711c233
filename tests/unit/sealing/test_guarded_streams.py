"""What a reader with keys takes of a stream, and what it refuses."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from latentflow.errors import (
    FrameCorrupt,
    KeyUnknown,
    LatentFlowError,
    SealBroken,
    SignatureInvalid,
    SignatureMissing,
    StreamMismatch,
)
from latentflow.latent import Commit, Frame, StreamDigest, Tenant
from latentflow.relay import Open, StreamStep
from latentflow.wire.audit import Audit
from latentflow.wire.checksum import crc32c
from latentflow.wire.guard import WITHOUT_KEYS, Guard
from latentflow.wire.manifests import manifest_to_bytes
from latentflow.wire.stream import StreamReader
from tests.keys import SECRET, SIGNER, guard_of, protected, signer_of
from tests.made_latents import MadeLatent, make_latent

NOW_MS = 1_760_000_000_000
PLAIN = make_latent(NOW_MS)
MADE = protected(PLAIN)
KEYS = {"k1": SECRET}
STRANGER = signer_of(b"\1" * 32)


def read(made: MadeLatent, guard: Guard) -> bytes:
    reader = StreamReader(made.manifest_bytes, guard)
    for frame in made.frames:
        reader.add(frame)
    return reader.finish(made.commit)


def refused(made: MadeLatent, guard: Guard, error: type[LatentFlowError]) -> LatentFlowError:
    with pytest.raises(error) as refusal:
        read(made, guard)
    return refusal.value


def recommitted(made: MadeLatent, frames: Sequence[Frame]) -> MadeLatent:
    """Unsigned, but with a commit that is right: what a broker could forge."""
    digest = StreamDigest(made.manifest_bytes)
    for frame in frames:
        digest.add(frame.payload)
    return replace(made, frames=list(frames), commit=digest.commit())


def reframed(frame: Frame, payload: bytes) -> Frame:
    return replace(frame, payload=payload, crc32c=crc32c(payload))


# --- sealed ---------------------------------------------------------------------------------


def test_who_has_the_key_reads_the_stream() -> None:
    assert len(MADE.frames) == 3
    assert read(MADE, guard_of(KEYS)) == PLAIN.stream


def test_no_payload_holds_a_piece_of_the_stream() -> None:
    marked = make_latent(NOW_MS)
    sent = b"".join(frame.payload for frame in protected(marked).frames)
    clear = b"".join(frame.payload for frame in marked.frames)
    pieces = [clear[at : at + 8] for at in range(0, len(clear) - 8, 8)]
    assert not any(piece in sent for piece in pieces)


def test_who_has_no_key_is_refused_before_the_first_frame() -> None:
    with pytest.raises(KeyUnknown) as refusal:
        StreamReader(MADE.manifest_bytes, WITHOUT_KEYS)
    assert (refusal.value.purpose, refusal.value.key_id) == ("sealing", "k1")


@pytest.mark.parametrize(
    "guard",
    [guard_of({"k2": SECRET}), guard_of(KEYS, tenant=Tenant("globex"))],
    ids=["revoked", "another tenant's"],
)
def test_a_key_that_the_tenant_does_not_hold_is_unknown(guard: Guard) -> None:
    refused(MADE, guard, KeyUnknown)


def test_another_key_of_the_same_name_opens_nothing() -> None:
    refused(MADE, guard_of({"k1": bytes(32)}), SealBroken)


def test_swapped_frames_are_refused_though_the_commit_is_right() -> None:
    first, second, third = MADE.frames
    swapped = [replace(second, index=0), replace(first, index=1), third]
    refused(recommitted(MADE, swapped), guard_of(KEYS), SealBroken)


def test_a_forged_payload_is_refused_though_the_commit_is_right() -> None:
    first, *rest = MADE.frames
    forged = reframed(first, first.payload[:-1] + bytes([first.payload[-1] ^ 1]))
    refused(recommitted(MADE, [forged, *rest]), guard_of(KEYS), SealBroken)


def test_a_frame_that_is_not_sealed_is_refused_in_a_sealed_latent() -> None:
    refused(recommitted(MADE, PLAIN.frames), guard_of(KEYS), SealBroken)


def test_a_truncated_stream_is_refused_though_the_commit_is_right() -> None:
    error = refused(recommitted(MADE, MADE.frames[:-1]), guard_of(KEYS), StreamMismatch)
    assert error.details()["field"] == "stream_bytes"


def test_frames_are_not_to_be_replayed_under_another_manifest() -> None:
    other = replace(MADE.manifest, expires_ms=MADE.manifest.expires_ms + 1)
    replayed = replace(MADE, manifest=other, manifest_bytes=manifest_to_bytes(other))
    refused(recommitted(replayed, MADE.frames), guard_of(KEYS), SealBroken)


def test_who_only_looks_after_latents_checks_the_outside() -> None:
    heard(MADE)
    first, *rest = MADE.frames
    with pytest.raises(FrameCorrupt):
        heard(replace(MADE, frames=[replace(first, crc32c=0), *rest]))


def heard(made: MadeLatent) -> None:
    audit = Audit()
    steps: list[StreamStep] = [Open(manifest_bytes=made.manifest_bytes), *made.frames, made.commit]
    for step in steps:
        audit.hear(step)
    assert audit.verdict().commit == MADE.commit


# --- signed ---------------------------------------------------------------------------------


def signed_guard(*, require: bool = False) -> Guard:
    return guard_of(KEYS, signers=[SIGNER], require_signature=require)


@pytest.mark.parametrize("require", [False, True])
def test_a_trusted_signature_is_enough(require: bool) -> None:
    assert read(MADE, signed_guard(require=require)) == PLAIN.stream


@pytest.mark.parametrize("made", [PLAIN, recommitted(MADE, MADE.frames)], ids=["plain", "sealed"])
def test_what_is_not_signed_is_refused_where_it_must_be(made: MadeLatent) -> None:
    assert read(made, signed_guard()) == PLAIN.stream
    refused(made, signed_guard(require=True), SignatureMissing)


def test_a_strangers_signature_is_refused_by_its_key() -> None:
    bare = replace(MADE.commit, signature=None)
    commit = STRANGER.sign(MADE.latent_id, MADE.manifest_bytes, bare)
    for require in (False, True):
        error = refused(replace(MADE, commit=commit), signed_guard(require=require), KeyUnknown)
        assert error.details() == {"purpose": "signing", "key_id": STRANGER.key_id}


def test_a_strangers_signature_under_a_trusted_name_is_refused() -> None:
    bare = replace(MADE.commit, signature=None)
    forged = STRANGER.sign(MADE.latent_id, MADE.manifest_bytes, bare).signature
    assert forged is not None
    commit = replace(bare, signature=replace(forged, key_id=SIGNER.key_id))
    refused(replace(MADE, commit=commit), signed_guard(), SignatureInvalid)


def test_a_signature_is_of_one_latent() -> None:
    other = protected(make_latent(NOW_MS))
    commit = replace(other.commit, signature=MADE.commit.signature)
    refused(replace(other, commit=commit), signed_guard(), SignatureInvalid)


def test_who_trusts_nobody_in_particular_passes_over_signatures() -> None:
    other = Commit(
        frames=MADE.commit.frames,
        payload_bytes=MADE.commit.payload_bytes,
        sha256=MADE.commit.sha256,
        signature=protected(make_latent(NOW_MS)).commit.signature,
    )
    assert read(replace(MADE, commit=other), guard_of(KEYS)) == PLAIN.stream
