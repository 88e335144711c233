"""What deploy/kubernetes says of the services, against what the services say of themselves."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from grpc_health.v1 import health

from latentflow.rpc.channel import RECONNECT_SECONDS
from latentflow.rpc.otel import SHUTDOWN_SECONDS
from latentflow.rpc.server import CONNECTION_SECONDS, LEAVING_SECONDS
from services.broker.servicer import SERVICE as BROKER
from services.broker.settings import Settings as BrokerSettings
from services.receiver.servicer import SERVICE as RECEIVER
from services.receiver.settings import Settings as ReceiverSettings
from services.sharer.servicer import SERVICE as SHARER
from services.sharer.settings import Settings as SharerSettings

ROOT = Path(__file__).parents[3]
KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = sorted(path.name for path in (KUBERNETES / "overlays").iterdir())
SERVICES = {
    "broker": (BROKER, BrokerSettings),
    "sharer": (SHARER, SharerSettings),
    "receiver": (RECEIVER, ReceiverSettings),
}
NAME = "app.kubernetes.io/name"
# Beside what it waits for: its interpreter, on a busy node.
END_SECONDS = 4.0
# How long a cluster's DNS keeps what it found.
NAMES_SECONDS = 30.0

Manifest = dict[str, Any]


@pytest.fixture(params=["cpu", "gpu"])
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    return built(request.param)


@cache
def built(overlay: str) -> list[Manifest]:
    command = ["kubectl", "kustomize", str(KUBERNETES / "overlays" / overlay)]
    done = subprocess.run(command, check=True, capture_output=True)
    return list(yaml.safe_load_all(done.stdout))


def of_kind(manifests: list[Manifest], *kinds: str) -> Iterator[Manifest]:
    return (manifest for manifest in manifests if manifest["kind"] in kinds)


def pods(manifests: list[Manifest]) -> Iterator[Manifest]:
    for owner in of_kind(manifests, "Deployment", "StatefulSet", "Job"):
        yield owner["spec"]["template"]


def container(manifests: list[Manifest], service: str) -> Manifest:
    (found,) = (
        pod["spec"]["containers"][0]
        for pod in pods(manifests)
        if pod["metadata"]["labels"][NAME] == service
    )
    return dict(found)


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_is_a_setting_of_the_service(overlay: str, service: str) -> None:
    _, settings = SERVICES[service]
    known = {f"LATENTFLOW_{service.upper()}_{field.name.upper()}" for field in fields(settings)}
    assert {variable["name"] for variable in container(built(overlay), service)["env"]} <= known


@pytest.mark.parametrize("service", SERVICES)
def test_probes_ask_for_what_the_server_tells_of(manifests: list[Manifest], service: str) -> None:
    probed = container(manifests, service)
    name, settings = SERVICES[service]
    assert probed["readinessProbe"]["grpc"]["service"] == name
    assert probed["livenessProbe"]["grpc"]["service"] == health.SERVICE_NAME
    (port,) = {probe["grpc"]["port"] for key, probe in probed.items() if key.endswith("Probe")}
    assert port == {field.name: field.default for field in fields(settings)}["port"]


@pytest.mark.parametrize("service", SERVICES)
def test_calls_under_way_and_telemetry_may_finish_before_the_pod_is_killed(
    manifests: list[Manifest], service: str
) -> None:
    (pod,) = (pod for pod in pods(manifests) if pod["metadata"]["labels"][NAME] == service)
    settle, grace = (
        float(variable["value"])
        for variable in pod["spec"]["containers"][0]["env"]
        if variable["name"].endswith(("_SETTLE_SECONDS", "_GRACE_SECONDS"))
    )
    assert settle > 1.2 * RECONNECT_SECONDS + LEAVING_SECONDS
    ending = settle + grace + SHUTDOWN_SECONDS + END_SECONDS
    assert pod["spec"]["terminationGracePeriodSeconds"] > ending


@pytest.mark.parametrize("service", SERVICES)
def test_clients_find_a_new_pod_before_an_old_one_goes(
    manifests: list[Manifest], service: str
) -> None:
    (deployment,) = (
        each
        for each in manifests
        if each["kind"] == "Deployment" and each["metadata"]["name"] == service
    )
    assert deployment["spec"]["minReadySeconds"] > 1.1 * CONNECTION_SECONDS + NAMES_SECONDS


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_is_in_the_one_namespace(overlay: str) -> None:
    everything = [each for each in built(overlay) if each["kind"] != "Namespace"]
    assert {each["metadata"].get("namespace") for each in everything} == {"latentflow"}


def test_every_selector_finds_pods(manifests: list[Manifest]) -> None:
    named = {pod["metadata"]["labels"][NAME] for pod in pods(manifests)}
    assert named == {"broker", "sharer", "receiver", "redis", "redis-form", "models"}
    assert set(selected_names(manifests)) <= named


def selected_names(node: object) -> Iterator[str]:
    """Every value that anything selects pods' names by."""
    if isinstance(node, list):
        for child in node:
            yield from selected_names(child)
    elif isinstance(node, dict):
        if node.get("key") == NAME:
            yield from node["values"]
        elif NAME in node:
            yield node[NAME]
        for child in node.values():
            yield from selected_names(child)


