"""Converts what the broker tells of a latent."""

from google.protobuf.timestamp_pb2 import Timestamp

from latentflow.errors import EmptyInput
from latentflow.latent import LatentInfo, LatentState
from latentflow.v1 import latent_pb2
from latentflow.wire.enums import LATENT_STATE
from latentflow.wire.latents import commit_from_proto, commit_to_proto
from latentflow.wire.manifests import manifest_from_bytes, manifest_to_bytes
from latentflow.wire.times import time_from_proto, time_to_proto


def latent_info_to_proto(info: LatentInfo) -> latent_pb2.LatentInfo:
    """The manifest's bytes are those published, as a manifest has one encoding only."""
    return latent_pb2.LatentInfo(
        manifest=manifest_to_bytes(info.manifest),
        state=LATENT_STATE.to_proto(info.state),
        frames=info.frames,
        payload_bytes=info.payload_bytes,
        commit=None if info.commit is None else commit_to_proto(info.commit),
        expire_time=_renewal(info),
    )


def latent_info_from_proto(message: latent_pb2.LatentInfo) -> LatentInfo:
    """Raises EmptyInput without manifest or without a committed latent's commit.

    Otherwise as `manifest_from_bytes`, and InvalidInput naming the field.
    """
    if not message.manifest:
        raise EmptyInput(field="latent.manifest")
    state = LATENT_STATE.from_proto(message.state, "latent.state")
    if state is LatentState.COMMITTED and not message.HasField("commit"):
        raise EmptyInput(field="latent.commit")
    manifest = manifest_from_bytes(message.manifest)
    is_renewed = message.HasField("expire_time")
    return LatentInfo(
        manifest=manifest,
        state=state,
        frames=message.frames,
        payload_bytes=message.payload_bytes,
        commit=commit_from_proto(message.commit) if message.HasField("commit") else None,
        expires_ms=time_from_proto(message.expire_time, "latent.expire_time")
        if is_renewed
        else manifest.expires_ms,
    )


def _renewal(info: LatentInfo) -> Timestamp | None:
    if info.expires_ms == info.manifest.expires_ms:
        return None
    return time_to_proto(info.expires_ms, "latent.expire_time")
