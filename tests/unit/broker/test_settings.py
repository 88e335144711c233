"""The broker's settings: each variable is read, and a wrong one is named."""

import pytest

from latentflow.errors import InvalidInput
from latentflow.latent import FlowName
from services.broker.retention import Retention
from services.broker.settings import Settings


def test_no_variables_give_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()


def test_variables_are_read_by_type_and_others_ignored() -> None:
    environment = {
        "LATENTFLOW_BROKER_PORT": "0",
        "LATENTFLOW_BROKER_STORE_URL": "memory://",
        "LATENTFLOW_BROKER_UPLOAD_LEASE_SECONDS": "2.5",
        "LATENTFLOW_SHARER_PORT": "1",
        "HOME": "/root",
    }
    expected = Settings(port=0, store_url="memory://", upload_lease_seconds=2.5)
    assert Settings.from_environment(environment) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("METRICS_PORT", "65536"),
        ("STORE_URL", "postgres://localhost"),
        ("CREDIT_BYTES", "1"),
        ("MAX_LATENT_BYTES", "0"),
        ("MEMORY_BYTES", "-1"),
        ("UPLOAD_LEASE_SECONDS", "0"),
        ("UPLOAD_LEASE_SECONDS", "nan"),
        ("REDELIVERY_SECONDS", "inf"),
        ("LONGEST_WAIT_SECONDS", "0.0004"),
        ("SETTLE_SECONDS", "-1"),
        ("GRACE_SECONDS", "-1"),
        ("MAX_CALLS", "many"),
        ("MAX_DELIVERIES", "0"),
        ("MAX_DELIVERIES", "2.5"),
        ("FLOW_ANNOUNCEMENTS", "0"),
        ("FLOW_ANNOUNCEMENTS", "10000001"),
        ("FLOW_SECONDS", "0"),
        ("FLOW_SECONDS", "nan"),
        ("FLOW_SECONDS", "604801"),
        ("FLOW_RETENTION", "audit"),
        ("FLOW_RETENTION", "audit=1000"),
        ("FLOW_RETENTION", "audit=1000/"),
        ("FLOW_RETENTION", "=1000/60"),
        ("FLOW_RETENTION", "audit=0/60"),
        ("FLOW_RETENTION", "audit=-1/60"),
        ("FLOW_RETENTION", "audit=1000/0"),
        ("FLOW_RETENTION", "audit=1000/604801"),
        ("FLOW_RETENTION", "Audit=1000/60"),
        ("FLOW_RETENTION", "audit=1000/60;memos=1/1"),
        ("FLOW_RETENTION", "audit=1000/60,audit=1/1"),
        ("FOLLOWERS", "1.5"),
    ],
)
def test_wrong_value_is_refused_naming_its_variable(name: str, value: str) -> None:
    variable = f"LATENTFLOW_BROKER_{name}"
    with pytest.raises(InvalidInput) as refusal:
        Settings.from_environment({variable: value})
    assert refusal.value.field == variable


def test_retention_is_read_for_every_flow_and_for_single_ones() -> None:
    retentions = Settings.from_environment(
        {
            "LATENTFLOW_BROKER_FLOW_ANNOUNCEMENTS": "7",
            "LATENTFLOW_BROKER_FLOW_SECONDS": "1.5",
            "LATENTFLOW_BROKER_FLOW_RETENTION": "audit=1000/86400, memos=50/0.5,",
        }
    ).retentions
    assert retentions.of(FlowName("audit")) == Retention(announcements=1000, age_ms=86_400_000)
    assert retentions.of(FlowName("memos")) == Retention(announcements=50, age_ms=500)
    assert retentions.of(FlowName("other")) == Retention(announcements=7, age_ms=1500)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("audit=1000", "in 'audit=1000': form: must be as in audit=1000/86400"),
        ("a=1/1, b=0/1", "in 'b=0/1': announcements: must be 1 to 10000000"),
        ("a=1/0", "in 'a=1/0': seconds: must be above 0, at most 604800"),
        ("a=1/1,a=2/2", "names 'a' twice"),
    ],
)
def test_wrong_retention_says_which_part_is_wrong_and_why(text: str, told: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        Settings.from_environment({"LATENTFLOW_BROKER_FLOW_RETENTION": text})
    assert refusal.value.problem == told
