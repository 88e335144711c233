"""What `latentflow doctor` makes of what it saw. Nothing here asks anybody."""

from dataclasses import replace

import pytest

from latentflow.calls import AdapterInfo, ServiceDescription
from latentflow.cli.diagnosis.checks import diagnose
from latentflow.cli.diagnosis.finding import Finding, Level
from latentflow.cli.diagnosis.survey import (
    NEEDED,
    NEEDED_FOR_MODELS,
    OWN_PACKAGE,
    Machine,
    SeenBroker,
    SeenService,
    Survey,
    see_machine,
)
from latentflow.errors import (
    AccessDenied,
    BrokerUnavailable,
    InternalError,
    LatentFlowError,
    ServiceUnavailable,
    StoreUnavailable,
    WrongService,
)
from latentflow.latent import Digest, Method
from latentflow.relay import Inspection
from tests.golden.latent_values import RECEIVER, SHARER

NOW_MS = 1_760_000_000_000
ADAPTER = AdapterInfo(
    name="memo",
    digest=Digest("c1" * 32),
    method=Method.LCF_PREFIX,
    sharer=SHARER,
    receiver=RECEIVER,
)
OTHER = replace(ADAPTER, name="other", digest=Digest("c2" * 32))
MACHINE = Machine(
    python="3.12.1",
    packages=dict.fromkeys((OWN_PACKAGE, *NEEDED, *NEEDED_FOR_MODELS), "1.0"),
)
BROKER = SeenBroker(
    address="h:1",
    serving=True,
    inspection=Inspection(version="1.0", at_ms=NOW_MS, servers=("valkey 8.1",), remarks=()),
    asked_ms=NOW_MS - 5,
    answered_ms=NOW_MS + 5,
)
SHARING = ServiceDescription(model=SHARER, max_tokens=8192, adapters=(ADAPTER,))
RECEIVING = ServiceDescription(model=RECEIVER, max_tokens=8192, adapters=(OTHER, ADAPTER))
WELL = Survey(
    machine=MACHINE,
    broker=BROKER,
    sharer=SeenService(address="h:2", serving=True, description=SHARING),
    receiver=SeenService(address="h:3", serving=True, description=RECEIVING),
)


def found(survey: Survey, check: str) -> Finding:
    """The worst that the check found."""
    findings = [finding for finding in diagnose(survey) if finding.check == check]
    return max(findings, key=lambda finding: list(Level).index(finding.level))


def with_broker(**changes: object) -> Survey:
    assert BROKER.inspection is not None
    inspection = replace(BROKER.inspection, **changes)  # type: ignore[arg-type]
    return replace(WELL, broker=replace(BROKER, inspection=inspection))


def test_where_all_is_well_every_check_says_so() -> None:
    findings = diagnose(WELL)
    assert [finding.level for finding in findings] == [Level.OK] * len(findings)
    assert [finding.check for finding in findings] == (
        "python packages broker version clock store sharer receiver adapter".split()
    )
    assert found(WELL, "adapter").told == "fits both: memo (lcf-prefix)"


def test_this_machine_is_seen() -> None:
    seen = see_machine()
    assert seen.packages["grpcio"]
    assert found(replace(WELL, machine=seen), "python").level is Level.OK


def machine(*missing: str) -> Survey:
    packages = {**MACHINE.packages, **dict.fromkeys(missing, "")}
    return replace(WELL, machine=replace(MACHINE, packages=packages))


def test_an_old_python_is_a_problem() -> None:
    old = replace(WELL, machine=replace(MACHINE, python="3.9.2"))
    assert found(old, "python").level is Level.PROBLEM
    assert "3.11" in found(old, "python").remedy


def test_a_package_that_nothing_works_without_is_a_problem() -> None:
    finding = found(machine("zstandard"), "packages")
    assert (finding.level, finding.told) == (Level.PROBLEM, "not installed: zstandard")


def test_a_machine_without_models_is_warned() -> None:
    finding = found(machine("torch"), "packages")
    assert finding.level is Level.WARNING
    assert "[model]" in finding.remedy


# --- the broker -----------------------------------------------------------------------------


def silent(error: LatentFlowError, *, serving: bool = False) -> Survey:
    return replace(WELL, broker=SeenBroker(address="h:1", serving=serving, error=error))


def test_a_broker_that_is_away_is_a_problem_and_is_not_asked_further() -> None:
    survey = silent(BrokerUnavailable(retry_after_seconds=1))
    finding = found(survey, "broker")
    assert (finding.level, finding.told) == (Level.PROBLEM, "no answer from h:1")
    assert "latentflow up" in finding.remedy
    assert not {"clock", "store", "version"} & {each.check for each in diagnose(survey)}


@pytest.mark.parametrize(
    "error", [StoreUnavailable(retry_after_seconds=1), InternalError()], ids=["store", "old"]
)
def test_a_broker_that_can_not_tell_of_itself_says_why(error: LatentFlowError) -> None:
    finding = found(silent(error), "broker")
    assert (finding.level, finding.told) == (Level.PROBLEM, f"h:1: {error}")


def test_a_token_that_may_not_inspect_the_broker_is_told_which_may() -> None:
    finding = found(silent(AccessDenied(), serving=True), "admin")
    assert finding.level is Level.PROBLEM
    assert "the right `admin`" in finding.remedy


