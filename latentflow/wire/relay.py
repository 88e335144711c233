"""Frames as the bytes that a store keeps and a broker relays, without taking them apart again."""

from google.protobuf.message import DecodeError

from latentflow.errors import MessageMalformed
from latentflow.latent import Frame
from latentflow.v1 import broker_pb2, latent_pb2
from latentflow.wire.latents import frame_from_proto, frame_to_proto
from latentflow.wire.varint import varint

_LENGTH_DELIMITED = 2
_FRAME_TAG = bytes([broker_pb2.SubscribeResponse.FRAME_FIELD_NUMBER << 3 | _LENGTH_DELIMITED])


def frame_to_bytes(frame: Frame) -> bytes:
    return frame_to_proto(frame).SerializeToString()


def frame_from_bytes(encoded: bytes) -> Frame:
    """Raises MessageMalformed when it is no message, otherwise as `frame_from_proto`."""
    try:
        message = latent_pb2.Frame.FromString(encoded)
    except DecodeError as error:
        raise MessageMalformed(field="frame", problem="not a protobuf message") from error
    return frame_from_proto(message)


def frame_response(encoded: bytes) -> bytes:
    """A serialised SubscribeResponse that holds the frame `encoded`."""
    return _FRAME_TAG + varint(len(encoded)) + encoded
