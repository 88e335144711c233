"""What the broker's log says of refused calls and of latents that were withdrawn."""

import pytest

from latentflow.errors import AccessDenied
from latentflow.rpc.refusals import Refusals
from latentflow.tenants import new_token
from tests.integration.identity.secured import TIMEOUT, Secured
from tests.made_latents import make_latent
from tests.manual_clock import ManualClock

GET = "/latentflow.v1.BrokerService/GetLatent"


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO")
    return caplog


@pytest.mark.parametrize("token", ["", new_token()], ids=["none", "unknown"])
async def test_a_call_without_a_tenants_token_is_told_without_it(
    broker: Secured, said: pytest.LogCaptureFixture, token: str
) -> None:
    await get_refused(broker, token)
    (line,) = lines(said, Refusals.__module__)
    assert line.startswith(f"ACCESS_DENIED: {GET} from ipv4:127.0.0.1:")
    assert "tenant" not in line
    assert not token or token not in said.text


async def test_a_tenant_without_the_right_is_named(
    broker: Secured, said: pytest.LogCaptureFixture
) -> None:
    await get_refused(broker, broker.tenants.put("narrow", rights=("share",)))
    (line,) = lines(said, Refusals.__module__)
    assert line.endswith(", tenant narrow has no right to it")


async def test_a_withdrawal_is_told_with_latent_and_tenant(
    broker: Secured, said: pytest.LogCaptureFixture, acme: str, clock: ManualClock
) -> None:
    made = make_latent(clock())
    async with broker.caller(broker.access(acme)) as caller:
        await caller.publish(made.manifest_bytes, made.frames, timeout=TIMEOUT)
    async with broker.admin(broker.access(acme)) as admin:
        await admin.revoke(made.latent_id, timeout=TIMEOUT)
    withdrawn = lines(said, "services.broker.lineage")
    assert withdrawn == [f"latent {made.latent_id} of tenant acme is withdrawn"]


async def get_refused(broker: Secured, token: str) -> None:
    async with broker.caller(broker.access(token)) as caller:
        with pytest.raises(AccessDenied):
            await caller.get_latent(make_latent(1).latent_id, timeout=TIMEOUT)


def lines(said: pytest.LogCaptureFixture, logger: str) -> list[str]:
    return [record.getMessage() for record in said.records if record.name == logger]
