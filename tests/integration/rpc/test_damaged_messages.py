"""A message whose bytes changed on their way is a typed error at both ends."""

from collections.abc import AsyncIterator

import grpc
import pytest

from latentflow.errors import MessageMalformed
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.server import Registration
from latentflow.v1.broker_pb2 import GetLatentRequest, GetLatentResponse
from tests.integration.rpc.latents import sealed
from tests.integration.rpc.probe import (
    GATHER,
    MANY,
    ONE,
    PEER,
    TIMEOUT_SECONDS,
    Context,
    probe,
    registration,
    served,
)

NO_MESSAGE = b"\xff"
SMALL = sealed(kilobytes=3, frame_bytes=1024)
SERVICE = "latentflow.v1.BrokerService"


async def answer_nothing_readable(context: Context) -> bytes:
    return NO_MESSAGE


def damaging_broker() -> Registration:
    async def publish(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        yield NO_MESSAGE

    handler = grpc.method_handlers_generic_handler(
        SERVICE, {"Publish": grpc.stream_stream_rpc_method_handler(publish)}
    )
    return Registration(
        service=SERVICE, add=lambda server: server.add_generic_rpc_handlers((handler,))
    )


async def test_response_that_is_no_message_is_said_to_be() -> None:
    async with served(probe(answer_nothing_readable)) as there:
        method = there.channel.unary_unary(
            ONE, GetLatentRequest.SerializeToString, GetLatentResponse.FromString
        )
        with pytest.raises(MessageMalformed, match="response"):
            await PEER.ask(method, GetLatentRequest(), timeout=TIMEOUT_SECONDS)


async def test_response_of_a_stream_that_is_no_message_is_said_to_be() -> None:
    async with served(probe(answer_nothing_readable)) as there:
        method = there.channel.unary_stream(
            MANY, GetLatentRequest.SerializeToString, GetLatentResponse.FromString
        )
        with pytest.raises(MessageMalformed, match="response"):
            await anext(PEER.follow(method, GetLatentRequest(), timeout=TIMEOUT_SECONDS))


async def test_publisher_hears_that_an_answer_is_no_message() -> None:
    async with served(damaging_broker()) as there:
        with pytest.raises(MessageMalformed, match="response"):
            await BrokerClient(there.channel).publish(
                SMALL.manifest_bytes, SMALL.frames, timeout=TIMEOUT_SECONDS
            )


async def test_request_of_a_stream_that_is_no_message_is_refused_as_that() -> None:
    async def count(requests: AsyncIterator[GetLatentRequest], context: Context) -> bytes:
        return bytes([len([request async for request in requests])])

    handler: grpc.RpcMethodHandler[GetLatentRequest, bytes] = grpc.stream_unary_rpc_method_handler(
        count, request_deserializer=GetLatentRequest.FromString
    )
    async with served(registration(Gather=handler)) as there:
        gather = there.channel.stream_unary(GATHER, bytes, bytes)
        with pytest.raises(MessageMalformed, match="request"), PEER.translated():
            await gather(iter([NO_MESSAGE]), timeout=TIMEOUT_SECONDS)
