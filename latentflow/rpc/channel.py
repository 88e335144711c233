"""Opens channels: one way to connect, balance, keep alive and retry.

Retries are gRPC's own, before a first response, and only for calls that may be repeated.
"""

import json
from functools import partial

import grpc

from latentflow.rpc.access import Credentials, without_tls
from latentflow.rpc.methods import TAKES_CALLS
from latentflow.rpc.renewing_channel import RenewingChannel

# At most so long, give or take a fifth, until a server that was away is tried again.
RECONNECT_SECONDS = 2

_OPENINGS = {
    "latentflow.v1.BrokerService": (
        "Publish Subscribe Watch Ack GetLatent ListLatents RevokeLatent FindLatent RenewLatent "
        "RecordUse GetLineage ListFlows Inspect".split()
    ),
    "latentflow.v1.SharerService": ["Share", "DescribeSharer"],
    # Not OpenSession, which would leave a session behind, nor CloseSession, whose repetition fails.
    "latentflow.v1.ReceiverService": ["Generate", "Score", "DescribeReceiver"],
}

SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    # Servers that still load, or are about to close, get no calls.
    "healthCheckConfig": {"serviceName": TAKES_CALLS},
    "methodConfig": [
        {
            "name": [
                {"service": service, "method": method}
                for service, methods in _OPENINGS.items()
                for method in methods
            ],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}

_OPTIONS = (
    ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
    ("grpc.enable_retries", 1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A peer that restarts is found again within the clients' own backoff.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", RECONNECT_SECONDS * 1_000),
    # Names are looked up when a connection ends. By gRPC's 30 s every address known may be gone.
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
)


# Also how long an attempt to connect may take: a handshake takes a while where cores are busy.
_CONNECTING = "grpc.min_reconnect_backoff_ms"
_PLAIN = (*_OPTIONS, (_CONNECTING, 1_000))
_ENCRYPTED = (*_OPTIONS, (_CONNECTING, 5_000))


def open_channel(address: str, credentials: Credentials = without_tls) -> grpc.aio.Channel:
    """A channel to `address` (any gRPC target), encrypted when there are credentials.

    Connects with the first call, and anew when the credentials change. The caller closes it.
    """
    if credentials() is None:
        return grpc.aio.insecure_channel(address, options=_PLAIN)
    return RenewingChannel(partial(_secure, address), credentials)


def _secure(address: str, credentials: grpc.ChannelCredentials) -> grpc.aio.Channel:
    return grpc.aio.secure_channel(address, credentials, options=_ENCRYPTED)
