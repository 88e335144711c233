"""Which content a latent is of, as its manifest says."""

from latentflow.wire.manifests import manifest_from_bytes
from services.broker.record import ContentRef, LatentRecord


def content_of(record: LatentRecord) -> ContentRef:
    manifest = manifest_from_bytes(record.opening.manifest)
    return ContentRef(
        tenant=record.ref.tenant,
        flow=record.opening.flow,
        content_digest=manifest.content_digest,
    )
