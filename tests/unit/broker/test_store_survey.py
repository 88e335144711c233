"""What gauges say of the store's groups, and what becomes of a look that fails."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from latentflow.latent import FlowName, Tenant
from latentflow.relay import FlowInfo, GroupInfo
from latentflow.rpc import metric_names
from services.broker.record import StoreReport
from services.broker.store_survey import StoreSurvey, observe_store
from tests.readings import Readings

NEAR, FAR = Tenant("near"), Tenant("far")


class Stores:
    """One flow with one group a tenant, so far behind."""

    def __init__(self, lags: Mapping[Tenant, int]) -> None:
        self.lags = lags
        self.is_broken = False

    async def inspect(self, *, now_ms: int) -> StoreReport:
        if self.is_broken:
            raise ZeroDivisionError
        return StoreReport(servers=(), used_bytes=1)

    async def survey(self, tenant: Tenant) -> Sequence[FlowInfo]:
        group = GroupInfo(name="workers", lag=self.lags[tenant], pending=0, consumers=1)
        return [FlowInfo(name=FlowName("memos"), announced=9, groups=(group,))]


def surveying(stores: Any) -> StoreSurvey:
    return StoreSurvey(
        latents=stores, flows=stores, tenants=lambda: list(stores.lags), clock_ms=lambda: 0
    )


@pytest.fixture
def readings() -> Iterator[Readings]:
    readings = Readings()
    yield readings
    readings.telemetry.shutdown()


@pytest.mark.parametrize("order", [(NEAR, FAR), (FAR, NEAR)])
async def test_of_two_tenants_groups_of_one_name_the_one_further_behind_is_told(
    order: tuple[Tenant, Tenant], readings: Readings
) -> None:
    lags = {NEAR: 1, FAR: 8}
    survey = surveying(Stores({tenant: lags[tenant] for tenant in order}))
    observe_store(readings.telemetry.meter, survey)
    await survey.look()
    assert readings.value(metric_names.GROUP_LAG) == 8


async def test_a_look_that_breaks_is_logged_and_leaves_no_values(
    readings: Readings, caplog: pytest.LogCaptureFixture
) -> None:
    stores = Stores({NEAR: 1})
    survey = surveying(stores)
    observe_store(readings.telemetry.meter, survey)
    await survey.look()
    assert readings.value(metric_names.STORE_USED) == 1
    stores.is_broken = True
    await survey.look()
    assert "ZeroDivisionError" in caplog.text
    assert not {metric_names.STORE_USED.name, metric_names.GROUP_LAG.name} & readings.names()
