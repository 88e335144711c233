"""Signs a latent's commit with Ed25519, and checks who did.

The commit's digest covers the manifest and every payload, so a signature of it is one of the whole
latent. A key's id is a digest of the key itself: nobody can give it to another.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from latentflow.errors import InvalidInput, KeyUnknown, SignatureInvalid
from latentflow.latent import Commit, LatentId, content_stream
from latentflow.protection import Signature

_DOMAIN = "latentflow commit 1"
_KEY_ID_DIGITS = 16
_PUBLIC_PEM = re.compile("-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


def signed_bytes(latent_id: LatentId, manifest_bytes: bytes, commit: Commit) -> bytes:
    """What a signature covers (latent.proto spells it out)."""
    manifest_sha256 = hashlib.sha256(manifest_bytes).hexdigest()
    counts = str(commit.frames), str(commit.payload_bytes)
    return content_stream((_DOMAIN, latent_id, manifest_sha256, *counts, commit.sha256))


class Signer:
    """A sharer's private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.key_id = key_id_of(key.public_key())

    @classmethod
    def new(cls) -> "Signer":
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_text(cls, text: str, source: str) -> "Signer":
        """From PEM (PKCS 8), as OpenSSL writes it. Raises InvalidInput naming `source`."""
        try:
            key = load_pem_private_key(text.encode(), password=None)
        except (ValueError, TypeError):
            raise InvalidInput(field=source, problem="is no private key in PEM") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise InvalidInput(field=source, problem="is not of Ed25519")
        return cls(key)

    def private_text(self) -> str:
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def public_text(self) -> str:
        """PEM, as TrustedSigners takes it, with the key's id in a line above."""
        public = self._key.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return f"# {self.key_id}\n{pem}"

    def sign(self, latent_id: LatentId, manifest_bytes: bytes, commit: Commit) -> Commit:
        """The commit with its signature, always the same one for the same commit."""
        signed = self._key.sign(signed_bytes(latent_id, manifest_bytes, commit))
        return replace(commit, signature=Signature(key_id=self.key_id, ed25519=signed.hex()))


@dataclass(frozen=True, slots=True)
class TrustedSigners:
    """Sharers' public keys by key id."""

    keys: Mapping[str, Ed25519PublicKey]

    @classmethod
    def from_text(cls, text: str, source: str) -> "TrustedSigners":
        """From public keys in PEM, one behind the other; what is between them says nothing.

        Raises InvalidInput naming `source`.
        """
        keys = [_public_key(pem, source) for pem in _PUBLIC_PEM.findall(text)]
        if not keys:
            raise InvalidInput(field=source, problem="holds no public key in PEM")
        return cls({key_id_of(key): key for key in keys})

    def check(self, latent_id: LatentId, manifest_bytes: bytes, commit: Commit) -> None:
        """Of a commit that is signed. Raises KeyUnknown or SignatureInvalid."""
        assert commit.signature is not None
        key_id, signature = commit.signature.key_id, bytes.fromhex(commit.signature.ed25519)
        if key_id not in self.keys:
            raise KeyUnknown(purpose="signing", key_id=key_id)
        try:
            self.keys[key_id].verify(signature, signed_bytes(latent_id, manifest_bytes, commit))
        except InvalidSignature:
            raise SignatureInvalid(latent_id=latent_id, key_id=key_id) from None


def key_id_of(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:_KEY_ID_DIGITS]


def _public_key(pem: str, source: str) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        raise InvalidInput(field=source, problem="holds a public key that is none") from None
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidInput(field=source, problem="holds a key that is not of Ed25519")
    return key
