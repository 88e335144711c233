"""Follows one latent's stream over as many connections as it takes: nothing lost or repeated."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from latentflow.errors import FrameOutOfOrder, MessageMalformed, StreamMismatch, Unreachable
from latentflow.latent import Commit, Frame, LatentId
from latentflow.relay import Open, StreamStep, SubscribeCall
from latentflow.rpc.deadline import Retries
from latentflow.rpc.outgoing import Peer
from latentflow.v1.broker_pb2 import SubscribeResponse
from latentflow.wire.subscribe import stream_step_from_proto

Follow = Callable[[SubscribeCall], AsyncGenerator[SubscribeResponse, None]]


class Cursor:
    """How far a stream was read: decides what is new, and where to go on."""

    def __init__(self, latent_id: LatentId, first_frame: int) -> None:
        self._latent_id = latent_id
        self._next_frame = first_frame
        self._opening: Open | None = None
        self.has_ended = False

    def next_call(self) -> SubscribeCall:
        return SubscribeCall(latent_id=self._latent_id, first_frame=self._next_frame)

    def is_new(self, step: StreamStep) -> bool:
        """Raises FrameOutOfOrder, MessageMalformed, StreamMismatch when the step can't follow."""
        if isinstance(step, Open):
            return self._is_first_opening(step)
        if self._opening is None:
            raise MessageMalformed(field="manifest", problem="does not come first")
        if isinstance(step, Frame):
            self._advance(step)
        self.has_ended = isinstance(step, Commit)
        return True

    def _is_first_opening(self, step: Open) -> bool:
        if self._opening is None:
            self._opening = step
            return True
        if step != self._opening:
            raise StreamMismatch(field="manifest", expected="as before", actual="another")
        return False

    def _advance(self, frame: Frame) -> None:
        if frame.index != self._next_frame:
            raise FrameOutOfOrder(index=frame.index, expected=self._next_frame)
        self._next_frame += 1


async def read_stream(
    peer: Peer, follow: Follow, cursor: Cursor, retries: Retries
) -> AsyncGenerator[StreamStep, None]:
    """The manifest, the frames in order, the commit. Raises what the broker raised."""
    while True:
        problem = peer.unreachable()
        try:
            async with aclosing(follow(cursor.next_call())) as responses:
                async for response in responses:
                    step = stream_step_from_proto(response)
                    if cursor.is_new(step):
                        retries.progressed()
                        yield step
        except Unreachable as error:
            problem = error
        if cursor.has_ended:
            return
        await retries.pause(problem)
