"""What a broker and its store hold of sealed and signed latents: ciphertext, and the signature."""

import random
from dataclasses import replace

import pytest
import redis

from latentflow.errors import StreamMismatch
from latentflow.latent import Commit
from latentflow.rpc.auth_interceptor import DEFAULT_TENANT
from latentflow.wire.stream import seal
from services.broker.keys import latent_keys
from services.broker.record import LatentRef
from tests.integration.broker.running import TIMEOUT, Broker
from tests.keys import SECRET, SIGNER, guard_of, protected
from tests.made_latents import MadeLatent, make_latent
from tests.manual_clock import ManualClock
from tests.store_servers import StoreServer

MARKER = b"The vault code is 4471."
SIZES = pytest.mark.parametrize("stream_bytes", [4000, 400_000], ids=["whole", "step by step"])
GUARD = guard_of({"k1": SECRET}, signers=[SIGNER], require_signature=True)


def marked(now_ms: int, stream_bytes: int) -> MadeLatent:
    """Noise behind the marker: zstd leaves both as they are."""
    made = make_latent(now_ms, stream_bytes=stream_bytes)
    stream = MARKER + random.Random(7).randbytes(stream_bytes - len(MARKER))
    frames, commit = seal(made.manifest_bytes, [stream])
    return replace(made, stream=stream, frames=frames, commit=commit)


async def publish(broker: Broker, made: MadeLatent) -> Commit | None:
    """As its sharer does, with the signature that it has."""
    signature = made.commit.signature
    stored = await broker.client.publish(
        made.manifest_bytes,
        made.frames,
        timeout=TIMEOUT,
        sign=lambda commit: replace(commit, signature=signature),
    )
    return stored.commit


def everything(store: redis.Redis, made: MadeLatent) -> bytes:
    """All that the store holds of a latent."""
    keys = latent_keys(LatentRef(tenant=DEFAULT_TENANT, latent_id=made.latent_id))
    return b"".join(store.dump(key) or b"" for key in (keys.record, keys.frames))


@SIZES
async def test_the_store_holds_no_word_of_a_sealed_latent(
    broker: Broker, valkey: StoreServer, clock: ManualClock, stream_bytes: int
) -> None:
    clear = marked(clock(), stream_bytes)
    sealed = protected(marked(clock(), stream_bytes), frame_bytes=65_536)
    for made, is_readable in ((clear, True), (sealed, False)):
        await publish(broker, made)
        assert (MARKER in everything(valkey.client(), made)) is is_readable
    fetched = await broker.client.fetch(sealed.latent_id, timeout=TIMEOUT, guard=GUARD)
    assert fetched.stream == sealed.stream


@SIZES
async def test_a_signature_comes_to_readers_and_to_whoever_asks(
    broker: Broker, clock: ManualClock, stream_bytes: int
) -> None:
    made = protected(make_latent(clock(), stream_bytes=stream_bytes), frame_bytes=65_536)
    for _ in range(2):
        assert await publish(broker, made) == made.commit
    assert (await broker.read(made.latent_id))[-1] == made.commit
    told = await broker.client.get_latent(made.latent_id, timeout=TIMEOUT)
    assert told.commit == made.commit


@SIZES
async def test_another_signature_for_what_is_stored_is_refused(
    broker: Broker, clock: ManualClock, stream_bytes: int
) -> None:
    made = protected(make_latent(clock(), stream_bytes=stream_bytes), frame_bytes=65_536)
    await publish(broker, made)
    with pytest.raises(StreamMismatch) as refusal:
        await publish(broker, replace(made, commit=replace(made.commit, signature=None)))
    assert refusal.value.field == "signature"
    assert (await broker.read(made.latent_id))[-1] == made.commit
