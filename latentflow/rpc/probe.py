"""`python -m latentflow.rpc.probe ADDRESS`: exits 0 when the server there says SERVING, else 1.

For container health checks; knows no service.
"""

import sys

import grpc
from grpc_health.v1 import health_pb2

from latentflow.rpc.methods import HEALTH_PREFIX

_TIMEOUT_SECONDS = 3.0


def is_serving(address: str, *, timeout: float = _TIMEOUT_SECONDS) -> bool:
    """Whether the server at `address` answers SERVING within `timeout` seconds."""
    with grpc.insecure_channel(address) as channel:
        check = channel.unary_unary(
            f"{HEALTH_PREFIX}Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            answer = check(health_pb2.HealthCheckRequest(), timeout=timeout)
        except grpc.RpcError:
            return False
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m latentflow.rpc.probe ADDRESS\n")
        return 2
    return 0 if is_serving(arguments[0]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
