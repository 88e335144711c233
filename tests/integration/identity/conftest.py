"""Certificates once a session, tenants and a broker that knows them for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.certificates import Certificates
from tests.integration.identity.secured import Secured, secured_broker
from tests.integration.identity.tenants import TenantsFile
from tests.manual_clock import ManualClock


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """For tests that leave them as they are."""
    return Certificates(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Of another CA."""
    return Certificates(tmp_path_factory.mktemp("foreign"))


@pytest.fixture
def tenants(tmp_path: Path) -> TenantsFile:
    return TenantsFile(tmp_path / "tenants.toml")


@pytest.fixture
def acme(tenants: TenantsFile) -> str:
    """The token of a tenant that may do everything."""
    return tenants.put("acme")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def broker(
    certificates: Certificates, tenants: TenantsFile, acme: str, clock: ManualClock
) -> AsyncIterator[Secured]:
    async with secured_broker(certificates, tenants, clock) as secured:
        yield secured
