"""The sharer's settings: what may be set, and that what may not is named."""

from pathlib import Path

import pytest

from latentflow.errors import InvalidInput
from services.sharer.settings import Settings

NEEDED = {"LATENTFLOW_SHARER_MODEL": "models/a", "LATENTFLOW_SHARER_ADAPTERS": "adapters"}


def test_model_and_adapters_are_all_it_needs() -> None:
    settings = Settings.from_environment(NEEDED)
    assert settings == Settings(model=Path("models/a"), adapters=Path("adapters"))


def test_a_variable_overrides_its_default() -> None:
    settings = Settings.from_environment({**NEEDED, "LATENTFLOW_SHARER_MAX_WAITING": "3"})
    assert settings.max_waiting == 3


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "65536"),
        ("METRICS_PORT", "-1"),
        ("MAX_WAITING", "0"),
        ("MAX_REQUEST_BYTES", "1023"),
        ("THREADS", "-1"),
        ("PUBLISH_SECONDS", "0"),
        ("SETTLE_SECONDS", "-1"),
        ("GRACE_SECONDS", "-1"),
        ("MODEL", ""),
    ],
)
def test_what_is_out_of_range_is_refused_by_the_variables_name(name: str, text: str) -> None:
    variable = f"LATENTFLOW_SHARER_{name}"
    with pytest.raises(InvalidInput) as refusal:
        Settings.from_environment({**NEEDED, variable: text})
    assert refusal.value.field == variable
