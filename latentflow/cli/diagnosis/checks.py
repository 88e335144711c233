"""What a survey means: a finding a check, with the way to mend it. Asks nobody anything."""

from collections.abc import Iterator

from latentflow.calls import AdapterInfo, ServiceDescription
from latentflow.cli.diagnosis.finding import Finding, fine, problem, warning
from latentflow.cli.diagnosis.survey import (
    NEEDED,
    NEEDED_FOR_MODELS,
    OWN_PACKAGE,
    Machine,
    Seen,
    SeenBroker,
    SeenService,
    Survey,
)
from latentflow.errors import (
    AccessDenied,
    BrokerUnavailable,
    IdentityMismatch,
    ServiceUnavailable,
    WrongService,
)
from latentflow.latent import ModelIdentity
from latentflow.relay import Inspection

OLDEST_PYTHON = (3, 11)
CLOCKS_APART_MS = 2000
_TOKEN_NEEDED = "give --token-file, or set LATENTFLOW_TOKEN"
_ADMIN_NEEDED = f"{_TOKEN_NEEDED}; the admin port takes only tokens with the right `admin`"
_OF_ANY_TENANT = ("sharer", "receiver")
_OF_UP = "nothing to set: `latentflow up` forgets everything when it ends"


def diagnose(survey: Survey) -> list[Finding]:
    """In the order in which one would mend."""
    return [
        _python(survey.machine),
        _packages(survey.machine),
        *_broker(survey.broker, survey.machine, remark_remedy=_OF_UP if survey.of_up else ""),
        _service("sharer", survey.sharer),
        _service("receiver", survey.receiver),
        *_pair(survey.sharer.description, survey.receiver.description),
    ]


# --- this machine ---------------------------------------------------------------------------


def _python(machine: Machine) -> Finding:
    parts = tuple(int(part) for part in machine.python.split(".")[:2])
    if parts < OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return problem("python", machine.python, f"install Python {oldest} or newer")
    return fine("python", machine.python)


def _packages(machine: Machine) -> Finding:
    missing = [name for name in NEEDED if not machine.packages[name]]
    if missing:
        remedy = f"pip install {OWN_PACKAGE}"
        return problem("packages", f"not installed: {', '.join(missing)}", remedy)
    missing = [name for name in NEEDED_FOR_MODELS if not machine.packages[name]]
    if missing:
        told = f"no sharer or receiver can run here without {', '.join(missing)}"
        return warning("packages", told, f"pip install '{OWN_PACKAGE}[model]'")
    return fine("packages", ", ".join(f"{name} {machine.packages[name]}" for name in NEEDED))


# --- the broker -----------------------------------------------------------------------------


def _broker(seen: SeenBroker, machine: Machine, *, remark_remedy: str) -> Iterator[Finding]:
    if seen.inspection is None:
        yield _silent("admin" if seen.serving else "broker", seen)
        return
    if seen.serving:
        yield fine("broker", f"serves at {seen.address}")
    else:
        yield _idle("broker", seen, "see its log: its store may be away")
    yield _version(machine.packages[OWN_PACKAGE], seen.inspection.version)
    yield _clock(seen, seen.inspection)
    yield fine("store", ", ".join(seen.inspection.servers) or "not told")
    for remark in seen.inspection.remarks:
        yield warning("store", remark, remark_remedy)


def _version(own: str, broker: str) -> Finding:
    if own != broker:
        told = f"{own} here, {broker or 'not told'} at the broker"
        return warning("version", told, "install the same on both")
    return fine("version", f"{own} here and at the broker")


def _clock(seen: SeenBroker, inspection: Inspection) -> Finding:
    """The broker looked at its clock at some time between question and answer."""
    ahead_ms = inspection.at_ms - seen.answered_ms
    behind_ms = seen.asked_ms - inspection.at_ms
    apart_ms = max(ahead_ms, behind_ms, 0)
    if apart_ms > CLOCKS_APART_MS:
        direction = "ahead of" if ahead_ms > behind_ms else "behind"
        told = f"the broker's is {apart_ms / 1000:,.1f} s {direction} this machine's"
        return problem("clock", told, "set both by NTP: latents expire by the clock")
    return fine("clock", f"the broker's is within {CLOCKS_APART_MS // 1000} s of this machine's")


# --- sharer and receiver --------------------------------------------------------------------


def _service(name: str, seen: SeenService) -> Finding:
    if seen.description is None:
        return _silent(name, seen)
    held = seen.description
    adapters = ", ".join(f"{adapter.name} ({adapter.method})" for adapter in held.adapters)
    told = f"{held.model.name} at {seen.address}, adapters: {adapters or 'none'}"
    if not seen.serving:
        return _idle(name, seen, "wait until it has loaded, or see its log")
    if not adapters:
        remedy = f"set LATENTFLOW_{name.upper()}_ADAPTERS to their folder: only text can cross"
        return warning(name, told, remedy)
    return fine(name, told)


def _pair(
    sharer: ServiceDescription | None, receiver: ServiceDescription | None
) -> Iterator[Finding]:
    """Nothing to say where one of them is silent."""
    if sharer is None or receiver is None:
        return
    held = {adapter.digest for adapter in receiver.adapters}
    shared = [adapter for adapter in sharer.adapters if adapter.digest in held]
    fitting = [adapter for adapter in shared if _fits(adapter, sharer.model, receiver.model)]
    if fitting:
        names = ", ".join(f"{adapter.name} ({adapter.method})" for adapter in fitting)
        yield fine("adapter", f"fits both: {names}")
    elif shared:
        names = ", ".join(adapter.name for adapter in shared)
        told = f"{names} is for other models than {sharer.model.name} and {receiver.model.name}"
        yield problem("adapter", told, "give both the models it was trained for, or train one")
    else:
        told = "no adapter is held by sharer and receiver"
        yield problem("adapter", told, "give both the same folder of adapters")


def _fits(adapter: AdapterInfo, sharer: ModelIdentity, receiver: ModelIdentity) -> bool:
    try:
        adapter.sharer.require_same(sharer, "sharer")
        adapter.receiver.require_same(receiver, "receiver")
    except IdentityMismatch:
        return False
    return True


def _silent(name: str, seen: Seen) -> Finding:
    if isinstance(seen.error, BrokerUnavailable | ServiceUnavailable):
        told = f"no answer from {seen.address}"
        return problem(name, told, f"start `latentflow up`, or give --{name}, and --ca for TLS")
    told = f"{seen.address}: {seen.error}"
    if isinstance(seen.error, AccessDenied):
        return problem(name, told, _TOKEN_NEEDED if name in _OF_ANY_TENANT else _ADMIN_NEEDED)
    if isinstance(seen.error, WrongService):
        told = f"{seen.address} is no {seen.error.service}, or one of another version"
        return problem(name, told, f"give --{name}")
    return problem(name, told, "see its log; is it of this version?")


def _idle(name: str, seen: Seen, remedy: str) -> Finding:
    return problem(name, f"answers at {seen.address}, but says that it does not serve", remedy)