def test_a_broker_that_does_not_serve_is_a_problem() -> None:
    idle = replace(WELL, broker=replace(BROKER, serving=False))
    assert found(idle, "broker").level is Level.PROBLEM


@pytest.mark.parametrize("version", ["0.9", ""])
def test_a_broker_of_another_version_is_a_warning(version: str) -> None:
    assert found(with_broker(version=version), "version").level is Level.WARNING


def test_a_version_that_is_not_known_here_is_a_warning() -> None:
    finding = found(machine(OWN_PACKAGE), "version")
    assert (finding.level, "1.0" in finding.told) == (Level.WARNING, True)


@pytest.mark.parametrize(
    ("apart_ms", "told"),
    [(2006, "2.0 s ahead of"), (-2006, "2.0 s behind"), (-3_600_000, "3,600.0 s behind")],
)
def test_clocks_that_are_apart_are_a_problem(apart_ms: int, told: str) -> None:
    finding = found(with_broker(at_ms=NOW_MS + apart_ms), "clock")
    assert finding.level is Level.PROBLEM
    assert told in finding.told


@pytest.mark.parametrize("apart_ms", [-2005, -5, 0, 5, 2005])
def test_clocks_are_as_close_as_the_question_took(apart_ms: int) -> None:
    assert found(with_broker(at_ms=NOW_MS + apart_ms), "clock").level is Level.OK


def test_a_slow_answer_is_no_clock_that_is_apart() -> None:
    slow = replace(BROKER, asked_ms=NOW_MS - 9000)
    assert found(replace(WELL, broker=slow), "clock").level is Level.OK


def test_the_stores_servers_and_every_remark_are_told() -> None:
    remarks = ("maxmemory-policy is allkeys-lru: set noeviction.", "No replica: add one.")
    survey = with_broker(servers=("valkey 8.1", "valkey 8.0"), remarks=remarks)
    findings = [finding for finding in diagnose(survey) if finding.check == "store"]
    assert [finding.told for finding in findings] == ["valkey 8.1, valkey 8.0", *remarks]
    assert [finding.level for finding in findings] == [Level.OK, Level.WARNING, Level.WARNING]


def test_what_the_store_of_up_lacks_is_nothing_to_mend() -> None:
    survey = replace(with_broker(remarks=("appendonly is off: set it to yes",)), of_up=True)
    finding = found(survey, "store")
    assert finding.level is Level.WARNING
    assert "`latentflow up` forgets everything" in finding.remedy


# --- sharer and receiver --------------------------------------------------------------------


def pair(sharer: ServiceDescription, receiver: ServiceDescription) -> Survey:
    return replace(
        WELL,
        sharer=replace(WELL.sharer, description=sharer),
        receiver=replace(WELL.receiver, description=receiver),
    )


def test_a_service_that_is_away_is_a_problem_and_adapters_are_not_judged() -> None:
    error = ServiceUnavailable(service="sharer", retry_after_seconds=1)
    away = SeenService(address="h:2", serving=False, error=error)
    survey = replace(WELL, sharer=away)
    finding = found(survey, "sharer")
    assert (finding.level, finding.told) == (Level.PROBLEM, "no answer from h:2")
    assert "--sharer" in finding.remedy
    assert "adapter" not in {each.check for each in diagnose(survey)}


def test_an_address_of_another_service_is_told() -> None:
    other = SeenService(address="h:3", serving=True, error=WrongService(service="sharer"))
    finding = found(replace(WELL, sharer=other), "sharer")
    assert (finding.told.startswith("h:3 is no sharer"), finding.remedy) == (True, "give --sharer")


def test_a_service_that_wants_a_token_is_not_told_of_the_admin_port() -> None:
    refused = SeenService(address="h:2", serving=True, error=AccessDenied())
    finding = found(replace(WELL, sharer=refused), "sharer")
    assert "--token-file" in finding.remedy
    assert "admin" not in finding.remedy


def test_a_service_that_does_not_serve_yet_is_a_problem() -> None:
    loading = replace(WELL, receiver=replace(WELL.receiver, serving=False))
    assert found(loading, "receiver").level is Level.PROBLEM


def test_no_adapter_in_common_is_a_problem() -> None:
    finding = found(pair(SHARING, replace(RECEIVING, adapters=(OTHER,))), "adapter")
    assert (finding.level, "same folder" in finding.remedy) == (Level.PROBLEM, True)


def test_a_service_without_adapters_is_warned() -> None:
    bare = pair(replace(SHARING, adapters=()), RECEIVING)
    assert found(bare, "sharer").level is Level.WARNING
    assert "LATENTFLOW_SHARER_ADAPTERS" in found(bare, "sharer").remedy
    assert found(bare, "adapter").level is Level.PROBLEM


def test_an_adapter_for_another_model_does_not_fit() -> None:
    another = replace(RECEIVER, name="gemma-3-1b", weights=Digest("b9" * 32))
    finding = found(pair(SHARING, replace(RECEIVING, model=another)), "adapter")
    assert finding.level is Level.PROBLEM
    assert finding.told == "memo is for other models than SmolLM2-135M-Instruct and gemma-3-1b"
