"""Converts the parts that the calls have in common: identities, labels, frames and commits."""

from latentflow.errors import IdentityMissing
from latentflow.latent import Commit, Digest, Frame, Label, ModelIdentity, parse_digest
from latentflow.protection import Signature
from latentflow.v1 import latent_pb2


def identity_to_proto(identity: ModelIdentity) -> latent_pb2.ModelIdentity:
    return latent_pb2.ModelIdentity(
        name=identity.name,
        weights_sha256=identity.weights,
        tokenizer_sha256=identity.tokenizer,
        config_sha256=identity.config,
    )


def identity_from_proto(message: latent_pb2.ModelIdentity, role: str) -> ModelIdentity:
    """Raises IdentityMissing or InvalidInput naming the field with its role: receiver.weights."""
    if not message.name:
        raise IdentityMissing(field=f"{role}.name")
    return ModelIdentity(
        name=message.name,
        weights=parse_digest(message.weights_sha256, f"{role}.weights"),
        tokenizer=parse_digest(message.tokenizer_sha256, f"{role}.tokenizer"),
        config=parse_digest(message.config_sha256, f"{role}.config"),
    )


def label_to_proto(label: Label) -> latent_pb2.Label:
    return latent_pb2.Label(key=label.key, value=label.value)


def label_from_proto(message: latent_pb2.Label) -> Label:
    return Label(key=message.key, value=message.value)


def frame_to_proto(frame: Frame) -> latent_pb2.Frame:
    return latent_pb2.Frame(
        index=frame.index, payload=frame.payload, raw_bytes=frame.raw_bytes, crc32c=frame.crc32c
    )


def frame_from_proto(message: latent_pb2.Frame) -> Frame:
    """Raises EmptyInput without a payload, InvalidInput without a size; checks no checksum."""
    return Frame(
        index=message.index,
        payload=message.payload,
        raw_bytes=message.raw_bytes,
        crc32c=message.crc32c,
    )


def commit_to_proto(commit: Commit) -> latent_pb2.Commit:
    signature = commit.signature
    return latent_pb2.Commit(
        frames=commit.frames,
        payload_bytes=commit.payload_bytes,
        sha256=commit.sha256,
        signature=None if signature is None else _signature_to_proto(signature),
    )


def commit_from_proto(message: latent_pb2.Commit) -> Commit:
    """Raises InvalidInput when it closes nothing, or its digest or its signature is none."""
    return Commit(
        frames=message.frames,
        payload_bytes=message.payload_bytes,
        sha256=Digest(message.sha256),
        signature=_signature_from_proto(message.signature)
        if message.HasField("signature")
        else None,
    )


def _signature_to_proto(signature: Signature) -> latent_pb2.Signature:
    return latent_pb2.Signature(key_id=signature.key_id, ed25519=signature.ed25519)


def _signature_from_proto(message: latent_pb2.Signature) -> Signature:
    return Signature(key_id=message.key_id, ed25519=message.ed25519)
