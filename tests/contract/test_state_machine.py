"""Any order of steps has the same answers from the Redis store as from the one in memory.

Publish, duplicate, gap, other content, abort, expiry, abandonment, revocation, renewal, resume:
what one store says, record or refusal, the other says too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from latentflow.errors import LatentFlowError
from latentflow.protection import Signature
from latentflow.relay import UseCall
from services.broker.lifecycle import READING_MS, TOMBSTONE_MS
from services.broker.memory_store.latents import MemoryLatents
from services.broker.record import Opening, StoredFrame, StoredStream
from services.broker.redis_store.connection import Connections, connect
from services.broker.redis_store.latents import RedisLatents
from services.broker.store import LatentStore
from services.broker.store_url import parse_store_url
from tests.contract.samples import (
    LEASE_SECONDS,
    LIFETIME_SECONDS,
    LIMITS,
    SIGNATURE,
    TENANT,
    new_commit,
    new_opening,
    new_ref,
)
from tests.contract.uploads import read_whole
from tests.manual_clock import ManualClock
from tests.store_servers import StoreServer, binaries

LATENTS = 3
_FRAME_BYTES = 700  # of LIMITS.latent_bytes, so that five are one too many

places = st.integers(0, LATENTS - 1)
shifts = st.sampled_from([-2, -1, 0, 0, 0, 0, 1])
contents = st.sampled_from([b"a", b"b"])
signatures = st.sampled_from([None, SIGNATURE])


@dataclass(frozen=True)
class Said:
    """A store's answer: a value, or the refusal's class with its fields."""

    value: object = None
    refusal: tuple[str, tuple[tuple[str, object], ...]] | None = None


async def said(step: Awaitable[object]) -> Said:
    try:
        return Said(value=await step)
    except LatentFlowError as error:
        return Said(refusal=(type(error).__name__, tuple(error.details().items())))


class TwoStores(RuleBasedStateMachine):
    """Every step on both, with one clock."""

    url = ""

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.began_ms = self.clock()
        self.connections: Connections = self.loop.run_until_complete(self._connect())
        self.stores: list[LatentStore] = [
            MemoryLatents(limits=LIMITS, capacity_bytes=1 << 24, clock_ms=self.clock),
            RedisLatents(self.connections, LIMITS),
        ]
        self.refs = [new_ref() for _ in range(LATENTS)]
        self.openings = [new_opening(self.clock()) for _ in range(LATENTS)]
        self.sent: list[list[StoredFrame]] = [[] for _ in range(LATENTS)]

    async def _connect(self) -> Connections:
        return connect(parse_store_url(self.url), followers=2)

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.run_until_complete(self.connections.close())
            self.loop.close()

    def both(self, step: Callable[[LatentStore], Awaitable[object]]) -> Said:
        """What both say to a step, which must be the same."""

        async def steps() -> Sequence[Said]:
            return [await said(step(store)) for store in self.stores]

        memory, redis = self.loop.run_until_complete(steps())
        assert memory == redis
        return memory

    @rule(place=places, is_another=st.sampled_from([False, False, False, True]))
    def open(self, place: int, is_another: bool) -> None:
        opening, now_ms = self.openings[place], self.clock()
        if is_another:
            opening = Opening(
                manifest=b"another",
                flow=opening.flow,
                created_ms=opening.created_ms,
                expires_ms=opening.expires_ms,
            )
        self.both(lambda store: store.open(self.refs[place], opening, now_ms=now_ms))

    @rule(place=places, count=st.integers(1, 3), content=contents, signature=signatures)
    def store(self, place: int, count: int, content: bytes, signature: Signature | None) -> None:
        frames = [
            StoredFrame(index=index, payload_bytes=_FRAME_BYTES, encoded=content)
            for index in range(count)
        ]
        stream = StoredStream(frames=frames, commit=new_commit(*frames, signature=signature))
        ref, opening, now_ms = self.refs[place], self.openings[place], self.clock()
        self._learn(
            place, self.both(lambda store: store.store(ref, opening, stream, now_ms=now_ms))
        )

    @rule(place=places, shift=shifts, count=st.integers(1, 3), content=contents)
    def append(self, place: int, shift: int, count: int, content: bytes) -> None:
        """The next frames; with a shift again, or with a gap."""
        first = max(0, len(self.sent[place]) + shift)
        frames = [
            StoredFrame(index=first + more, payload_bytes=_FRAME_BYTES, encoded=content)
            for more in range(count)
        ]
        now_ms = self.clock()
        answer = self.both(lambda store: store.append(self.refs[place], frames, now_ms=now_ms))
        self._learn(place, answer)

    def _learn(self, place: int, answer: Said) -> None:
        """How many frames are stored, also when a later one of them was refused."""
        ref = self.refs[place]
        found = self.both(lambda store: store.find(ref)).value
        frames = getattr(found, "frames", 0)
        entries = self.loop.run_until_complete(
            self.stores[0].read(ref, first_frame=len(self.sent[place]), wait_ms=0)
        )
        self.sent[place] += [each for each in entries if isinstance(each, StoredFrame)]
        assert answer.refusal or len(self.sent[place]) >= frames

    @rule(
        place=places,
        digest=st.sampled_from("aab"),
        missing=st.sampled_from([0, 0, 0, 1]),
        signature=signatures,
    )
    def commit(self, place: int, digest: str, missing: int, signature: Signature | None) -> None:
        frames = self.sent[place][missing:]
        if frames:
            commit, now_ms = new_commit(*frames, digest=digest, signature=signature), self.clock()
            self.both(lambda store: store.commit(self.refs[place], commit, now_ms=now_ms))

    @rule(place=places, problem=st.sampled_from(["", "gave up"]))
    def abort(self, place: int, problem: str) -> None:
        now_ms = self.clock()
        self.both(lambda store: store.abort(self.refs[place], problem, now_ms=now_ms))

    @rule(place=places)
    def abandon(self, place: int) -> None:
        """As a reader does that finds its lease over."""

        async def close(store: LatentStore) -> None:
            await store.abandon(await store.find(self.refs[place]))

        self.both(close)

    @rule(place=places)
    def revoke(self, place: int) -> None:
        self.both(lambda store: store.revoke(self.refs[place]))

    @rule(place=places, seconds=st.sampled_from([1, LIFETIME_SECONDS]))
    def renew(self, place: int, seconds: int) -> None:
        now_ms = self.clock()
        expires_ms = self.openings[place].expires_ms + seconds * 1000
        self.both(lambda store: store.renew(self.refs[place], expires_ms=expires_ms, now_ms=now_ms))

    @rule(place=places, reader=st.sampled_from(["a", "b"]))
    def note(self, place: int, reader: str) -> None:
        call = UseCall(latent_id=self.refs[place].latent_id, reader=reader, generation="g")
        now_ms = self.clock()
        self.both(lambda store: store.note(call, TENANT, now_ms=now_ms))

    @rule(place=places, first_frame=st.integers(0, 6))
    def read(self, place: int, first_frame: int) -> None:
        if not self._is_forgotten(place):
            ref = self.refs[place]
            self.both(lambda store: read_whole(store, ref, first_frame=first_frame))

    @rule(seconds=st.sampled_from([1, LEASE_SECONDS, LEASE_SECONDS + 1, LIFETIME_SECONDS // 3]))
    def wait(self, seconds: int) -> None:
        """Not until the record itself is forgotten: real servers have a clock of their own."""
        most_ms = LIFETIME_SECONDS * 1000 + TOMBSTONE_MS - 1
        if self.clock() + seconds * 1000 - self.began_ms < most_ms:
            self.clock.advance(seconds=seconds)

    @invariant()
    def what_both_tell_is_the_same(self) -> None:
        for ref in self.refs if hasattr(self, "refs") else ():
            self.both(lambda store, ref=ref: store.find(ref))  # type: ignore[misc]
            self.both(lambda store, ref=ref: store.receipts(ref))  # type: ignore[misc]

    def _is_forgotten(self, place: int) -> bool:
        """Whether a store may have dropped its frames: readers are given some time only."""
        return self.clock() >= self.openings[place].expires_ms + READING_MS


@pytest.fixture(scope="module", params=binaries())
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    server = StoreServer(binaries()[request.param]).start()
    yield server.url
    server.remove()


def test_both_stores_say_the_same_to_any_order_of_steps(url: str) -> None:
    machine = type("OverOneServer", (TwoStores,), {"url": url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
