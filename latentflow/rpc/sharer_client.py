"""The sharer as a client sees it: domain values in and out, a deadline on every call."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import grpc

from latentflow.calls import ServiceDescription, ShareCall, ShareEvent
from latentflow.errors import ServiceUnavailable
from latentflow.rpc.outgoing import Peer
from latentflow.rpc.status import RETRY_AFTER_SECONDS
from latentflow.v1.sharer_pb2 import DescribeSharerRequest
from latentflow.v1.sharer_pb2_grpc import SharerServiceStub
from latentflow.wire.descriptions import sharer_description_from_proto
from latentflow.wire.share import share_call_to_proto, share_event_from_proto


def _unreachable() -> ServiceUnavailable:
    return ServiceUnavailable(service="sharer", retry_after_seconds=RETRY_AFTER_SECONDS)


class SharerClient:
    """Every method takes `timeout` seconds and raises the error that the sharer raised.

    A sharer that can't be reached is ServiceUnavailable, a timeout that passed DeadlineExpired.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = SharerServiceStub(channel)
        self._peer = Peer(_unreachable)

    async def share(self, call: ShareCall, *, timeout: float) -> AsyncGenerator[ShareEvent, None]:
        """How far the sharer is, last the committed latent; leaving early aborts the latent."""
        request = share_call_to_proto(call)
        responses = self._peer.follow(self._stub.Share, request, timeout=timeout)
        async with aclosing(responses):
            async for response in responses:
                yield share_event_from_proto(response)

    async def describe(self, *, timeout: float) -> ServiceDescription:
        request = DescribeSharerRequest()
        response = await self._peer.ask(self._stub.DescribeSharer, request, timeout=timeout)
        return sharer_description_from_proto(response)
