"""The sharer's keys: with which a tenant's latents are sealed, and with which they are signed."""

from dataclasses import dataclass, replace

from latentflow.latent import Commit, LatentId, LatentInfo, Manifest, Tenant
from latentflow.protection import Seal, SealStep
from latentflow.sealing.cipher import LatentCipher
from latentflow.sealing.key_files import Rings
from latentflow.sealing.signing import Signer
from latentflow.wire.manifests import manifest_to_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SharerKeys:
    """Without `rings` nothing is sealed, without `signer` nothing signed."""

    rings: Rings | None = None
    signer: Signer | None = None

    def sealing_key(self, tenant: Tenant) -> str | None:
        """The id of the tenant's key, None where nothing is sealed.

        Raises KeyUnknown when the tenant has none: nothing of it ever goes out in the clear.
        """
        return None if self.rings is None else self.rings().current(tenant)

    def seal_step(
        self, tenant: Tenant, manifest: Manifest, manifest_bytes: bytes
    ) -> SealStep | None:
        """For the frames of one latent. Raises KeyUnknown."""
        if self.rings is None or manifest.seal is None:
            return None
        secret = self.rings().secret(tenant, manifest.seal.key_id)
        return LatentCipher(secret, manifest.seal, manifest_bytes).seal

    def signed(self, latent_id: LatentId, manifest_bytes: bytes, commit: Commit) -> Commit:
        if self.signer is None:
            return commit
        return self.signer.sign(latent_id, manifest_bytes, commit)

    def would_protect(self, tenant: Tenant, latent: LatentInfo) -> bool:
        """Whether a stored latent is sealed with a key still held, and signed, as a new one is."""
        return self._would_seal(tenant, latent.manifest.seal) and self._would_sign(latent)

    def _would_seal(self, tenant: Tenant, seal: Seal | None) -> bool:
        if self.rings is None or seal is None:
            return self.rings is None and seal is None
        return self.rings().holds(tenant, seal.key_id)

    def _would_sign(self, latent: LatentInfo) -> bool:
        manifest, commit = latent.manifest, latent.commit
        if self.signer is None or commit is None:
            return self.signer is None
        bare = replace(commit, signature=None)
        return self.signed(manifest.latent_id, manifest_to_bytes(manifest), bare) == commit
