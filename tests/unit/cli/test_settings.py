from pathlib import Path

from latentflow.cli.settings import Settings


def test_the_cache_is_the_users_own_by_default() -> None:
    assert Settings.from_environment({}).cache == Path.home() / ".cache" / "latentflow"


def test_adapters_are_the_checkouts_by_default() -> None:
    assert Settings.from_environment({}).adapters == Path(__file__).parents[3] / "adapters"


def test_variables_name_other_folders() -> None:
    settings = Settings.from_environment(
        {"LATENTFLOW_CACHE": "/somewhere/cache", "LATENTFLOW_ADAPTERS": "/somewhere/adapters"}
    )
    assert settings.models == Path("/somewhere/cache/models")
    assert settings.adapters == Path("/somewhere/adapters")


def test_children_get_the_whole_environment() -> None:
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4317", "HOME": "/root"}
    assert Settings.from_environment(given).environment == given