def test_every_autoscaler_scales_a_deployment(manifests: list[Manifest]) -> None:
    deployments = {manifest["metadata"]["name"] for manifest in of_kind(manifests, "Deployment")}
    scaled = {
        scaler["spec"]["scaleTargetRef"]["name"]
        for scaler in of_kind(manifests, "HorizontalPodAutoscaler")
    }
    assert scaled == deployments == set(SERVICES)


@pytest.mark.parametrize("service", [*SERVICES, "redis"])
def test_one_pod_of_a_service_at_a_time_may_be_disrupted(
    manifests: list[Manifest], service: str
) -> None:
    budgets = [
        budget["spec"]["maxUnavailable"]
        for budget in of_kind(manifests, "PodDisruptionBudget")
        if budget["spec"]["selector"]["matchLabels"] == {NAME: service}
    ]
    assert budgets == [1]


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("service", SERVICES)
def test_others_reach_a_service_at_its_open_ports_alone(overlay: str, service: str) -> None:
    opened = set(opened_ports(built(overlay), service))
    of_pods = {port["containerPort"] for port in container(built(overlay), service)["ports"]}
    _, settings = SERVICES[service]
    default = {field.name: field.default for field in fields(settings)}
    assert of_pods <= opened
    assert default["port"] in opened
    assert (default.get("services_port") in opened) == (
        service == "broker" and overlay.endswith("-tls")
    )
    assert default.get("admin_port") not in opened


def opened_ports(manifests: list[Manifest], service: str) -> Iterator[int]:
    for policy in of_kind(manifests, "NetworkPolicy"):
        if service in selected_names(policy["spec"]["podSelector"]):
            for rule in policy["spec"].get("ingress", ()):
                yield from (port["port"] for port in rule["ports"])


def test_prometheus_names_services_as_the_alerts_do(manifests: list[Manifest]) -> None:
    monitor = yaml.safe_load((KUBERNETES / "prometheus" / "pod-monitor.yaml").read_text())["spec"]
    (endpoint,) = monitor["podMetricsEndpoints"]
    named = {rule["targetLabel"]: rule.get("replacement") for rule in endpoint["relabelings"]}
    jobs = {named["job"].replace("$1", service) for service in selected_names(monitor)}
    alerts = (ROOT / "deploy" / "observability" / "alerts.yaml").read_text()
    assert set(re.findall(r'job="([^"]*)"', alerts)) <= jobs
    for service in SERVICES:
        assert endpoint["port"] in {port["name"] for port in container(manifests, service)["ports"]}


def test_the_adapter_hands_on_what_the_autoscalers_ask_for(manifests: list[Manifest]) -> None:
    values = yaml.safe_load((KUBERNETES / "prometheus" / "adapter-values.yaml").read_text())
    handed_on = {rule["seriesQuery"].partition("{")[0] for rule in values["rules"]["custom"]}
    asked_for = {
        metric["pods"]["metric"]["name"]
        for scaler in of_kind(manifests, "HorizontalPodAutoscaler")
        for metric in scaler["spec"]["metrics"]
        if metric["type"] == "Pods"
    }
    assert asked_for == handed_on


def test_no_container_may_write_to_its_image_or_gain_rights(manifests: list[Manifest]) -> None:
    for pod in pods(manifests):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for each in (*spec.get("initContainers", ()), *spec["containers"]):
            assert each["securityContext"] == {
                "readOnlyRootFilesystem": True,
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }
