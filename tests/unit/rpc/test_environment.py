"""Settings from environment variables."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from latentflow.errors import InvalidInput
from latentflow.rpc.environment import settings_from


@dataclass(frozen=True, kw_only=True)
class Example:
    folder: Path
    port: int = 1
    seconds: float = 0.5
    key: Path | None = None
    strict: bool = False


def test_each_field_is_a_variable() -> None:
    environment = {"X_FOLDER": "a/b", "X_PORT": "2", "X_SECONDS": "1.5", "X_KEY": "k", "PORT": "3"}
    expected = Example(folder=Path("a/b"), port=2, seconds=1.5, key=Path("k"))
    assert settings_from(Example, "X_", environment) == expected


@pytest.mark.parametrize(("word", "value"), [("true", True), ("false", False)])
def test_a_boolean_is_one_of_two_words(word: str, value: bool) -> None:
    environment = {"X_FOLDER": "a", "X_STRICT": word}
    assert settings_from(Example, "X_", environment).strict is value
    with pytest.raises(InvalidInput) as refusal:
        settings_from(Example, "X_", {"X_FOLDER": "a", "X_STRICT": "yes"})
    assert refusal.value.field == "X_STRICT"


def test_an_absent_or_empty_variable_leaves_the_default() -> None:
    assert settings_from(Example, "X_", {"X_FOLDER": "a", "X_PORT": ""}) == Example(
        folder=Path("a")
    )


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(InvalidInput) as refusal:
        settings_from(Example, "X_", {})
    assert refusal.value.field == "X_FOLDER"


def test_text_for_a_number_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput) as refusal:
        settings_from(Example, "X_", {"X_FOLDER": "a", "X_PORT": "many"})
    assert refusal.value.field == "X_PORT"
