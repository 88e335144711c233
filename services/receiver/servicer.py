"""ReceiverService: each method converts, asks the domain, converts back."""

from collections.abc import AsyncGenerator
from functools import partial

import grpc

from latentflow.rpc.auth_interceptor import current_tenant
from latentflow.rpc.handlers import Context
from latentflow.rpc.standby import Standby
from latentflow.rpc.told import responses_of
from latentflow.v1 import receiver_pb2, receiver_pb2_grpc
from latentflow.wire import sessions
from latentflow.wire.descriptions import receiver_description_to_proto
from latentflow.wire.generate import generate_call_from_proto, generate_event_to_proto
from services.receiver.answering import Answering

SERVICE = receiver_pb2.DESCRIPTOR.services_by_name["ReceiverService"].full_name


class ReceiverServicer(receiver_pb2_grpc.ReceiverServiceServicer):
    """Every call is for the tenant of its credential, and ServiceUnavailable until loaded."""

    def __init__(self, standby: Standby[Answering]) -> None:
        self._standby = standby

    def Generate(
        self, request: receiver_pb2.GenerateRequest, context: Context
    ) -> AsyncGenerator[receiver_pb2.GenerateResponse, None]:
        call = generate_call_from_proto(request)
        generate = partial(self._standby.part().generate, current_tenant(), call)
        return responses_of(generate, generate_event_to_proto)

    async def Score(
        self, request: receiver_pb2.ScoreRequest, context: Context
    ) -> receiver_pb2.ScoreResponse:
        call = sessions.score_call_from_proto(request)
        return sessions.scored_to_proto(await self._standby.part().score(current_tenant(), call))

    async def OpenSession(
        self, request: receiver_pb2.OpenSessionRequest, context: Context
    ) -> receiver_pb2.OpenSessionResponse:
        call = sessions.open_session_call_from_proto(request)
        session = await self._standby.part().open_session(current_tenant(), call)
        return sessions.session_to_proto(session)

    async def CloseSession(
        self, request: receiver_pb2.CloseSessionRequest, context: Context
    ) -> receiver_pb2.CloseSessionResponse:
        session_id = sessions.close_session_call_from_proto(request)
        self._standby.part().close_session(current_tenant(), session_id)
        return receiver_pb2.CloseSessionResponse()

    async def DescribeReceiver(
        self, request: receiver_pb2.DescribeReceiverRequest, context: Context
    ) -> receiver_pb2.DescribeReceiverResponse:
        return receiver_description_to_proto(self._standby.part().describe())


def add_to_server(servicer: ReceiverServicer, server: grpc.aio.Server) -> None:
    receiver_pb2_grpc.add_ReceiverServiceServicer_to_server(servicer, server)
