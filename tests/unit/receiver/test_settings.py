"""The receiver's settings: what may be set, and that what may not is named."""

from pathlib import Path

import pytest

from latentflow.errors import InvalidInput
from services.receiver.settings import Settings

NEEDED = {"LATENTFLOW_RECEIVER_MODEL": "models/b", "LATENTFLOW_RECEIVER_ADAPTERS": "adapters"}


def test_model_and_adapters_are_all_it_needs() -> None:
    settings = Settings.from_environment(NEEDED)
    assert settings == Settings(model=Path("models/b"), adapters=Path("adapters"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "-1"),
        ("METRICS_PORT", "65536"),
        ("MAX_WAITING", "0"),
        ("MAX_REQUEST_BYTES", "1023"),
        ("MAX_BATCH", "0"),
        ("FETCH_BYTES", "0"),
        ("SESSION_BYTES", "0"),
        ("FETCH_SECONDS", "0"),
        ("THREADS", "-1"),
        ("SHADOW_SHARE", "1.5"),
        ("SHADOW_SHARE", "nan"),
        ("SHADOW_WINDOW", "0"),
        ("DEMOTE_BELOW", "-0.1"),
        ("SETTLE_SECONDS", "-1"),
        ("GRACE_SECONDS", "-1"),
        ("ADAPTERS", ""),
    ],
)
def test_what_is_out_of_range_is_refused_by_the_variables_name(name: str, text: str) -> None:
    variable = f"LATENTFLOW_RECEIVER_{name}"
    with pytest.raises(InvalidInput) as refusal:
        Settings.from_environment({**NEEDED, variable: text})
    assert refusal.value.field == variable
