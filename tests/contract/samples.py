"""What the store suites put into a store; to a store all of it is opaque."""

import itertools

from latentflow.latent import Commit, Digest, FlowName, LatentId, Tenant, new_latent_id
from latentflow.protection import Signature
from services.broker.record import LatentRef, Opening, StoredFrame, UploadLimits
from services.broker.retention import Retention, Retentions

TENANT = Tenant("acme")
OTHER_TENANT = Tenant("globex")
FLOW = FlowName("memos")
LEASE_SECONDS = 60
LIFETIME_SECONDS = 3600
LIMITS = UploadLimits(lease_ms=LEASE_SECONDS * 1000, latent_bytes=4096)
FEW, BRIEF = FlowName("few"), FlowName("brief")
KEPT = 10
RETENTIONS = Retentions(
    single={FEW: Retention(announcements=KEPT), BRIEF: Retention(age_ms=20)},
)

_numbers = itertools.count()


def new_ref(tenant: Tenant = TENANT) -> LatentRef:
    entropy = next(_numbers).to_bytes(10)
    return LatentRef(tenant=tenant, latent_id=new_latent_id(now_ms=1, entropy=entropy))


def of_tenant(tenant: Tenant, latent_id: LatentId) -> LatentRef:
    return LatentRef(tenant=tenant, latent_id=latent_id)


def new_opening(now_ms: int, *, manifest: bytes = b"manifest", flow: FlowName = FLOW) -> Opening:
    return Opening(
        manifest=manifest,
        flow=flow,
        created_ms=now_ms,
        expires_ms=now_ms + LIFETIME_SECONDS * 1000,
    )


def new_frame(index: int, content: bytes = b"frame") -> StoredFrame:
    return StoredFrame(index=index, payload_bytes=len(content), encoded=content)


SIGNATURE = Signature(key_id="sharer-1", ed25519="5a" * 64)


def new_commit(
    *frames: StoredFrame, digest: str = "a", signature: Signature | None = None
) -> Commit:
    return Commit(
        frames=len(frames),
        payload_bytes=sum(frame.payload_bytes for frame in frames),
        sha256=Digest(digest * 64),
        signature=signature,
    )
