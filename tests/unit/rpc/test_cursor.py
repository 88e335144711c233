import pytest

from latentflow.errors import FrameOutOfOrder, MessageMalformed, StreamMismatch
from latentflow.latent import Commit, Digest, Frame, LatentId
from latentflow.relay import Open, SubscribeCall
from latentflow.rpc.subscription import Cursor

LATENT = LatentId("01K3ABCDEFGHJKMNPQRSTVWXYZ")
OPEN = Open(manifest_bytes=b"manifest")


def frame(index: int) -> Frame:
    return Frame(index=index, payload=b"x", raw_bytes=1, crc32c=0)


def test_goes_on_behind_the_last_frame_read() -> None:
    cursor = Cursor(LATENT, 0)
    assert [cursor.is_new(step) for step in (OPEN, frame(0), frame(1))] == [True, True, True]
    assert cursor.next_call() == SubscribeCall(latent_id=LATENT, first_frame=2)


def test_starts_where_it_was_told() -> None:
    cursor = Cursor(LATENT, 5)
    assert cursor.next_call().first_frame == 5
    assert cursor.is_new(OPEN)
    assert cursor.is_new(frame(5))


def test_the_manifest_is_new_once() -> None:
    cursor = Cursor(LATENT, 0)
    assert cursor.is_new(OPEN)
    assert not cursor.is_new(OPEN)


def test_another_manifest_on_a_later_connection_is_refused() -> None:
    cursor = Cursor(LATENT, 0)
    cursor.is_new(OPEN)
    with pytest.raises(StreamMismatch):
        cursor.is_new(Open(manifest_bytes=b"other"))


@pytest.mark.parametrize("index", [0, 2])
def test_a_repeated_or_skipped_frame_is_refused(index: int) -> None:
    cursor = Cursor(LATENT, 0)
    cursor.is_new(OPEN)
    cursor.is_new(frame(0))
    with pytest.raises(FrameOutOfOrder):
        cursor.is_new(frame(index))


@pytest.mark.parametrize(
    "step", [frame(0), Commit(frames=1, payload_bytes=1, sha256=Digest("0" * 64))]
)
def test_a_stream_without_manifest_is_refused(step: Frame | Commit) -> None:
    with pytest.raises(MessageMalformed):
        Cursor(LATENT, 0).is_new(step)
