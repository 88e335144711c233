"""The compose files against the services' settings, and against what .env.example explains."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

import services.broker.settings as broker
import services.receiver.settings as receiver
import services.sharer.settings as sharer
from latentflow.errors import InvalidInput
from latentflow.rpc.otel import SHUTDOWN_SECONDS

ROOT = Path(__file__).parents[3]
EXAMPLE = (ROOT / ".env.example").read_text()
FILES = ("docker-compose.yml", "docker-compose.tls.yml", "docker-compose.gpu.yml")
SETTINGS: dict[str, Any] = {
    "broker": broker.Settings,
    "sharer": sharer.Settings,
    "receiver": receiver.Settings,
}
# What the images and the layout of the containers settle, and a store that is not Redis.
SETTLED = {
    *("insecure", "host", "port", "services_port", "admin_host", "admin_port", "metrics_host"),
    *("broker", "adapters", "certificate", "key", "ca", "tenants"),
    "memory_bytes",
}
# What .env.example advises for a service of several containers.
SETTLE_SECONDS = 5.0
# Beside what it waits for: its interpreter, on a busy machine.
END_SECONDS = 4.0
_TAKEN = re.compile(r"\$\{([A-Z_]+)")
_WITH_DEFAULT = re.compile(r"\$\{([A-Z_]+):-([^}]*)\}")


def composed(name: str) -> dict[str, Any]:
    described: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return described


def all_services() -> dict[str, Any]:
    services: dict[str, Any] = composed("docker-compose.yml")["services"]
    return services


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("service", SETTINGS)
def test_every_variable_is_a_setting_of_the_service(name: str, service: str) -> None:
    prefix = f"LATENTFLOW_{service.upper()}_"
    known = {prefix + field.name.upper() for field in fields(SETTINGS[service])}
    given = composed(name)["services"].get(service, {}).get("environment", {})
    assert {variable for variable in given if variable.startswith(prefix)} <= known


@pytest.mark.parametrize("service", SETTINGS)
def test_every_other_setting_may_be_set(service: str) -> None:
    given = {
        variable.removeprefix(f"LATENTFLOW_{service.upper()}_").lower()
        for variable, value in all_services()[service]["environment"].items()
        if value is None or "${" in value
    }
    assert {field.name for field in fields(SETTINGS[service])} - given <= SETTLED


@pytest.mark.parametrize("name", FILES)
def test_everything_that_may_be_set_is_explained(name: str) -> None:
    text = (ROOT / name).read_text()
    taken = set(_TAKEN.findall(text))
    for service in composed(name)["services"].values():
        environment = service.get("environment", {})
        taken |= {variable for variable, value in environment.items() if value is None}
    explained = set(re.findall(r"^#([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    assert taken <= explained


def test_what_is_explained_is_taken() -> None:
    text = "".join((ROOT / name).read_text() for name in FILES)
    for variable in re.findall(r"^#([A-Z_]+)=", EXAMPLE, re.MULTILINE):
        assert variable in text, variable


@pytest.mark.parametrize("service", SETTINGS)
def test_what_is_explained_has_its_own_default(service: str) -> None:
    own = {
        f"LATENTFLOW_{service.upper()}_{field.name.upper()}": field.default
        for field in fields(SETTINGS[service])
    }
    for variable, given in re.findall(r"^#([A-Z_]+)=(.+)$", EXAMPLE, re.MULTILINE):
        if variable in own.keys() - dict(defaults_of_compose()):
            assert float(given) == own[variable], variable


def test_what_compose_gives_by_default_is_explained() -> None:
    for variable, default in defaults_of_compose():
        assert re.search(rf"^#{variable}={re.escape(default)}$", EXAMPLE, re.MULTILINE), variable


def defaults_of_compose() -> list[tuple[str, str]]:
    return _WITH_DEFAULT.findall("".join((ROOT / name).read_text() for name in FILES))


@pytest.mark.parametrize("service", all_services())
def test_no_container_may_write_to_its_image_or_gain_rights(service: str) -> None:
    described = all_services()[service]
    assert described["read_only"]
    assert described["cap_drop"] == ["ALL"]
    assert described["security_opt"] == ["no-new-privileges:true"]
    for limit in ("mem_limit", "cpus", "pids_limit"):
        assert limit in described


@pytest.mark.parametrize("service", all_services())
def test_every_port_is_open_to_this_machine_alone(service: str) -> None:
    for port in all_services()[service].get("ports", ()):
        assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize("service", SETTINGS)
def test_images_run_as_a_user_without_rights(service: str) -> None:
    image = (ROOT / "services" / service / "Dockerfile").read_text()
    assert re.findall(r"^USER (.*)$", image, re.MULTILINE) == ["10001:10001"]


def environment_of(service: str, *names: str) -> dict[str, str]:
    """What the container finds of the service's own: its image's, then each compose file's."""
    variable = re.compile(rf"(LATENTFLOW_{service.upper()}_[A-Z_]+)=(\S+)")
    image = (ROOT / "services" / service / "Dockerfile").read_text()
    environment = dict(variable.findall(image))
    for name in names:
        environment |= composed(name)["services"][service]["environment"]
    return {
        name: _WITH_DEFAULT.sub(r"\2", value)
        for name, value in environment.items()
        if value is not None
    }


def settings_with_tls(service: str) -> Any:
    environment = environment_of(service, "docker-compose.yml", "docker-compose.tls.yml")
    return SETTINGS[service].from_environment(environment)


@pytest.mark.parametrize("service", SETTINGS)
def test_calls_under_way_and_telemetry_may_finish_before_a_container_is_killed(
    service: str,
) -> None:
    default = re.search(r":-(\d+)s\}", all_services()[service]["stop_grace_period"])
    assert default
    ending = (
        SETTLE_SECONDS + settings_with_tls(service).grace_seconds + SHUTDOWN_SECONDS + END_SECONDS
    )
    assert int(default[1]) > ending


@pytest.mark.parametrize("service", SETTINGS)
def test_the_tls_overlay_is_all_that_a_service_needs_to_listen_to_others(service: str) -> None:
    with pytest.raises(InvalidInput, match="is open to others"):
        SETTINGS[service].from_environment(environment_of(service, "docker-compose.yml"))
    assert settings_with_tls(service).certificate == Path(f"/certs/{service}.pem")
    assert composed("docker-compose.tls.yml")["services"][service]["command"] == []


@pytest.mark.parametrize("service", SETTINGS)
def test_an_image_is_stopped_by_the_signal_that_python_heeds_from_the_start(service: str) -> None:
    image = (ROOT / "services" / service / "Dockerfile").read_text()
    assert "\nSTOPSIGNAL SIGINT\n" in image


@pytest.mark.parametrize("service", ["sharer", "receiver"])
def test_over_tls_services_go_to_the_port_that_wants_their_certificates(service: str) -> None:
    port = settings_with_tls("broker").services_port
    assert settings_with_tls(service).broker == f"broker:{port}"


def test_no_secret_has_a_default() -> None:
    for described in all_services().values():
        for variable, value in described.get("environment", {}).items():
            if variable.endswith(("PASSWORD", "SECRET", "TOKEN", "KEY", "KEY_RING")):
                assert value is None, variable
