"""A frame opens with the key, manifest, index and size it was sealed with, and with no others."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from latentflow.errors import SealBroken
from latentflow.protection import SEAL_BYTES
from latentflow.sealing.cipher import LatentCipher
from tests.keys import SEAL, SECRET

MANIFEST = b"a manifest, whatever it says"
PACKED = b"a zstd frame, whatever it holds"
INDEX, RAW_BYTES = 3, 100
CIPHER = LatentCipher(SECRET, SEAL, MANIFEST)
PAYLOAD = CIPHER.seal(INDEX, RAW_BYTES, PACKED)


def test_it_is_what_the_contract_says() -> None:
    info = b"latentflow sealed latent 1\0" + MANIFEST
    salt = bytes.fromhex(SEAL.salt)
    key = HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(SECRET)
    associated = RAW_BYTES.to_bytes(8, "big") + MANIFEST
    assert AESGCM(key).encrypt(INDEX.to_bytes(12, "big"), PACKED, associated) == PAYLOAD


def test_it_opens_to_what_was_sealed_and_adds_a_tag() -> None:
    assert CIPHER.unseal(INDEX, RAW_BYTES, PAYLOAD) == PACKED
    assert len(PAYLOAD) == len(PACKED) + SEAL_BYTES
    assert PACKED not in PAYLOAD


def test_sealing_again_gives_the_same_bytes() -> None:
    assert LatentCipher(SECRET, SEAL, MANIFEST).seal(INDEX, RAW_BYTES, PACKED) == PAYLOAD


def refuses(cipher: LatentCipher, index: int, raw_bytes: int, payload: bytes) -> None:
    with pytest.raises(SealBroken) as refusal:
        cipher.unseal(index, raw_bytes, payload)
    assert refusal.value.index == index


def test_every_changed_bit_is_noticed() -> None:
    for place in range(8 * len(PAYLOAD)):
        changed = bytearray(PAYLOAD)
        changed[place // 8] ^= 1 << place % 8
        refuses(CIPHER, INDEX, RAW_BYTES, bytes(changed))


def test_every_truncation_and_addition_is_noticed() -> None:
    for length in range(len(PAYLOAD)):
        refuses(CIPHER, INDEX, RAW_BYTES, PAYLOAD[:length])
    refuses(CIPHER, INDEX, RAW_BYTES, PAYLOAD + b"\0")


@pytest.mark.parametrize(("index", "raw_bytes"), [(INDEX + 1, RAW_BYTES), (INDEX, RAW_BYTES + 1)])
def test_another_place_or_size_is_noticed(index: int, raw_bytes: int) -> None:
    refuses(CIPHER, index, raw_bytes, PAYLOAD)


@pytest.mark.parametrize(
    "other",
    [
        LatentCipher(bytes(32), SEAL, MANIFEST),
        LatentCipher(SECRET, replace(SEAL, salt="5b" * 32), MANIFEST),
        LatentCipher(SECRET, SEAL, MANIFEST + b"!"),
    ],
    ids=["key", "salt", "manifest"],
)
def test_another_latent_has_another_key(other: LatentCipher) -> None:
    refuses(other, INDEX, RAW_BYTES, PAYLOAD)
    assert other.seal(INDEX, RAW_BYTES, PACKED)[:-SEAL_BYTES] != PAYLOAD[:-SEAL_BYTES]
