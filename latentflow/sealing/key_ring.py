"""The keys of each tenant: which there are, and which one seals what is made now.

As text a ring is JSON: tenant -> {"current": key id, "keys": {key id: base64 of 32 bytes}}. A key
that is taken out is gone: what was sealed with it can't be read any more, here and by nobody.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from latentflow.errors import InvalidInput, KeyUnknown
from latentflow.latent import Tenant
from latentflow.protection import parse_key_id

KEY_BYTES = 32

_PURPOSE = "sealing"
# What is raised by text that is no JSON, and by JSON that is no ring.
_UNREADABLE = (ValueError, RecursionError, TypeError, LookupError, AttributeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantKeys:
    """`current` is one of `keys`, which are secrets of KEY_BYTES by key id."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        for key_id, secret in self.keys.items():
            parse_key_id(key_id, "keys")
            if len(secret) != KEY_BYTES:
                raise InvalidInput(field=key_id, problem=f"must be {KEY_BYTES} bytes")
        if self.current not in self.keys:
            raise InvalidInput(field="current", problem="must be one of the keys")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """No two keys are the same: no tenant reads another's latents, and what is revoked is gone."""

    tenants: Mapping[Tenant, TenantKeys] = field(default_factory=dict)

    def __post_init__(self) -> None:
        held = [secret for entry in self.tenants.values() for secret in entry.keys.values()]
        if len(set(held)) < len(held):
            raise InvalidInput(field="keys", problem="must not be the same")

    def current(self, tenant: Tenant) -> str:
        """The id of the key to seal with. Raises KeyUnknown when the tenant has none."""
        if tenant not in self.tenants:
            raise KeyUnknown(purpose=_PURPOSE, key_id="current")
        return self.tenants[tenant].current

    def holds(self, tenant: Tenant, key_id: str) -> bool:
        return tenant in self.tenants and key_id in self.tenants[tenant].keys

    def secret(self, tenant: Tenant, key_id: str) -> bytes:
        """Raises KeyUnknown."""
        if not self.holds(tenant, key_id):
            raise KeyUnknown(purpose=_PURPOSE, key_id=key_id)
        return self.tenants[tenant].keys[key_id]

    def with_new_key(self, tenant: Tenant, key_id: str) -> "KeyRing":
        """A new key, the tenant's current one from now on. Raises InvalidInput for an id in use."""
        if self.holds(tenant, key_id):
            raise InvalidInput(field=key_id, problem="is a key of the tenant already")
        held = self.tenants[tenant].keys if tenant in self.tenants else {}
        keys = {**held, key_id: secrets.token_bytes(KEY_BYTES)}
        return self._with(tenant, TenantKeys(current=key_id, keys=keys))

    def without_key(self, tenant: Tenant, key_id: str) -> "KeyRing":
        """Raises KeyUnknown, or InvalidInput for the key that is current."""
        self.secret(tenant, key_id)
        held = self.tenants[tenant]
        if key_id == held.current:
            raise InvalidInput(field=key_id, problem="is the current key: make a new one first")
        keys = {each: secret for each, secret in held.keys.items() if each != key_id}
        return self._with(tenant, replace(held, keys=keys))

    def _with(self, tenant: Tenant, keys: TenantKeys) -> "KeyRing":
        return KeyRing(tenants={**self.tenants, tenant: keys})


def key_ring_from_text(text: str, source: str) -> KeyRing:
    """Raises InvalidInput naming `source`, without a word of what is in it."""
    try:
        entries = json.loads(text).items()
        return KeyRing(tenants={Tenant(name): _tenant_keys(entry) for name, entry in entries})
    except (*_UNREADABLE, InvalidInput) as error:
        problem = str(error) if isinstance(error, InvalidInput) else "is not a key ring"
        raise InvalidInput(field=source, problem=problem) from None


def key_ring_to_text(ring: KeyRing) -> str:
    document = {
        tenant: {
            "current": entry.current,
            "keys": {
                key_id: base64.b64encode(secret).decode() for key_id, secret in entry.keys.items()
            },
        }
        for tenant, entry in ring.tenants.items()
    }
    return json.dumps(document, indent=2) + "\n"


def _tenant_keys(entry: Mapping[str, Mapping[str, str]]) -> TenantKeys:
    keys = {
        key_id: base64.b64decode(encoded, validate=True)
        for key_id, encoded in entry["keys"].items()
    }
    return TenantKeys(current=str(entry["current"]), keys=keys)
