"""A stream is given away only after its commit matched, and only in order."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentflow.errors import (
    FrameCorrupt,
    FrameOutOfOrder,
    LatentClosed,
    LatentFlowError,
    MessageMalformed,
    StreamMismatch,
)
from latentflow.latent import Commit, Digest, Frame, StreamDigest
from latentflow.quantisation import Quantisation
from latentflow.wire.manifests import manifest_to_bytes
from latentflow.wire.quantise import unpack
from latentflow.wire.stream import StreamReader, StreamWriter, seal
from tests.unit.wire.examples import Sealed, floats, framed, layout, manifest, sealed


def read(latent: Sealed) -> bytes:
    reader = StreamReader(latent.manifest_bytes)
    for frame in latent.frames:
        reader.add(frame)
    return reader.finish(latent.commit)


def test_a_sealed_stream_reads_back() -> None:
    latent = sealed()
    assert len(latent.frames) == 3
    assert read(latent) == latent.stream


def test_the_vectors_come_back_within_half_a_scale() -> None:
    latent = sealed()
    reader = StreamReader(latent.manifest_bytes)
    unpacked = unpack(read(latent), reader.manifest.layout, reader.manifest.codec)
    largest_scale = 3 / 127
    for n, value in enumerate(floats(unpacked)):
        assert abs(value - (0.25 * n - 3)) <= largest_scale / 2


@given(st.lists(st.integers(0, 48)), st.integers(1, 60))
@settings(deadline=None)
def test_any_chunking_gives_the_same_stream_and_commit(cuts: list[int], frame_bytes: int) -> None:
    whole = sealed(frame_bytes=frame_bytes)
    ends = [0, *sorted(cuts), len(whole.stream)]
    chunks = [whole.stream[a:b] for a, b in pairwise(ends)]
    assert seal(whole.manifest_bytes, chunks, frame_bytes=frame_bytes) == whole[1:3]
    assert read(whole) == whole.stream


@pytest.mark.parametrize("length", [47, 49])
def test_a_stream_of_another_length_than_promised_is_not_committed(length: int) -> None:
    writer = StreamWriter(sealed().manifest_bytes, [bytes(length)])
    list(writer)
    with pytest.raises(StreamMismatch) as refusal:
        writer.commit()
    assert refusal.value.details() == {
        "field": "stream_bytes",
        "expected": "48",
        "actual": str(length),
    }


def test_a_writer_commits_only_what_was_taken_from_it() -> None:
    latent = sealed()
    writer = StreamWriter(latent.manifest_bytes, [latent.stream], frame_bytes=20)
    next(writer)
    with pytest.raises(StreamMismatch):
        writer.commit()
    assert [frame.index for frame in writer] == [1, 2]
    assert writer.commit() == latent.commit


def test_nothing_to_send_is_not_committed() -> None:
    with pytest.raises(StreamMismatch):
        StreamWriter(sealed().manifest_bytes, []).commit()


def test_a_reader_says_where_to_go_on() -> None:
    latent = sealed()
    reader = StreamReader(latent.manifest_bytes)
    reader.add(latent.frames[0])
    assert reader.next_frame == 1


def test_a_refused_frame_leaves_the_reader_where_it_was() -> None:
    latent = sealed()
    reader = StreamReader(latent.manifest_bytes)
    with pytest.raises(FrameCorrupt):
        reader.add(replace(latent.frames[0], crc32c=0))
    assert reader.next_frame == 0
    for frame in latent.frames:
        reader.add(frame)
    assert reader.finish(latent.commit) == latent.stream


@given(st.lists(st.integers(0, 2), max_size=6).filter(lambda order: order != [0, 1, 2]))
@settings(deadline=None)
def test_frames_lost_repeated_or_reordered_are_refused(order: list[int]) -> None:
    latent = sealed()
    with pytest.raises((FrameOutOfOrder, StreamMismatch)):
        read(latent._replace(frames=[latent.frames[index] for index in order]))


@given(st.permutations(range(3)).filter(lambda order: order != [0, 1, 2]))
@settings(deadline=None)
def test_frames_renumbered_after_reordering_are_refused(order: list[int]) -> None:
    latent = sealed()
    frames = [replace(latent.frames[old], index=new) for new, old in enumerate(order)]
    with pytest.raises(StreamMismatch):
        read(latent._replace(frames=frames))


def test_a_frame_out_of_order_says_which_was_due() -> None:
    latent = sealed()
    with pytest.raises(FrameOutOfOrder) as refusal:
        StreamReader(latent.manifest_bytes).add(latent.frames[2])
    assert refusal.value.details() == {"index": 2, "expected": 0}


@pytest.mark.parametrize(
    ("field", "value"), [("frames", 2), ("payload_bytes", 1), ("sha256", Digest("0" * 64))]
)
def test_a_commit_that_differs_is_refused_by_the_field(field: str, value: Any) -> None:
    latent = sealed()
    wrong = replace(latent.commit, **{field: value})
    with pytest.raises(StreamMismatch) as refusal:
        read(latent._replace(commit=wrong))
    assert refusal.value.field == field


def test_a_commit_without_frames_is_refused() -> None:
    latent = sealed()
    with pytest.raises(StreamMismatch) as refusal:
        StreamReader(latent.manifest_bytes).finish(latent.commit)
    assert refusal.value.field == "frames"


def test_a_commit_of_another_manifest_is_refused() -> None:
    latent = sealed()
    other = replace(manifest(layout(layers=2, slots=3, width=4)), traceparent="00-1-2-01")
    with pytest.raises(StreamMismatch) as refusal:
        read(latent._replace(manifest_bytes=manifest_to_bytes(other)))
    assert refusal.value.field == "sha256"


def test_a_short_stream_with_a_matching_commit_is_refused() -> None:
    latent = sealed()
    longer = manifest_to_bytes(manifest(layout(layers=2, slots=4, width=4)))
    commit = _commit_of(longer, latent.frames)
    with pytest.raises(StreamMismatch) as refusal:
        read(latent._replace(manifest_bytes=longer, commit=commit))
    assert refusal.value.details() == {"field": "stream_bytes", "expected": "64", "actual": "48"}


def _commit_of(manifest_bytes: bytes, frames: list[Frame]) -> Commit:
    digest = StreamDigest(manifest_bytes)
    for frame in frames:
        digest.add(frame.payload)
    return digest.commit()


def test_more_than_the_manifest_promised_is_refused_before_it_is_opened() -> None:
    reader = StreamReader(sealed().manifest_bytes)
    unopenable = framed(b"no zstd frame", raw_bytes=49)
    with pytest.raises(StreamMismatch) as refusal:
        reader.add(unopenable)
    assert refusal.value.details() == {"field": "stream_bytes", "expected": "48", "actual": "49"}


def test_a_finished_stream_takes_nothing_more() -> None:
    latent = sealed()
    reader = StreamReader(latent.manifest_bytes)
    for frame in latent.frames:
        reader.add(frame)
    reader.finish(latent.commit)
    with pytest.raises(LatentClosed):
        reader.add(latent.frames[0])
    with pytest.raises(LatentClosed):
        reader.finish(latent.commit)


def test_a_stream_without_a_readable_manifest_is_not_begun() -> None:
    with pytest.raises(MessageMalformed):
        StreamReader(b"\xff")
    with pytest.raises(LatentFlowError):
        StreamWriter(b"", [b""])


@pytest.mark.parametrize("quantisation", list(Quantisation))
def test_the_promised_size_is_the_packed_size(quantisation: Quantisation) -> None:
    promised = manifest(layout(layers=2, slots=3, width=5), quantisation)
    frames, _ = seal(manifest_to_bytes(promised), [bytes(promised.stream_bytes)])
    assert sum(frame.raw_bytes for frame in frames) == promised.stream_bytes
