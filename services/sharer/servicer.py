"""SharerService: each method converts, asks the domain, converts back."""

from collections.abc import AsyncGenerator
from functools import partial

import grpc

from latentflow.rpc.auth_interceptor import current_tenant
from latentflow.rpc.handlers import Context
from latentflow.rpc.standby import Standby
from latentflow.rpc.told import responses_of
from latentflow.v1 import sharer_pb2, sharer_pb2_grpc
from latentflow.wire.descriptions import sharer_description_to_proto
from latentflow.wire.share import share_call_from_proto, share_event_to_proto
from services.sharer.sharing import Sharing

SERVICE = sharer_pb2.DESCRIPTOR.services_by_name["SharerService"].full_name


class SharerServicer(sharer_pb2_grpc.SharerServiceServicer):
    """Every call is for the tenant of its credential, and ServiceUnavailable until loaded."""

    def __init__(self, standby: Standby[Sharing]) -> None:
        self._standby = standby

    def Share(
        self, request: sharer_pb2.ShareRequest, context: Context
    ) -> AsyncGenerator[sharer_pb2.ShareResponse, None]:
        call = share_call_from_proto(request)
        share = partial(self._standby.part().share, current_tenant(), call)
        return responses_of(share, share_event_to_proto)

    async def DescribeSharer(
        self, request: sharer_pb2.DescribeSharerRequest, context: Context
    ) -> sharer_pb2.DescribeSharerResponse:
        return sharer_description_to_proto(self._standby.part().describe())


def add_to_server(servicer: SharerServicer, server: grpc.aio.Server) -> None:
    sharer_pb2_grpc.add_SharerServiceServicer_to_server(servicer, server)
