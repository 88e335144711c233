"""The broker's settings: each variable is read, and a wrong one is named."""

import pytest

from latentflow.errors import InvalidInput
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
        ("STORE_URL", "postgres://localhost"),
        ("CREDIT_BYTES", "1"),
        ("MAX_LATENT_BYTES", "0"),
        ("MEMORY_BYTES", "-1"),
        ("UPLOAD_LEASE_SECONDS", "0"),
        ("UPLOAD_LEASE_SECONDS", "nan"),
        ("REDELIVERY_SECONDS", "inf"),
        ("GRACE_SECONDS", "-1"),
        ("MAX_CALLS", "many"),
        ("MAX_DELIVERIES", "0"),
        ("MAX_DELIVERIES", "2.5"),
        ("FOLLOWERS", "1.5"),
    ],
)
def test_wrong_value_is_refused_naming_its_variable(name: str, value: str) -> None:
    variable = f"LATENTFLOW_BROKER_{name}"
    with pytest.raises(InvalidInput) as refusal:
        Settings.from_environment({variable: value})
    assert refusal.value.field == variable
