"""Keys for tests, and latents that were made, sealed and signed with them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from latentflow.latent import Manifest, Tenant
from latentflow.protection import Seal
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from latentflow.sealing.cipher import LatentCipher
from latentflow.sealing.guard import ReaderKeys, TenantGuard
from latentflow.sealing.key_ring import KeyRing, TenantKeys
from latentflow.sealing.signing import Signer, TrustedSigners
from latentflow.wire.manifests import manifest_to_bytes
from latentflow.wire.stream import StreamWriter
from tests.made_latents import MadeLatent

SECRET = bytes(range(32))
SEAL = Seal(key_id="k1", salt="5a" * 32)


def signer_of(seed: bytes) -> Signer:
    return Signer(Ed25519PrivateKey.from_private_bytes(seed))


SIGNER = signer_of(bytes(32))


def ring_of(keys: Mapping[str, bytes], tenant: Tenant = DEFAULT_TENANT) -> KeyRing:
    """The last of the keys is the current one."""
    return KeyRing(tenants={tenant: TenantKeys(current=list(keys)[-1], keys=keys)})


def trusting(signers: Sequence[Signer]) -> TrustedSigners:
    return TrustedSigners.from_text("".join(each.public_text() for each in signers), "trusted")


def guard_of(
    keys: Mapping[str, bytes],
    *,
    tenant: Tenant = DEFAULT_TENANT,
    signers: Sequence[Signer] = (),
    require_signature: bool = False,
) -> TenantGuard:
    """Of a reader of the default tenant; `keys` are `tenant`'s."""
    ring = ring_of(keys, tenant)
    return ReaderKeys(
        rings=lambda: ring,
        signers=(lambda: trusting(signers)) if signers else None,
        require_signature=require_signature,
    ).guard(DEFAULT_TENANT)


def protected(made: MadeLatent, *, seal: Seal = SEAL, frame_bytes: int = 1000) -> MadeLatent:
    """The same latent, sealed under SECRET and signed by SIGNER."""
    manifest: Manifest = replace(made.manifest, seal=seal)
    manifest_bytes = manifest_to_bytes(manifest)
    cipher = LatentCipher(SECRET, seal, manifest_bytes)
    writer = StreamWriter(manifest_bytes, [made.stream], frame_bytes=frame_bytes, seal=cipher.seal)
    frames = list(writer)
    commit = SIGNER.sign(manifest.latent_id, manifest_bytes, writer.commit())
    return MadeLatent(
        manifest=manifest,
        manifest_bytes=manifest_bytes,
        stream=made.stream,
        frames=frames,
        commit=commit,
    )
