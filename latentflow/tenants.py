"""The tenants of a deployment: what each may do and have, and by which tokens it is known.

Owns the form of the tenants file and of tokens; knows nothing of calls or connections. Tokens are
256 random bits: nothing to guess, so that a plain SHA-256 keeps one as well as a slow hash.
"""

import hmac
import re
import secrets
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from latentflow.errors import AccessDenied, InvalidInput
from latentflow.latent import Tenant

_TOKEN_BYTES = 32
_TOKEN_PREFIX = "lcf_"  # lets scanners of repositories know one when they see it
_HASH_PREFIX = "sha256:"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_QUOTAS = {"stored_bytes": int, "open_uploads": int, "publishes_per_second": float}
_KEYS = {"tokens", "rights", *_QUOTAS}


class Right(StrEnum):
    """To make latents, to read them, to oversee and withdraw them."""

    SHARE = "share"
    ASK = "ask"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One tenant. `quotas` has those it has of its own, by name; `hashes` one for each token."""

    tenant: Tenant
    rights: frozenset[Right]
    hashes: frozenset[str]
    quotas: Mapping[str, float]


class Tenants:
    """All tenants of a deployment. No two may have the same token."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._by_name = {entry.tenant: entry for entry in self.entries}
        self._by_hash = {one: entry for entry in self.entries for one in entry.hashes}

    def named(self, tenant: Tenant) -> Entry:
        """Raises AccessDenied for one that is not there."""
        entry = self._by_name.get(tenant)
        if entry is None:
            raise AccessDenied
        return entry

    def holding(self, token: str) -> Entry:
        """Whose token it is, in a time that tells nothing of others. Raises AccessDenied."""
        given = token_hash(token)
        for known, entry in self._by_hash.items():
            if hmac.compare_digest(known, given):
                return entry
        raise AccessDenied


def new_token() -> str:
    return _TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)


def token_hash(token: str) -> str:
    """As it stands in the tenants file."""
    return _HASH_PREFIX + sha256(token.encode()).hexdigest()


def parse_tenants(text: str) -> Tenants:
    """Reads a tenants file. Raises InvalidInput naming the entry that is wrong.

    [tenants.acme]
    tokens = ["sha256:..."]      # of `latentflow tenants token`; several while one is replaced
    rights = ["share", "ask"]    # and "admin"
    stored_bytes = 1_000_000_000 # as open_uploads and publishes_per_second: else the broker's own
    """
    try:
        found = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also for numbers and nesting beyond all bounds
        raise InvalidInput(field="tenants", problem=f"is no TOML: {error}") from error
    tables = found.get("tenants")
    _require(isinstance(tables, dict) and bool(tables), "tenants", "must have an entry at least")
    _require(found.keys() == {"tenants"}, "tenants", "must be all that there is")
    entries = [_entry(name, table) for name, table in found["tenants"].items()]
    _require_apart(entries)
    return Tenants(entries)


def _entry(name: str, table: object) -> Entry:
    where = f"tenants.{name}"
    _require(_NAME.fullmatch(name) is not None, where, "may have a-z, 0-9, - and _ in its name")
    if not isinstance(table, dict):
        raise InvalidInput(field=where, problem="must be a table")
    unknown = ", ".join(sorted(table.keys() - _KEYS))
    _require(not unknown, where, f"has unknown keys: {unknown}")
    return Entry(
        tenant=Tenant(name),
        rights=frozenset(_rights(f"{where}.rights", table.get("rights"))),
        hashes=frozenset(_hashes(f"{where}.tokens", table.get("tokens"))),
        quotas=dict(_quotas(where, table)),
    )


def _rights(where: str, given: object) -> Iterable[Right]:
    known = {right.value for right in Right}
    fits = isinstance(given, list) and all(isinstance(one, str) and one in known for one in given)
    _require(fits, where, f"must be a list of {', '.join(sorted(known))}")
    return map(Right, given)  # type: ignore[call-overload, no-any-return]


def _hashes(where: str, given: object) -> Iterable[str]:
    """A list that is empty keeps the tenant out."""
    fits = isinstance(given, list) and all(
        isinstance(one, str) and _HASH.fullmatch(one) for one in given
    )
    _require(fits, where, "must be a list of hashes, as `latentflow tenants token` prints them")
    return given  # type: ignore[return-value]


def _quotas(where: str, table: Mapping[str, Any]) -> Iterable[tuple[str, float]]:
    for name, kind in _QUOTAS.items():
        if name in table:
            given = table[name]
            fits = type(given) in (int, kind) and 0 < given < float("inf")
            _require(fits, f"{where}.{name}", f"must be {kind.__name__} above 0")
            yield name, given


def _require_apart(entries: Iterable[Entry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        _require(not seen & entry.hashes, f"tenants.{entry.tenant}", "has a token of another one")
        seen |= entry.hashes


def _require(condition: bool, field: str, problem: str) -> None:
    if not condition:
        raise InvalidInput(field=field, problem=problem)
