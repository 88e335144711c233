"""`python -m latentflow.rpc.probe [--ca FILE] ADDRESS`: exits 0 when the server there says SERVING,
else 1.

For container health checks; knows no service.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2

from latentflow.rpc.methods import HEALTH_PREFIX

_TIMEOUT_SECONDS = 3.0


def is_serving(
    address: str, *, ca: str | Path | None = None, timeout: float = _TIMEOUT_SECONDS
) -> bool:
    """Whether the server at `address` answers SERVING within `timeout` seconds; over TLS if its
    certificate's CA is given.
    """
    with _channel(address, ca) as channel:
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


def _channel(address: str, ca: str | Path | None) -> grpc.Channel:
    if ca is None:
        return grpc.insecure_channel(address)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(Path(ca).read_bytes()))


def main(words: list[str]) -> int:
    parser = ArgumentParser(prog="probe")
    parser.add_argument("address", metavar="ADDRESS")
    parser.add_argument("--ca", type=Path, metavar="FILE")
    arguments = parser.parse_args(words)
    return 0 if is_serving(arguments.address, ca=arguments.ca) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
