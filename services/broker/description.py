"""What the broker tells of a latent: its record, read at a moment."""

from latentflow.latent import LatentInfo, LatentState
from latentflow.wire.manifests import manifest_from_bytes
from services.broker.lifecycle import state_at
from services.broker.record import LatentRecord


def describe(record: LatentRecord, now_ms: int) -> LatentInfo:
    """An upload that stopped is ABORTED here, whether or not anybody closed it yet."""
    state = state_at(record, now_ms)
    return LatentInfo(
        manifest=manifest_from_bytes(record.opening.manifest),
        state=state,
        frames=record.frames,
        payload_bytes=record.payload_bytes,
        commit=record.commit if state is LatentState.COMMITTED else None,
        expires_ms=record.opening.expires_ms,
    )
