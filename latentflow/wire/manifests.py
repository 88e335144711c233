"""The manifest as bytes: written one way only, and refused unless understood in full.

Every manifest has exactly one encoding here (fields in ascending order, nothing unknown, nothing
twice), so a manifest that was read can be relayed as its exact bytes.
"""

from google.protobuf.message import DecodeError

from latentflow.errors import InvalidInput, MessageMalformed
from latentflow.latent import Digest, FlowName, LatentId, Manifest
from latentflow.protection import Seal
from latentflow.v1 import latent_pb2
from latentflow.vectors import Codec, TensorLayout
from latentflow.wire.enums import (
    ELEMENT_TYPE,
    METHOD,
    POSITION_POLICY,
    QUANTISATION,
    SEAL_ALGORITHM,
)
from latentflow.wire.latents import (
    identity_from_proto,
    identity_to_proto,
    label_from_proto,
    label_to_proto,
)
from latentflow.wire.text import utf8_only
from latentflow.wire.times import time_from_proto, time_to_proto

MAX_MANIFEST_BYTES = 64 * 1024


def manifest_to_bytes(manifest: Manifest) -> bytes:
    """The manifest's one encoding.

    Raises InvalidInput when it is over MAX_MANIFEST_BYTES or its times are past the year 9999.
    """
    data = _to_proto(manifest).SerializeToString(deterministic=True)
    if len(data) > MAX_MANIFEST_BYTES:
        raise InvalidInput(field="manifest", problem=f"over {MAX_MANIFEST_BYTES} bytes")
    return data


def manifest_from_bytes(data: bytes) -> Manifest:
    """The inverse of `manifest_to_bytes`.

    Raises MessageMalformed when `data` is no manifest or not its one encoding (which also refuses
    fields of a later version), IdentityMissing and InvalidInput naming the field otherwise.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise MessageMalformed(field="manifest", problem=f"over {MAX_MANIFEST_BYTES} bytes")
    try:
        message = latent_pb2.Manifest.FromString(data)
    except DecodeError as error:
        raise MessageMalformed(field="manifest", problem="not a protobuf message") from error
    manifest = _from_proto(message)
    if manifest_to_bytes(manifest) != data:
        raise MessageMalformed(field="manifest", problem="has unknown fields or another encoding")
    return manifest


@utf8_only("manifest")
def _to_proto(manifest: Manifest) -> latent_pb2.Manifest:
    receiver = manifest.receiver
    return latent_pb2.Manifest(
        latent_id=manifest.latent_id,
        flow=manifest.flow,
        method=METHOD.to_proto(manifest.method),
        adapter_sha256=manifest.adapter or "",
        sharer=identity_to_proto(manifest.sharer),
        receiver=None if receiver is None else identity_to_proto(receiver),
        layout=_layout_to_proto(manifest.layout),
        codec=_codec_to_proto(manifest.codec),
        position=POSITION_POLICY.to_proto(manifest.position),
        create_time=time_to_proto(manifest.created_ms, "create_time"),
        expire_time=time_to_proto(manifest.expires_ms, "expire_time"),
        content_hmac_sha256=manifest.content_digest,
        traceparent=manifest.traceparent,
        labels=[label_to_proto(label) for label in manifest.labels],
        seal=None if manifest.seal is None else _seal_to_proto(manifest.seal),
    )


def _from_proto(message: latent_pb2.Manifest) -> Manifest:
    has_receiver = message.HasField("receiver")
    return Manifest(
        latent_id=LatentId(message.latent_id),
        flow=FlowName(message.flow),
        method=METHOD.from_proto(message.method, "method"),
        adapter=Digest(message.adapter_sha256) if message.adapter_sha256 else None,
        sharer=identity_from_proto(message.sharer, "sharer"),
        receiver=identity_from_proto(message.receiver, "receiver") if has_receiver else None,
        layout=_layout_from_proto(message.layout),
        codec=_codec_from_proto(message.codec),
        position=POSITION_POLICY.from_proto(message.position, "position"),
        created_ms=time_from_proto(message.create_time, "create_time"),
        expires_ms=time_from_proto(message.expire_time, "expire_time"),
        content_digest=Digest(message.content_hmac_sha256),
        traceparent=message.traceparent,
        labels=tuple(label_from_proto(label) for label in message.labels),
        seal=_seal_from_proto(message.seal) if message.HasField("seal") else None,
    )


def _layout_to_proto(layout: TensorLayout) -> latent_pb2.TensorLayout:
    return latent_pb2.TensorLayout(
        layers=layout.layers,
        slots=layout.slots,
        width=layout.width,
        dtype=ELEMENT_TYPE.to_proto(layout.dtype),
    )


def _layout_from_proto(message: latent_pb2.TensorLayout) -> TensorLayout:
    return TensorLayout(
        layers=message.layers,
        slots=message.slots,
        width=message.width,
        dtype=ELEMENT_TYPE.from_proto(message.dtype, "layout.dtype"),
    )


def _codec_to_proto(codec: Codec) -> latent_pb2.Codec:
    return latent_pb2.Codec(
        quantisation=QUANTISATION.to_proto(codec.quantisation),
        zstd_level=codec.zstd_level,
        dictionary=codec.dictionary,
    )


def _codec_from_proto(message: latent_pb2.Codec) -> Codec:
    return Codec(
        quantisation=QUANTISATION.from_proto(message.quantisation, "codec.quantisation"),
        zstd_level=message.zstd_level,
        dictionary=message.dictionary,
    )


def _seal_to_proto(seal: Seal) -> latent_pb2.Seal:
    return latent_pb2.Seal(
        algorithm=SEAL_ALGORITHM.to_proto(seal.algorithm), key_id=seal.key_id, salt=seal.salt
    )


def _seal_from_proto(message: latent_pb2.Seal) -> Seal:
    return Seal(
        algorithm=SEAL_ALGORITHM.from_proto(message.algorithm, "seal.algorithm"),
        key_id=message.key_id,
        salt=message.salt,
    )
