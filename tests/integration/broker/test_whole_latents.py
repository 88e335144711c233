"""Latents that come in one message, over real gRPC and a real Valkey."""

from dataclasses import replace

import pytest

from latentflow.errors import (
    FrameCorrupt,
    FrameOutOfOrder,
    QuotaExceeded,
    StreamMismatch,
    UnknownLatent,
)
from latentflow.latent import Digest
from latentflow.relay import Stored
from services.broker.settings import Settings
from tests.integration.broker.running import (
    TIMEOUT,
    Broker,
    Publisher,
    half_published,
    running_broker,
)
from tests.made_latents import make_latent
from tests.manual_clock import ManualClock


async def test_whole_latent_in_one_message_is_stored_and_announced(
    broker: Broker, clock: ManualClock
) -> None:
    made = make_latent(clock())
    stored = await Publisher(broker).say(made.whole)
    assert isinstance(stored, Stored)
    assert stored.latent.commit == made.commit
    assert (await broker.client.fetch(made.latent_id, timeout=TIMEOUT)).stream == made.stream
    assert await Publisher(broker).say(made.whole) == stored


async def test_whole_latent_goes_on_with_an_upload_that_was_cut(
    broker: Broker, clock: ManualClock
) -> None:
    made, first = await half_published(broker, clock)
    first.cut()
    stored = await Publisher(broker).say(made.whole)
    assert isinstance(stored, Stored)
    assert (await broker.client.fetch(made.latent_id, timeout=TIMEOUT)).stream == made.stream


async def test_whole_latent_that_is_not_what_it_says_leaves_nothing(
    broker: Broker, clock: ManualClock
) -> None:
    made = make_latent(clock())
    whole, other = made.whole, made.frames[1]
    damaged = replace(other, crc32c=other.crc32c ^ 1)
    for wrong, error in (
        (replace(whole, commit=replace(made.commit, sha256=Digest("a" * 64))), StreamMismatch),
        (replace(whole, frames=whole.frames[:-1]), StreamMismatch),
        (replace(whole, frames=whole.frames[1:]), FrameOutOfOrder),
        (replace(whole, frames=(whole.frames[0], *whole.frames)), FrameOutOfOrder),
        (replace(whole, frames=(whole.frames[0], damaged)), FrameCorrupt),
    ):
        with pytest.raises(error):
            await Publisher(broker).say(wrong)
        with pytest.raises(UnknownLatent):
            await broker.client.get_latent(made.latent_id, timeout=TIMEOUT)
    await broker.publish(made)


async def test_whole_latent_over_the_limit_is_refused(
    settings: Settings, clock: ManualClock
) -> None:
    made = make_latent(clock(), stream_bytes=200_000, frame_bytes=100_000)
    async with running_broker(replace(settings, max_latent_bytes=150_000), clock) as broker:
        with pytest.raises(QuotaExceeded, match="latent_bytes"):
            await Publisher(broker).say(made.whole)
