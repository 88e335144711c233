"""Dashboards and alerts ask for what the services export, and every alert has its runbook."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import CollectorRegistry

from latentflow.rpc import conventions, metric_names
from latentflow.rpc.instruments import counter, histogram, plain_gauge, up_down_counter
from latentflow.rpc.metric_names import Count, Distribution, Gauge, Level, Metric
from tests.unit.deploy.promql import labels_of, metrics_of

ROOT = Path(__file__).parents[3]
OBSERVABILITY = ROOT / "deploy" / "observability"
DASHBOARDS = sorted((OBSERVABILITY / "grafana" / "dashboards").glob("*.json"))
SECTIONS = ["What it means", "What to look at", "What to do"]
# What Prometheus and the collector add.
ADDED_METRICS = {"up"}
ADDED_LABELS = {"job", "instance", "le"}


def metrics() -> list[Metric]:
    return [value for value in vars(metric_names).values() if isinstance(value, Metric)]


def record(meter: Meter, metric: Metric) -> None:
    """One value of it."""
    match metric:
        case Count():
            counter(meter, metric).add(1)
        case Level():
            up_down_counter(meter, metric).add(1)
        case Distribution():
            histogram(meter, metric).record(1)
        case Gauge():
            plain_gauge(meter, metric, lambda: 1.0)


@cache
def exported() -> frozenset[str]:
    """The names of all series, as OpenTelemetry's own exporter translates them."""
    registry = CollectorRegistry()
    reader = PrometheusMetricReader(scope_info_enabled=False, registry=registry)
    provider = MeterProvider([reader], shutdown_on_exit=False)
    for metric in metrics():
        record(provider.get_meter("test"), metric)
    names = {sample.name for family in registry.collect() for sample in family.samples}
    provider.shutdown()
    return frozenset(names)


def label_names() -> set[str]:
    return {
        value.replace(".", "_") for value in vars(conventions).values() if isinstance(value, str)
    }


def alerts() -> list[dict[str, Any]]:
    rules = yaml.safe_load((OBSERVABILITY / "alerts.yaml").read_text())
    return [rule for group in rules["groups"] for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """Where each stands, and the expression."""
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", ()):
                yield f"{path.stem}: {panel['title']}", target["expr"]


EVERY_EXPRESSION = pytest.mark.parametrize(
    "expression", [pytest.param(text, id=where) for where, text in expressions()]
)


@EVERY_EXPRESSION
def test_only_exported_metrics_and_labels_are_asked_for(expression: str) -> None:
    asked = metrics_of(expression)
    assert asked
    assert asked <= exported() | ADDED_METRICS
    assert labels_of(expression) <= label_names() | ADDED_LABELS


def test_every_metric_is_on_a_dashboard() -> None:
    """Or nobody would see it."""
    shown = set.union(*(metrics_of(text) for _, text in expressions()))
    for metric in metrics():
        prefix = re.sub(r"[^a-z0-9]", "_", metric.name)
        assert any(name.startswith(prefix) for name in shown), metric.name


def test_every_metric_is_documented() -> None:
    written = (ROOT / "docs" / "observability.md").read_text()
    assert [metric.name for metric in metrics() if f"`{metric.name}`" not in written] == []


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_leads_to_a_runbook_that_says_what_to_do(rule: dict[str, Any]) -> None:
    runbook = ROOT / rule["annotations"]["runbook_url"]
    title, *sections = re.findall(r"^#+ (.*)$", runbook.read_text(), flags=re.MULTILINE)
    assert title == rule["alert"]
    assert sections == SECTIONS


def test_every_runbook_belongs_to_an_alert() -> None:
    linked = {rule["annotations"]["runbook_url"] for rule in alerts()}
    assert linked == {f"docs/runbooks/{path.name}" for path in (ROOT / "docs/runbooks").iterdir()}


def test_two_dashboards_stand_where_grafana_looks_with_ids_of_their_own() -> None:
    boards = [json.loads(path.read_text()) for path in DASHBOARDS]
    assert {board["uid"] for board in boards} == {"latentflow-health", "latentflow-wire"}
    for board in boards:
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)


def observers() -> dict[str, dict[str, Any]]:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return {
        name: service
        for name, service in services.items()
        if service.get("profiles") == ["observability"]
    }


@pytest.mark.parametrize("name", observers())
def test_what_observes_is_pinned_bounded_and_may_do_little(name: str) -> None:
    service = observers()[name]
    assert re.search(r":v?\d+\.\d+\.\d+}$", service["image"])
    assert int(service["user"].partition(":")[0]) > 0
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["mem_limit"]
    assert service["cpus"]
    assert service["healthcheck"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    mounts = [volume.split(":")[0] for volume in service.get("volumes", ())]
    assert all((ROOT / mount).exists() for mount in mounts if mount.startswith("./"))
