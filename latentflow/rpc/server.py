"""Builds, serves and drains one gRPC server the same way for every service.

Knows no service: a `Registration` adds one. What it sends stays within gRPC's 4 MiB a message.
"""

import asyncio
import contextvars
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from latentflow.errors import InvalidInput
from latentflow.rpc.admission_interceptor import AdmissionInterceptor
from latentflow.rpc.auth_interceptor import Authenticator, AuthInterceptor, admit_all
from latentflow.rpc.certificates import Certificate, server_credentials
from latentflow.rpc.deadline_interceptor import DeadlineInterceptor, DeadlinePolicy
from latentflow.rpc.error_interceptor import ErrorInterceptor
from latentflow.rpc.handlers import Context
from latentflow.rpc.methods import ENDLESS, TAKES_CALLS
from latentflow.rpc.refusals import Later, Refusals
from latentflow.rpc.request_interceptor import RequestInterceptor
from latentflow.rpc.telemetry import SILENT, Telemetry
from latentflow.rpc.telemetry_interceptor import TelemetryInterceptor

# The end of the settling, for channels to hear that they are to go elsewhere: gRPC cancels calls
# that reach a server while it closes.
LEAVING_SECONDS = 1.0

# How long a connection lasts, give or take a tenth.
CONNECTION_SECONDS = 60

# For what calls ended with to be on its way before their connection closes, and for their tasks.
_CLOSING_SECONDS = 0.2

# Of a connection's calls beside its share of those in flight: health is watched on it.
_HEALTH_CALLS = 8

UNREAD_BYTES = 256 * 1024

_OPTIONS = (
    # Without it a second server on the same port would start and silently share the calls.
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Lets clients ping as often as latentflow.rpc.channel does, also between calls.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Clients ask for addresses again only when a connection ends, so that without this a server
    # that was added gets no calls. Calls under way end on the connection that they began on.
    ("grpc.max_connection_age_ms", CONNECTION_SECONDS * 1_000),
    # What a peer may send to each call that does not read. gRPC would let it grow with how fast the
    # peer sends, to tens of MiB.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", UNREAD_BYTES),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Where and within which bounds to serve. Port 0 takes a free one.

    On `services_port`, which there is with a certificate only, peers show one of their own.
    When it drains, calls are still taken for `settle_seconds`: so long callers may take to hear,
    and to reach the server that was restarted before it. Of `max_concurrent_rpcs` one connection
    has about half; more on it wait at the peer. A message has at most `max_request_bytes`, and a
    call's only one comes within `request_seconds`.
    """

    host: str = "127.0.0.1"
    port: int = 0
    services_port: int | None = None
    settle_seconds: float = 0.0
    grace_seconds: float = 10.0
    max_concurrent_rpcs: int = 256
    max_request_bytes: int = 4 * 1024 * 1024
    request_seconds: float = 30.0
    default_deadline_seconds: float = 60.0
    max_deadline_seconds: float = 600.0

    def __post_init__(self) -> None:
        if not 0 <= self.port < 1 << 16:
            raise InvalidInput(field="port", problem="must be 0 to 65535")
        for name in ("settle_seconds", "grace_seconds"):
            if getattr(self, name) < 0:
                raise InvalidInput(field=name, problem="must not be negative")
        if self.max_concurrent_rpcs < 1:
            raise InvalidInput(field="max_concurrent_rpcs", problem="must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A service by its full name, and the generated function that adds its servicer."""

    service: str
    add: Callable[[grpc.aio.Server], None]


class Health(health.aio.HealthServicer):
    """gRPC's own, which has no List yet: what it has instead fails with a Python exception."""

    async def List(self, request: object, context: Context) -> None:
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "ask with Check or Watch")


class Ports(NamedTuple):
    """Where a server listens; `services` is None where it takes no peers by their certificate."""

    callers: int
    services: int | None


class RunningServer:
    """One server with its health. Its ports are bound already; calls wait for `start`."""

    def __init__(
        self,
        server: grpc.aio.Server,
        admission: AdmissionInterceptor,
        settings: ServerSettings,
        services: Sequence[str],
        ports: Ports,
    ) -> None:
        self.health = Health()
        self.port = ports.callers
        self.services_port = ports.services
        self._server = server
        self._admission = admission
        self._settle_seconds = settings.settle_seconds
        self._grace_seconds = settings.grace_seconds
        self._services = services
        self._took_calls = False
        health_pb2_grpc.add_HealthServicer_to_server(self.health, server)

    async def start(self) -> None:
        """Accepts calls and reports every service as SERVING."""
        await self.report_serving()
        await self.take_calls()
        await self._listen()

    async def start_waiting(self) -> None:
        """Answers probes: NOT_SERVING until `report_serving`, and no calls until `take_calls`."""
        await self.report_waiting()
        await self.health.set(TAKES_CALLS, health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._listen()

    async def take_calls(self) -> None:
        """Tells channels that it can work."""
        self._took_calls = True
        await self.health.set(TAKES_CALLS, health_pb2.HealthCheckResponse.SERVING)

    async def report_waiting(self) -> None:
        await self._report(health_pb2.HealthCheckResponse.NOT_SERVING)

    async def report_serving(self) -> None:
        await self._report(health_pb2.HealthCheckResponse.SERVING)

    async def report_detail(self, detail: str, *, is_serving: bool) -> None:
        """Of something that the services go on without: `SERVICE/detail` for each."""
        status = health_pb2.HealthCheckResponse
        for service in self._services:
            name = f"{service}/{detail}"
            await self.health.set(name, status.SERVING if is_serving else status.NOT_SERVING)

    async def _listen(self) -> None:
        """From here on the health service says of itself that it serves: who asks whether the
        process is alive, and not whether it is ready, asks for that.
        """
        await self.health.set(health.SERVICE_NAME, health_pb2.HealthCheckResponse.SERVING)
        await self._server.start()

    async def _report(self, status: int) -> None:
        for service in (health.OVERALL_HEALTH, *self._services):
            await self.health.set(service, status)

    async def serve_until(self, stop: asyncio.Event) -> None:
        """Serves until `stop` is set, then drains; drains also when cancelled."""
        await self.start()
        try:
            await stop.wait()
        finally:
            await self.drain()

    async def drain(self) -> None:
        """Settles; takes no new calls; those in flight finish or end within the grace; closes.

        One that never took calls has nobody to settle for.
        """
        if self._took_calls:
            await self._settle()
        closing = asyncio.create_task(self._server.stop(self._grace_seconds + _CLOSING_SECONDS))
        await self._admission.drain(self._grace_seconds)
        await self._server.stop(_CLOSING_SECONDS)
        await closing
        await self._admission.all_over(_CLOSING_SECONDS)

    async def _settle(self) -> None:
        """NOT_SERVING for who looks servers up, and only towards the end also for channels: they
        may have reached no other server yet.
        """
        leaving_seconds = min(self._settle_seconds, LEAVING_SECONDS)
        await self.report_waiting()
        await asyncio.sleep(self._settle_seconds - leaving_seconds)
        await self.health.enter_graceful_shutdown()
        await asyncio.sleep(leaving_seconds)


def build_server(
    settings: ServerSettings,
    registrations: Sequence[Registration],
    *,
    telemetry: Telemetry = SILENT,
    authenticator: Authenticator = admit_all,
    certificate: Callable[[], Certificate] | None = None,
) -> RunningServer:
    """A server for `registrations` with health and reflection; call it on the event loop.

    It listens with TLS when it has a certificate, which may be another one each time it is asked.
    Raises InvalidInput naming `port` when an address can't be bound.
    """
    admission = AdmissionInterceptor(limit=settings.max_concurrent_rpcs, endless=ENDLESS)
    server = grpc.aio.server(
        interceptors=[
            TelemetryInterceptor(telemetry, endless=ENDLESS),
            ErrorInterceptor(),
            admission,
            AuthInterceptor(authenticator, Refusals(_later())),
            DeadlineInterceptor(_deadlines(settings)),
            RequestInterceptor(settings.request_seconds),
        ],
        options=[
            *_OPTIONS,
            ("grpc.max_concurrent_streams", _calls_a_connection(settings)),
            # Told at a message's first bytes, so that no more of it is taken.
            ("grpc.max_receive_message_length", settings.max_request_bytes),
        ],
    )
    services = [registration.service for registration in registrations]
    for registration in registrations:
        registration.add(server)
    reflection.enable_server_reflection(
        [*services, health.SERVICE_NAME, reflection.SERVICE_NAME], server
    )
    ports = _bind(server, settings, certificate)
    return RunningServer(server, admission, settings, services, ports)


def _later() -> Later:
    """Outside of any call: what is logged then is of no call's trace."""
    return partial(asyncio.get_running_loop().call_later, context=contextvars.Context())


def _calls_a_connection(settings: ServerSettings) -> int:
    """Half of all calls, whatever one peer does with them: more wait at the peer for their turn."""
    return settings.max_concurrent_rpcs // 2 + _HEALTH_CALLS


def _deadlines(settings: ServerSettings) -> DeadlinePolicy:
    return DeadlinePolicy(
        default_seconds=settings.default_deadline_seconds,
        maximum_seconds=settings.max_deadline_seconds,
        endless=ENDLESS,
    )


def _bind(
    server: grpc.aio.Server,
    settings: ServerSettings,
    certificate: Callable[[], Certificate] | None,
) -> Ports:
    if certificate is None:
        return Ports(_bind_one(server.add_insecure_port, settings, settings.port), None)

    def bind(port: int, *, of_services: bool) -> int:
        credentials = server_credentials(certificate, of_services=of_services)
        add = partial(server.add_secure_port, server_credentials=credentials)
        return _bind_one(add, settings, port)

    callers = bind(settings.port, of_services=False)
    if settings.services_port is None:
        return Ports(callers, None)
    return Ports(callers, bind(settings.services_port, of_services=True))


def _bind_one(add: Callable[[str], int], settings: ServerSettings, port: int) -> int:
    address = f"{settings.host}:{port}"
    try:
        return add(address)
    except RuntimeError as error:
        raise InvalidInput(field="port", problem=f"{address} can't be listened on") from error
