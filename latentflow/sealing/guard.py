"""A reader's keys, as the guard (`wire.guard.Guard`) of what it reads for one tenant."""

from dataclasses import dataclass

from latentflow.errors import SignatureMissing
from latentflow.latent import Commit, LatentId, Tenant
from latentflow.protection import Seal, SealStep
from latentflow.sealing.cipher import LatentCipher
from latentflow.sealing.key_files import Rings, Signers
from latentflow.sealing.key_ring import KeyRing


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderKeys:
    """Without `rings` nothing sealed can be read; without `signers` signatures are passed over.

    With `signers`, what is signed must be so by one of them, and `require_signature` refuses the
    rest.
    """

    rings: Rings | None = None
    signers: Signers | None = None
    require_signature: bool = False

    def guard(self, tenant: Tenant) -> "TenantGuard":
        return TenantGuard(self, tenant)


class TenantGuard:
    """Opens what is sealed for the tenant, and for nobody else."""

    def __init__(self, keys: ReaderKeys, tenant: Tenant) -> None:
        self._keys = keys
        self._tenant = tenant

    def unseal(self, seal: Seal, manifest_bytes: bytes) -> SealStep:
        """Raises KeyUnknown; what it returns raises SealBroken."""
        ring = KeyRing() if self._keys.rings is None else self._keys.rings()
        secret = ring.secret(self._tenant, seal.key_id)
        return LatentCipher(secret, seal, manifest_bytes).unseal

    def check(self, latent_id: LatentId, manifest_bytes: bytes, commit: Commit) -> None:
        """Raises SignatureMissing, KeyUnknown or SignatureInvalid."""
        if commit.signature is None:
            if self._keys.require_signature:
                raise SignatureMissing(latent_id=latent_id)
        elif self._keys.signers is not None:
            self._keys.signers().check(latent_id, manifest_bytes, commit)
