"""What a reader of a latent needs keys for: to unseal its frames, and to know who made it."""

from typing import Protocol

from latentflow.errors import KeyUnknown
from latentflow.latent import Commit, LatentId
from latentflow.protection import Seal, SealStep


class Guard(Protocol):
    """A reader's keys; `latentflow.sealing` has the one that holds some."""

    def unseal(self, seal: Seal, manifest_bytes: bytes) -> SealStep:
        """What opens this latent's frames. Raises KeyUnknown; the step raises SealBroken."""
        ...

    def check(self, latent_id: LatentId, manifest_bytes: bytes, commit: Commit) -> None:
        """Raises SignatureMissing, KeyUnknown or SignatureInvalid when `commit` won't do."""
        ...


class WithoutKeys:
    """The guard of a reader that has no keys: no sealed latent, and whoever signed it or not."""

    def unseal(self, seal: Seal, manifest_bytes: bytes) -> SealStep:
        raise KeyUnknown(purpose="sealing", key_id=seal.key_id)

    def check(self, latent_id: LatentId, manifest_bytes: bytes, commit: Commit) -> None:
        pass


WITHOUT_KEYS = WithoutKeys()
