"""Digests of contexts: equal for one tenant's equal contexts, not comparable between tenants."""

from pathlib import Path

import pytest

from latentflow.errors import InvalidInput
from latentflow.latent import Tenant, parse_digest
from services.sharer.content_digest import KEY_BYTES, ContentDigests, secret_from

ONE, OTHER = Tenant("one"), Tenant("other")
DIGESTS = ContentDigests(bytes(KEY_BYTES))


def test_one_tenants_equal_contexts_have_one_digest() -> None:
    assert DIGESTS.digest(ONE, "memo", "") == DIGESTS.digest(ONE, "memo", "")
    parse_digest(DIGESTS.digest(ONE, "memo", ""), "content")


def test_two_tenants_digests_of_one_context_differ() -> None:
    assert DIGESTS.digest(ONE, "memo") != DIGESTS.digest(OTHER, "memo")


def test_two_secrets_digests_of_one_context_differ() -> None:
    assert ContentDigests(b"s" * KEY_BYTES).digest(ONE, "memo") != DIGESTS.digest(ONE, "memo")


def test_text_does_not_move_from_one_part_to_the_next() -> None:
    assert DIGESTS.digest(ONE, "ab", "c") != DIGESTS.digest(ONE, "a", "bc")


def test_the_secret_comes_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"k" * KEY_BYTES)
    assert secret_from(path) == b"k" * KEY_BYTES


def test_without_a_file_each_process_has_its_own() -> None:
    assert secret_from(None) != secret_from(None)


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="can't be read"):
        secret_from(tmp_path / "nothing")


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(InvalidInput, match="tenant_key_file"):
        ContentDigests(b"short")
