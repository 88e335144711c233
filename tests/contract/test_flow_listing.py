"""What every FlowStore tells of a tenant's flows."""

from latentflow.latent import FlowName
from latentflow.relay import FlowInfo, GroupInfo
from services.broker.record import FlowRef
from services.broker.store import FlowStore
from tests.contract.samples import FEW, FLOW, KEPT, OTHER_TENANT, TENANT, new_ref
from tests.contract.test_flows import HERE, announce_some, ids_of, member


async def only_flow(flows: FlowStore) -> FlowInfo:
    (flow,) = await flows.survey(TENANT)
    return flow


async def test_tenant_without_flows_has_none(flows: FlowStore) -> None:
    assert not list(await flows.survey(TENANT))


async def test_flows_are_listed_by_name_with_what_they_keep(flows: FlowStore) -> None:
    names = [FlowName(name) for name in ("b", "a", "c")]
    for count, name in enumerate(names, start=1):
        for _ in range(count):
            await flows.announce(FlowRef(tenant=TENANT, flow=name), new_ref().latent_id)
    listed = [(flow.name, flow.announced, flow.groups) for flow in await flows.survey(TENANT)]
    assert listed == [("a", 2, ()), ("b", 1, ()), ("c", 3, ())]


async def test_other_tenants_flows_are_not_listed(flows: FlowStore) -> None:
    await flows.announce(FlowRef(tenant=OTHER_TENANT, flow=FLOW), new_ref().latent_id)
    assert not list(await flows.survey(TENANT))


async def test_flow_that_was_only_joined_is_listed(flows: FlowStore) -> None:
    await flows.join(member("a"))
    group = GroupInfo(name="readers", lag=0, pending=0, consumers=1)
    assert await only_flow(flows) == FlowInfo(name=FLOW, announced=0, groups=(group,))


async def test_flow_that_was_only_looked_at_is_not_listed(flows: FlowStore) -> None:
    await flows.follow(HERE, after=await flows.newest(HERE), wait_ms=1)
    assert not list(await flows.survey(TENANT))


async def test_group_has_lag_then_pending_then_neither(flows: FlowStore) -> None:
    await flows.join(member("a"))
    await flows.join(member("b"))
    await announce_some(flows, 3)
    assert (await only_flow(flows)).groups == (of_readers(lag=3, pending=0),)
    given = await flows.receive(member("a"), wait_ms=1)
    assert (await only_flow(flows)).groups == (of_readers(lag=0, pending=3),)
    await flows.acknowledge(HERE, "readers", ids_of(given)[:2])
    await announce_some(flows, 1)
    assert (await only_flow(flows)).groups == (of_readers(lag=1, pending=1),)


async def test_group_that_came_late_lags_by_what_is_kept(flows: FlowStore) -> None:
    await announce_some(flows, 5)
    await flows.join(member("a"))
    assert [group.lag for group in (await only_flow(flows)).groups] == [5]


async def test_groups_are_told_apart(flows: FlowStore) -> None:
    for group in ("readers", "auditors"):
        await flows.join(member("a", group=group))
    await announce_some(flows, 2)
    await flows.receive(member("a", group="auditors"), wait_ms=1)
    listed = {group.name: (group.lag, group.pending) for group in (await only_flow(flows)).groups}
    assert listed == {"readers": (2, 0), "auditors": (0, 2)}


async def test_lag_does_not_count_what_the_group_has_missed(flows: FlowStore) -> None:
    few = FlowRef(tenant=TENANT, flow=FEW)
    await flows.join(member("a", flow=few))
    for _ in range(2 * KEPT + 5):
        await flows.announce(few, new_ref().latent_id)
    (flow,) = await flows.survey(TENANT)
    assert (flow.announced, flow.groups[0].lag) == (2 * KEPT, 2 * KEPT)


def of_readers(*, lag: int, pending: int) -> GroupInfo:
    return GroupInfo(name="readers", lag=lag, pending=pending, consumers=2)
