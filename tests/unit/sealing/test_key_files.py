"""Who may read a file of keys, and that a change of it counts at once."""

import os
from pathlib import Path

import pytest

from latentflow.errors import InternalError, InvalidInput
from latentflow.sealing.key_files import open_rings, open_signer, open_signers
from latentflow.sealing.key_ring import KeyRing, key_ring_to_text
from tests.keys import SIGNER, ring_of, signer_of

RING = ring_of({"k1": bytes(32)})
OTHER = ring_of({"k1": bytes(32), "k2": b"\2" * 32})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "ring.json", key_ring_to_text(RING))


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def ring_in(path: Path) -> KeyRing:
    rings = open_rings(path, "", "NAME")
    assert rings is not None
    return rings()


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640])
def test_its_owner_and_a_group_may_read_it(path: Path, mode: int) -> None:
    path.chmod(mode)
    assert ring_in(path) == RING


@pytest.mark.parametrize("mode", [0o644, 0o602, 0o660, 0o601])
def test_a_ring_that_others_may_use_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(InvalidInput, match="chmod 600"):
        ring_in(path)


def test_a_private_key_that_others_may_use_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path / "key.pem", SIGNER.private_text())
    signer = open_signer(file, "", "NAME")
    assert signer is not None
    assert signer.key_id == SIGNER.key_id
    file.chmod(0o644)
    with pytest.raises(InvalidInput, match="chmod 600"):
        open_signer(file, "", "NAME")


def test_public_keys_may_be_read_by_all_and_written_by_none_but_the_owner(tmp_path: Path) -> None:
    file = written(tmp_path / "trusted.pem", SIGNER.public_text())
    file.chmod(0o644)
    signers = open_signers(file)
    assert signers is not None
    assert set(signers().keys) == {SIGNER.key_id}
    file.chmod(0o666)
    with pytest.raises(InternalError):
        signers()


def test_keys_also_come_as_text_or_not_at_all() -> None:
    rings = open_rings(None, key_ring_to_text(RING), "NAME")
    signer = open_signer(None, SIGNER.private_text(), "NAME")
    assert rings is not None
    assert signer is not None
    assert rings() == RING
    assert signer.key_id == SIGNER.key_id
    assert (open_rings(None, "", "NAME"), open_signer(None, "", "NAME")) == (None, None)
    assert open_signers(None) is None
    with pytest.raises(InvalidInput, match="NAME"):
        open_rings(None, "{", "NAME")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="none"):
        open_rings(tmp_path / "none.json", "", "NAME")


@pytest.mark.parametrize("replaced", [False, True], ids=["rewritten", "replaced"])
def test_a_changed_ring_counts_at_once(path: Path, tmp_path: Path, replaced: bool) -> None:
    rings = open_rings(path, "", "NAME")
    assert rings is not None
    assert rings() == RING
    if replaced:
        os.replace(written(tmp_path / "new.json", key_ring_to_text(OTHER)), path)
    else:
        path.write_text(key_ring_to_text(OTHER))
    assert rings() == OTHER


def test_a_ring_that_went_wrong_opens_nothing_until_it_is_right_again(path: Path) -> None:
    rings = open_rings(path, "", "NAME")
    assert rings is not None
    for _ in range(2):
        path.write_text("{")
        with pytest.raises(InternalError):
            rings()
    path.unlink()
    with pytest.raises(InternalError):
        rings()
    written(path, key_ring_to_text(OTHER))
    assert rings() == OTHER


def test_one_trusted_sharer_more_counts_at_once(tmp_path: Path) -> None:
    other = signer_of(b"\1" * 32)
    file = written(tmp_path / "trusted.pem", SIGNER.public_text())
    signers = open_signers(file)
    assert signers is not None
    with file.open("a") as more:
        more.write(other.public_text())
    assert set(signers().keys) == {SIGNER.key_id, other.key_id}
