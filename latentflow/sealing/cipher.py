"""Seals and unseals one latent's frames: AES-256-GCM under a key of that latent alone.

That key is derived from the tenant's key, the random salt and every byte of the manifest. So a
frame's index can be its nonce: it comes once a stream, and no second stream has the key. That is
why a latent is sealed once and its frames are kept until they are stored (`rpc/outbox.py`); sealing
the same stream again gives the same bytes.

A frame opens only with its own manifest, index and unpacked size. That none is missing at the end
follows: the sizes, which are sealed in, must add up to what the manifest promises.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from latentflow.errors import SealBroken
from latentflow.protection import Seal

SALT_BYTES = 32

_INFO = b"latentflow sealed latent 1\0"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_SIZE_BYTES = 8


class LatentCipher:
    """`secret` is the tenant's key that `seal` names, `manifest_bytes` the manifest that has it."""

    def __init__(self, secret: bytes, seal: Seal, manifest_bytes: bytes) -> None:
        salt, info = bytes.fromhex(seal.salt), _INFO + manifest_bytes
        derivation = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=salt, info=info)
        self._aead = AESGCM(derivation.derive(secret))
        self._manifest_bytes = manifest_bytes

    def seal(self, index: int, raw_bytes: int, packed: bytes) -> bytes:
        """The ciphertext, and its tag of 16 bytes behind it."""
        return self._aead.encrypt(_nonce(index), packed, self._associated(raw_bytes))

    def unseal(self, index: int, raw_bytes: int, payload: bytes) -> bytes:
        """The inverse of `seal`. Raises SealBroken."""
        try:
            return self._aead.decrypt(_nonce(index), payload, self._associated(raw_bytes))
        except InvalidTag:
            raise SealBroken(index=index) from None

    def _associated(self, raw_bytes: int) -> bytes:
        return raw_bytes.to_bytes(_SIZE_BYTES) + self._manifest_bytes


def _nonce(index: int) -> bytes:
    return index.to_bytes(_NONCE_BYTES)
