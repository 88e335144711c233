"""Signers and whom a receiver trusts, as text and as keys."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from latentflow.errors import InvalidInput, SignatureInvalid
from latentflow.latent import Commit, Digest, LatentId
from latentflow.sealing.signing import Signer, TrustedSigners
from tests.keys import SIGNER, signer_of, trusting

LATENT_ID = LatentId("01K3ABCDEFGHJKMNPQRSTVWXYZ")
MANIFEST = b"a manifest"
COMMIT = Commit(frames=2, payload_bytes=34, sha256=Digest("a" * 64))
SIGNED = SIGNER.sign(LATENT_ID, MANIFEST, COMMIT)
OTHER_CURVE = generate_private_key(SECP256R1())


def test_a_commit_stays_what_it_was_but_for_its_signature() -> None:
    assert replace(SIGNED, signature=None) == COMMIT
    assert SIGNER.sign(LATENT_ID, MANIFEST, COMMIT) == SIGNED


def test_keys_go_through_their_texts() -> None:
    new = Signer.new()
    again = Signer.from_text(new.private_text(), "here")
    trusted = TrustedSigners.from_text(SIGNER.public_text() + new.public_text(), "here")
    for signer in (SIGNER, again):
        trusted.check(LATENT_ID, MANIFEST, signer.sign(LATENT_ID, MANIFEST, COMMIT))
    assert set(trusted.keys) == {SIGNER.key_id, new.key_id}


def test_a_keys_id_is_of_its_bytes() -> None:
    (key,) = trusting([SIGNER]).keys.values()
    assert SIGNER.key_id == hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]
    assert SIGNER.key_id in SIGNER.public_text()
    assert signer_of(b"\1" * 32).key_id != SIGNER.key_id


@pytest.mark.parametrize(
    "change",
    [{"frames": 3}, {"payload_bytes": 35}, {"sha256": Digest("b" * 64)}],
    ids=["frames", "payload_bytes", "sha256"],
)
def test_no_part_of_a_commit_can_be_changed(change: dict[str, Any]) -> None:
    with pytest.raises(SignatureInvalid) as refusal:
        trusting([SIGNER]).check(LATENT_ID, MANIFEST, replace(SIGNED, **change))
    assert (refusal.value.latent_id, refusal.value.key_id) == (LATENT_ID, SIGNER.key_id)


def test_it_is_of_this_latent_and_this_manifest() -> None:
    trusted = trusting([SIGNER])
    with pytest.raises(SignatureInvalid):
        trusted.check(LatentId("01K3ABCDEFGHJKMNPQRSTVWXZ0"), MANIFEST, SIGNED)
    with pytest.raises(SignatureInvalid):
        trusted.check(LATENT_ID, b"another", SIGNED)


OTHER_PRIVATE = OTHER_CURVE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
OTHER_PUBLIC = OTHER_CURVE.public_key().public_bytes(
    Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
)


@pytest.mark.parametrize("text", ["", "secret words", SIGNER.public_text(), OTHER_PRIVATE.decode()])
def test_what_is_no_private_key_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(InvalidInput, match="here") as refusal:
        Signer.from_text(text, "here")
    assert not text or text not in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        SIGNER.private_text(),
        "-----BEGIN PUBLIC KEY-----\nbm90IGEga2V5\n-----END PUBLIC KEY-----",
        SIGNER.public_text() + OTHER_PUBLIC.decode(),
    ],
    ids=["empty", "private", "no key", "another curve"],
)
def test_what_are_no_public_keys_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="here"):
        TrustedSigners.from_text(text, "here")
