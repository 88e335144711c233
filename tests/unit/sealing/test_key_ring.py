"""A ring's keys come and go; its text is read in full or refused."""

import base64
import json

import pytest

from latentflow.errors import InvalidInput, KeyUnknown
from latentflow.latent import Tenant
from latentflow.sealing.key_ring import KeyRing, key_ring_from_text, key_ring_to_text

ACME, GLOBEX = Tenant("acme"), Tenant("globex")


def test_the_newest_key_is_the_current_one_and_the_older_ones_stay() -> None:
    ring = KeyRing().with_new_key(ACME, "k1").with_new_key(ACME, "k2")
    assert ring.current(ACME) == "k2"
    assert ring.holds(ACME, "k1")
    assert len({ring.secret(ACME, "k1"), ring.secret(ACME, "k2"), bytes(32)}) == 3


def test_tenants_share_no_keys() -> None:
    ring = KeyRing().with_new_key(ACME, "k1").with_new_key(GLOBEX, "k1")
    assert ring.secret(ACME, "k1") != ring.secret(GLOBEX, "k1")


def test_a_key_that_was_taken_out_is_unknown() -> None:
    ring = KeyRing().with_new_key(ACME, "k1").with_new_key(ACME, "k2").without_key(ACME, "k1")
    with pytest.raises(KeyUnknown):
        ring.secret(ACME, "k1")
    with pytest.raises(KeyUnknown):
        ring.without_key(ACME, "k1")


def test_a_tenant_without_keys_has_no_current_one() -> None:
    with pytest.raises(KeyUnknown):
        KeyRing().with_new_key(ACME, "k1").current(GLOBEX)


def test_an_id_is_not_given_twice_and_the_current_key_not_taken() -> None:
    ring = KeyRing().with_new_key(ACME, "k1")
    with pytest.raises(InvalidInput):
        ring.with_new_key(ACME, "k1")
    with pytest.raises(InvalidInput):
        ring.without_key(ACME, "k1")
    with pytest.raises(InvalidInput):
        ring.with_new_key(ACME, "spaces are no name")


def test_it_goes_through_its_text() -> None:
    ring = KeyRing().with_new_key(ACME, "k1").with_new_key(GLOBEX, "k1").with_new_key(ACME, "k2")
    assert key_ring_from_text(key_ring_to_text(ring), "here") == ring


def test_it_does_not_show_its_secrets() -> None:
    ring = KeyRing().with_new_key(ACME, "k1")
    secret = ring.secret(ACME, "k1")
    assert repr(secret) not in repr(ring)


def one(current: object, keys: object) -> str:
    return json.dumps({"acme": {"current": current, "keys": keys}})


GOOD = base64.b64encode(bytes(32)).decode()
SHORT = base64.b64encode(bytes(16)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"acme": []}',
        '{"acme": {"keys": {}}}',
        one("k1", []),
        one("k1", {}),
        one("k2", {"k1": GOOD}),
        one(None, {"k1": GOOD}),
        one("k1", {"k1": SHORT}),
        one("k1", {"k1": GOOD + "!"}),
        one("k1", {"k1": 7}),
        one("k 1", {"k 1": GOOD}),
        one("k2", {"k1": GOOD, "k2": GOOD}),
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_any_other_text_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(InvalidInput, match="here") as refusal:
        key_ring_from_text(text, "here")
    assert GOOD not in str(refusal.value)
    assert SHORT not in str(refusal.value)


def test_two_tenants_with_one_key_are_refused() -> None:
    entry = {"current": "k1", "keys": {"k1": GOOD}}
    with pytest.raises(InvalidInput, match="the same") as refusal:
        key_ring_from_text(json.dumps({"acme": entry, "other": entry}), "here")
    assert GOOD not in str(refusal.value)
