"""The tenants file: what it may say, and that a wrong one is refused with the entry named."""

import pytest

from latentflow.errors import AccessDenied, InvalidInput
from latentflow.latent import Tenant
from latentflow.tenants import Right, Tenants, new_token, parse_tenants, token_hash

HASH = "sha256:" + "0a" * 32


def tenants_of(body: str, name: str = "acme") -> Tenants:
    return parse_tenants(f"[tenants.{name}]\n{body}")


def test_a_tenant_is_known_by_each_of_its_tokens() -> None:
    old, new = new_token(), new_token()
    hashes = f'"{token_hash(old)}", "{token_hash(new)}"'
    tenants = tenants_of(f'tokens = [{hashes}]\nrights = ["share"]')
    assert tenants.holding(old).tenant == tenants.holding(new).tenant == Tenant("acme")
    assert tenants.named(Tenant("acme")).rights == {Right.SHARE}


@pytest.mark.parametrize("token", ["", "lcf_other", HASH])
def test_what_is_no_token_of_anyone_is_nobody(token: str) -> None:
    tenants = tenants_of(f'tokens = ["{HASH}"]\nrights = []')
    with pytest.raises(AccessDenied):
        tenants.holding(token)


def test_an_unknown_tenant_is_nobody() -> None:
    with pytest.raises(AccessDenied):
        tenants_of("tokens = []\nrights = []").named(Tenant("other"))


def test_the_file_holds_no_token_and_no_two_tokens_are_alike() -> None:
    token = new_token()
    assert token not in token_hash(token)
    assert len({new_token() for _ in range(100)}) == 100
    assert len(token) >= 43  # 256 bits in base64


def test_quotas_are_those_that_are_given() -> None:
    tenants = tenants_of("tokens = []\nrights = []\nstored_bytes = 1_000\npublishes_per_second = 2")
    assert tenants.named(Tenant("acme")).quotas == {"stored_bytes": 1000, "publishes_per_second": 2}


GOOD = f'tokens = ["{HASH}"]\nrights = ["ask"]'


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "tenants"),
        ("tenants = 1", "tenants"),
        ("[tenants", "tenants"),
        ("[tenants]", "tenants"),
        pytest.param("tenants = " + "[" * 5000, "tenants", id="deep"),
        pytest.param("tenants = " + "1" * 5000, "tenants", id="long"),
        (f"other = 1\n[tenants.a]\n{GOOD}", "tenants"),
        (f"[tenants.A]\n{GOOD}", "tenants.A"),
        ('[tenants."a/b"]\n' + GOOD, "tenants.a/b"),
        ("[tenants]\na = 1", "tenants.a"),
        (f"[tenants.a]\n{GOOD}\ncolour = 1", "tenants.a"),
        ('[tenants.a]\nrights = ["ask"]', "tenants.a.tokens"),
        ('[tenants.a]\ntokens = ["secret"]\nrights = []', "tenants.a.tokens"),
        ("[tenants.a]\ntokens = [1]\nrights = []", "tenants.a.tokens"),
        ("[tenants.a]\ntokens = []", "tenants.a.rights"),
        ('[tenants.a]\ntokens = []\nrights = ["root"]', "tenants.a.rights"),
        ("[tenants.a]\ntokens = []\nrights = [[]]", "tenants.a.rights"),
        (f"[tenants.a]\n{GOOD}\nstored_bytes = 0", "tenants.a.stored_bytes"),
        (f"[tenants.a]\n{GOOD}\nstored_bytes = 1.5", "tenants.a.stored_bytes"),
        (f"[tenants.a]\n{GOOD}\nopen_uploads = true", "tenants.a.open_uploads"),
        (f"[tenants.a]\n{GOOD}\npublishes_per_second = inf", "tenants.a.publishes_per_second"),
        (f"[tenants.a]\n{GOOD}\npublishes_per_second = nan", "tenants.a.publishes_per_second"),
        (f"[tenants.a]\n{GOOD}\n[tenants.b]\n{GOOD}", "tenants.b"),
    ],
)
def test_a_wrong_file_is_refused_naming_its_entry(text: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_tenants(text)
    assert refusal.value.field == field


def test_a_hash_that_is_wrong_is_not_repeated_as_it_may_be_a_token() -> None:
    token = new_token()
    with pytest.raises(InvalidInput) as refusal:
        tenants_of(f'tokens = ["{token}"]\nrights = []')
    assert token not in str(refusal.value)
