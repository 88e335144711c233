"""Stored frames: the bytes that are relayed are those that a whole response would have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentflow.errors import MessageMalformed
from latentflow.latent import Frame
from latentflow.v1 import broker_pb2
from latentflow.wire.latents import frame_to_proto
from latentflow.wire.relay import frame_from_bytes, frame_response, frame_to_bytes

frames = st.builds(
    Frame,
    index=st.integers(0, 2**32 - 1),
    payload=st.binary(min_size=1, max_size=40_000),
    raw_bytes=st.integers(1, 2**32 - 1),
    crc32c=st.integers(0, 2**32 - 1),
)


@given(frames)
def test_frame_comes_back_from_its_bytes(frame: Frame) -> None:
    assert frame_from_bytes(frame_to_bytes(frame)) == frame


@given(frames)
def test_relayed_frame_is_the_whole_response_byte_for_byte(frame: Frame) -> None:
    whole = broker_pb2.SubscribeResponse(frame=frame_to_proto(frame))
    assert frame_response(frame_to_bytes(frame)) == whole.SerializeToString()


@pytest.mark.parametrize("size", [1, 100, 127, 128, 16_383, 16_384, 262_144])
def test_length_of_any_size_is_written(size: int) -> None:
    payload = bytes(size)
    frame = Frame(index=0, payload=payload, raw_bytes=1, crc32c=1)
    response = broker_pb2.SubscribeResponse.FromString(frame_response(frame_to_bytes(frame)))
    assert response.frame.payload == payload


def test_bytes_that_are_no_frame_are_refused() -> None:
    with pytest.raises(MessageMalformed):
        frame_from_bytes(b"\xff")
