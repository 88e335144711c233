"""The receiver as a client sees it: domain values in and out, a deadline on every call."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import grpc

from latentflow.calls import (
    GenerateCall,
    GenerateEvent,
    OpenSessionCall,
    ScoreCall,
    Scored,
    ServiceDescription,
    Session,
    SessionId,
)
from latentflow.errors import ServiceUnavailable
from latentflow.rpc.outgoing import Peer
from latentflow.rpc.status import RETRY_AFTER_SECONDS
from latentflow.v1.receiver_pb2 import DescribeReceiverRequest
from latentflow.v1.receiver_pb2_grpc import ReceiverServiceStub
from latentflow.wire import sessions
from latentflow.wire.descriptions import receiver_description_from_proto
from latentflow.wire.generate import generate_call_to_proto, generate_event_from_proto


def _unreachable() -> ServiceUnavailable:
    return ServiceUnavailable(service="receiver", retry_after_seconds=RETRY_AFTER_SECONDS)


class ReceiverClient:
    """Every method takes `timeout` seconds and raises the error that the receiver raised.

    A receiver that can't be reached is ServiceUnavailable, a timeout that passed DeadlineExpired.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = ReceiverServiceStub(channel)
        self._peer = Peer(_unreachable)

    async def generate(
        self, call: GenerateCall, *, timeout: float
    ) -> AsyncGenerator[GenerateEvent, None]:
        """Each latent's outcome, the tokens, last the usage; leaving early frees the memory."""
        request = generate_call_to_proto(call)
        responses = self._peer.follow(self._stub.Generate, request, timeout=timeout)
        async with aclosing(responses):
            async for response in responses:
                yield generate_event_from_proto(response)

    async def score(self, call: ScoreCall, *, timeout: float) -> Scored:
        request = sessions.score_call_to_proto(call)
        response = await self._peer.ask(self._stub.Score, request, timeout=timeout)
        return sessions.scored_from_proto(response)

    async def open_session(self, call: OpenSessionCall, *, timeout: float) -> Session:
        request = sessions.open_session_call_to_proto(call)
        response = await self._peer.ask(self._stub.OpenSession, request, timeout=timeout)
        return sessions.session_from_proto(response)

    async def close_session(self, session_id: SessionId, *, timeout: float) -> None:
        request = sessions.close_session_call_to_proto(session_id)
        await self._peer.ask(self._stub.CloseSession, request, timeout=timeout)

    async def describe(self, *, timeout: float) -> ServiceDescription:
        request = DescribeReceiverRequest()
        response = await self._peer.ask(self._stub.DescribeReceiver, request, timeout=timeout)
        return receiver_description_from_proto(response)
