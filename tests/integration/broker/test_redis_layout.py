"""What is under which key in Redis, how long it stays, and whom its waiting readers disturb."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import redis

from latentflow.errors import StoreUnavailable
from latentflow.latent import FlowName, Tenant
from services.broker.dead_letters import NO_LIMIT
from services.broker.keys import announced_key, flows_key, latent_keys, listing_keys
from services.broker.lifecycle import LONGEST_KEPT_MS, READING_MS, TOMBSTONE_MS
from services.broker.record import DeliveryId, FlowRef, GroupMember, LatentRef
from services.broker.redis_store.connection import Connections, connect
from services.broker.redis_store.flows import RedisFlows
from services.broker.redis_store.latents import RedisLatents
from services.broker.store_url import parse_store_url
from tests.contract.samples import LIMITS, new_commit, new_frame, new_ref
from tests.contract.uploads import ENDINGS, end, uploading
from tests.manual_clock import ManualClock
from tests.store_servers import StoreServer

TENANT = Tenant("layout")


@pytest.fixture
async def connections(valkey: StoreServer) -> AsyncIterator[Connections]:
    opened = connect(parse_store_url(valkey.url), followers=8)
    yield opened
    await opened.close()


@pytest.fixture
def latents(connections: Connections) -> RedisLatents:
    return RedisLatents(connections, LIMITS)


@pytest.fixture
def raw(valkey: StoreServer) -> redis.Redis:
    return valkey.client()


async def test_frames_of_an_upload_go_soon_after_its_lease(
    latents: RedisLatents, raw: redis.Redis, clock: ManualClock
) -> None:
    record = await uploading(latents, clock)
    keys = latent_keys(record.ref)
    assert raw.pexpiretime(keys.frames) == record.lease_until_ms + READING_MS
    clock.advance(seconds=1)
    resumed = await latents.open(record.ref, record.opening, now_ms=clock())
    assert raw.pexpiretime(keys.frames) == resumed.lease_until_ms + READING_MS


async def test_frames_of_a_committed_latent_stay_as_long_as_it_does(
    latents: RedisLatents, raw: redis.Redis, clock: ManualClock
) -> None:
    record = await uploading(latents, clock)
    await latents.commit(record.ref, new_commit(new_frame(0)), now_ms=clock())
    keys, expires_ms = latent_keys(record.ref), record.opening.expires_ms
    assert raw.pexpiretime(keys.frames) == expires_ms + READING_MS
    assert raw.pexpiretime(keys.record) == expires_ms + TOMBSTONE_MS


@pytest.mark.parametrize("ending", ENDINGS)
async def test_nothing_stays_for_good_after_any_ending(
    latents: RedisLatents, raw: redis.Redis, clock: ManualClock, ending: str
) -> None:
    record = await uploading(latents, clock)
    await end(latents, record, ending, now_ms=clock())
    keys = latent_keys(record.ref)
    for key in (keys.record, keys.frames):
        assert 0 < raw.pexpiretime(key) <= record.opening.expires_ms + TOMBSTONE_MS


async def test_listings_and_flows_nobody_uses_go(
    latents: RedisLatents, connections: Connections, raw: redis.Redis, clock: ManualClock
) -> None:
    record = await uploading(latents, clock, tenant=TENANT)
    flows = RedisFlows(connections)
    watched = FlowRef(tenant=TENANT, flow=FlowName("watched"))
    await flows.announce(record.flow, record.ref.latent_id)
    await flows.join(GroupMember(flow=watched, group="g", consumer="c"))
    for key in (
        *listing_keys(TENANT, None),
        *listing_keys(TENANT, record.opening.flow),
        announced_key(record.flow),
        announced_key(watched),
        flows_key(TENANT),
    ):
        assert 0 < raw.pttl(key) <= LONGEST_KEPT_MS


async def test_listing_forgets_what_has_expired_when_more_comes(
    latents: RedisLatents, raw: redis.Redis, clock: ManualClock
) -> None:
    await uploading(latents, clock, tenant=TENANT)
    clock.advance(seconds=LONGEST_KEPT_MS / 1000 + 1)
    record = await uploading(latents, clock, tenant=TENANT)
    for flow in (None, record.opening.flow):
        for key in listing_keys(TENANT, flow):
            members = raw.zrange(key, 0, -1)
            assert members == [f"{record.opening.created_ms}-{record.ref.latent_id}".encode()]


async def test_flow_that_is_gone_is_listed_no_more(
    connections: Connections, raw: redis.Redis
) -> None:
    tenant = Tenant("forgetful")
    flows = RedisFlows(connections)
    gone, kept = (FlowRef(tenant=tenant, flow=FlowName(name)) for name in ("gone", "kept"))
    for flow in (gone, kept):
        await flows.announce(flow, new_ref().latent_id)
    raw.delete(announced_key(gone))
    assert [flow.name for flow in await flows.survey(tenant)] == ["kept"]
    raw.zincrby(flows_key(tenant), -LONGEST_KEPT_MS - 1, "gone")
    await flows.announce(kept, new_ref().latent_id)
    assert raw.zrange(flows_key(tenant), 0, -1) == [b"kept"]


async def pending(flows: RedisFlows, member: GroupMember) -> None:
    await flows.pending(member, after=DeliveryId("0-0"), most_deliveries=1)


async def claim(flows: RedisFlows, member: GroupMember) -> None:
    await flows.claim(member, idle_ms=0, most_deliveries=1)


async def receive(flows: RedisFlows, member: GroupMember) -> None:
    await flows.receive(member, wait_ms=1)


@pytest.mark.parametrize("ask", [pending, claim, receive])
async def test_group_that_vanishes_under_its_reader_is_unavailable(
    connections: Connections,
    raw: redis.Redis,
    ask: Callable[[RedisFlows, GroupMember], Awaitable[None]],
) -> None:
    """Watching anew makes it again."""
    flows = RedisFlows(connections)
    flow = FlowRef(tenant=Tenant("vanishing"), flow=FlowName("flow"))
    member = GroupMember(flow=flow, group="g", consumer="c")
    await flows.join(member)
    raw.delete(announced_key(flow))
    with pytest.raises(StoreUnavailable):
        await ask(flows, member)


async def test_lag_that_the_server_does_not_know_is_counted(
    connections: Connections, raw: redis.Redis
) -> None:
    """It doesn't once an operator deleted announcements by hand."""
    flows = RedisFlows(connections)
    flow = FlowRef(tenant=Tenant("counted"), flow=FlowName("flow"))
    for _ in range(5):
        await flows.announce(flow, new_ref().latent_id)
    await flows.join(GroupMember(flow=flow, group="g", consumer="c"))
    announced = await flows.follow(flow, after=DeliveryId("0-0"), wait_ms=1)
    raw.xgroup_setid(announced_key(flow), "g", announced[0].delivery_id)
    raw.xdel(announced_key(flow), announced[2].delivery_id)
    (group,) = raw.xinfo_groups(announced_key(flow))
    assert group["lag"] is None
    (described,) = await flows.survey(flow.tenant)
    assert described.groups[0].lag == 3


