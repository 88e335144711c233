"""Digests of contexts: a tenant recognises its own, two tenants can't compare theirs."""

import hmac
import secrets
from pathlib import Path

from latentflow.errors import InvalidInput
from latentflow.latent import Digest, Tenant, content_stream

KEY_BYTES = 32


class ContentDigests:
    """Derives each tenant's key from one secret, which is at least KEY_BYTES long."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < KEY_BYTES:
            raise InvalidInput(field="tenant_key_file", problem=f"must hold {KEY_BYTES} bytes")
        self._secret = secret

    def digest(self, tenant: Tenant, *parts: str) -> Digest:
        """HMAC-SHA-256 of the parts under the tenant's key."""
        tenant_key = hmac.digest(self._secret, tenant.encode(), "sha256")
        return Digest(hmac.digest(tenant_key, content_stream(parts), "sha256").hex())


def secret_from(path: Path | None) -> bytes:
    """The file's bytes, or a new secret without a file. Raises InvalidInput when unreadable."""
    if path is None:
        return secrets.token_bytes(KEY_BYTES)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(field="tenant_key_file", problem=f"{path} can't be read") from error