async def test_waiting_readers_hold_up_no_command(
    latents: RedisLatents, raw: redis.Redis, clock: ManualClock
) -> None:
    """As many readers wait as may at once; each gets its frame from one append."""
    ref = (await uploading(latents, clock)).ref
    readers = [asyncio.create_task(read_next(latents, ref)) for _ in range(8)]
    async with asyncio.timeout(10):
        await blocked(raw, len(readers))
        await latents.append(ref, [new_frame(1)], now_ms=clock())
        assert await asyncio.gather(*readers) == [[new_frame(1)]] * len(readers)


async def test_reader_that_is_cancelled_gives_its_connection_back(
    latents: RedisLatents, raw: redis.Redis, clock: ManualClock
) -> None:
    """More readers come and go than may wait at once."""
    ref = (await uploading(latents, clock)).ref
    for _ in range(12):
        reader = asyncio.create_task(read_next(latents, ref))
        async with asyncio.timeout(2):
            await blocked(raw, 1)
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)
            await blocked(raw, 0)


async def test_announcement_trimmed_from_its_flow_is_no_longer_pending(
    connections: Connections, raw: redis.Redis
) -> None:
    flows = RedisFlows(connections)
    member = GroupMember(
        flow=FlowRef(tenant=TENANT, flow=FlowName("trimmed")), group="g", consumer="c"
    )
    await flows.join(member)
    first, second = new_ref().latent_id, new_ref().latent_id
    for latent_id in (first, second):
        await flows.announce(member.flow, latent_id)
    given = await flows.receive(member, wait_ms=1)
    raw.xdel(announced_key(member.flow), given[0].delivery_id)
    pending = await flows.pending(member, after=DeliveryId("0-0"), most_deliveries=NO_LIMIT)
    assert [announcement.latent_id for announcement in pending] == [second]


@pytest.mark.parametrize(
    ("policy", "remarks"), [("noeviction", 0), ("allkeys-lru", 1), ("volatile-ttl", 1)]
)
async def test_server_that_evicts_is_remarked_on(
    latents: RedisLatents, raw: redis.Redis, clock: ManualClock, policy: str, remarks: int
) -> None:
    raw.config_set("maxmemory-policy", policy)
    report = await latents.inspect(now_ms=clock())
    raw.config_set("maxmemory-policy", "noeviction")
    assert sum(policy in remark for remark in report.remarks) == remarks


@pytest.mark.parametrize(
    ("setting", "broken", "mended", "told"),
    [
        ("maxmemory", "0", "100mb", "maxmemory is not set"),
        ("appendonly", "no", "yes", "appendonly is off"),
    ],
)
async def test_a_setting_that_breaks_a_promise_is_remarked_on(
    latents: RedisLatents,
    raw: redis.Redis,
    clock: ManualClock,
    setting: str,
    broken: str,
    mended: str,
    told: str,
) -> None:
    for value, is_told in ((mended, False), (broken, True)):
        raw.config_set(setting, value)
        report = await latents.inspect(now_ms=clock())
        assert any(told in remark for remark in report.remarks) is is_told


async def test_a_clock_that_is_off_is_remarked_on(
    latents: RedisLatents, clock: ManualClock
) -> None:
    report = await latents.inspect(now_ms=clock() + 60_000)
    assert any("off the broker's" in remark for remark in report.remarks)
    assert report.servers[0].split()[0] in ("redis", "valkey")


async def read_next(latents: RedisLatents, ref: LatentRef) -> list[object]:
    return list(await latents.read(ref, first_frame=1, wait_ms=5_000))


async def blocked(raw: redis.Redis, count: int) -> None:
    """Until the server says that so many readers wait: nothing tells us when that changes."""
    while raw.info("clients")["blocked_clients"] != count:  # noqa: ASYNC110
        await asyncio.sleep(0)
