"""Sealed and signed handoffs, from the sharer's keys to the receiver's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from latentflow.calls import GenerateCall, LatentMeans, Prompt, ShareCall, Shared, TextMeans
from latentflow.errors import (
    KeyUnknown,
    LatentFlowError,
    SealBroken,
    SignatureMissing,
)
from latentflow.latent import LatentId, Outcome, Tenant
from latentflow.rpc.facts import class_of
from latentflow.sealing.key_ring import KeyRing, key_ring_to_text
from tests.integration.services.callers import TIMEOUT, Heard, Stack, inputs
from tests.integration.services.in_process import answer, cache_of, vectors_of
from tests.integration.services.stack import running_stack
from tests.keys import SECRET, SIGNER, ring_of, signer_of
from tests.manual_clock import ManualClock
from tests.tiny_pair import TinyPair

MEMO = "The vault code is 4471."
QUESTION = "What is the code?"
OLD, NEW = {"k1": SECRET}, {"k2": b"\2" * 32}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The files of a sharer and a receiver, on which the two may differ."""

    folder: Path

    @property
    def sharer(self) -> Path:
        return self.folder / "sharer.json"

    @property
    def receiver(self) -> Path:
        return self.folder / "receiver.json"

    def give(self, ring: KeyRing) -> None:
        self.write(self.sharer, ring)
        self.write(self.receiver, ring)

    def write(self, path: Path, ring: KeyRing) -> None:
        path.touch(mode=0o600)
        path.write_text(key_ring_to_text(ring))


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    keys = Keys(folder=tmp_path)
    keys.give(ring_of(OLD))
    return keys


@pytest.fixture
async def stack(pair: TinyPair, clock: ManualClock, keys: Keys) -> AsyncIterator[Stack]:
    sharer_options = {"key_ring_file": keys.sharer}
    async with running_stack(
        pair, clock, sharer_options=sharer_options, key_ring_file=keys.receiver
    ) as running:
        yield running


async def refused(stack: Stack, latent_id: LatentId) -> LatentFlowError:
    heard = Heard()
    call = GenerateCall(prompt=Prompt(question=QUESTION), source=inputs(latent_id))
    with pytest.raises(LatentFlowError) as refusal:
        await stack.generate(call, heard)
    (outcome,) = heard.outcomes
    assert outcome.outcome is Outcome.FAILED
    assert class_of(outcome.reason) is type(refusal.value)
    return refusal.value


async def share(stack: Stack) -> Shared:
    """An equal latent where there is one."""
    call = ShareCall(context=MEMO, means=LatentMeans())
    events = [event async for event in stack.sharer.share(call, timeout=TIMEOUT)]
    assert isinstance(events[-1], Shared)
    return events[-1]


# --- sealed ---------------------------------------------------------------------------------


async def test_a_sealed_latent_is_read_as_if_it_were_not(stack: Stack, pair: TinyPair) -> None:
    shared = await stack.share(MEMO)
    seal = shared.latent.manifest.seal
    assert seal is not None
    assert seal.key_id == "k1"
    heard = await stack.ask(QUESTION, shared.latent.manifest.latent_id)
    cache = cache_of(pair, [vectors_of(pair, MEMO, LatentMeans())])
    assert heard.text == answer(pair, cache, QUESTION)


async def test_messages_are_sealed_like_latents(stack: Stack) -> None:
    latent_id = await stack.latent(MEMO, TextMeans(max_tokens=8))
    with pytest.raises(KeyUnknown):
        await stack.broker_client.fetch(latent_id, timeout=TIMEOUT)
    assert (await stack.ask(QUESTION, latent_id)).outcomes[0].outcome is Outcome.LATENT


async def test_no_two_latents_have_a_salt_in_common(stack: Stack) -> None:
    shared = [await stack.share(MEMO) for _ in range(2)]
    seals = {each.latent.manifest.seal for each in shared}
    assert len(seals) == 2


async def test_what_a_revoked_key_sealed_is_unreadable_at_once(stack: Stack, keys: Keys) -> None:
    latent_id = await stack.latent(MEMO)
    assert (await stack.ask(QUESTION, latent_id)).usage
    keys.write(keys.receiver, ring_of(NEW))
    error = await refused(stack, latent_id)
    assert isinstance(error, KeyUnknown)
    assert error.details() == {"purpose": "sealing", "key_id": "k1"}


async def test_keys_are_changed_without_a_restart(stack: Stack, keys: Keys) -> None:
    before = await stack.latent(MEMO)
    keys.give(ring_of({**OLD, **NEW}))
    after = await stack.share(MEMO)
    assert after.latent.manifest.seal is not None
    assert after.latent.manifest.seal.key_id == "k2"
    for latent_id in (before, after.latent.manifest.latent_id):
        assert (await stack.ask(QUESTION, latent_id)).usage


async def test_a_receiver_with_another_key_of_that_name_reads_nothing(
    stack: Stack, keys: Keys
) -> None:
    latent_id = await stack.latent(MEMO)
    keys.write(keys.receiver, ring_of({"k1": bytes(32)}))
    assert isinstance(await refused(stack, latent_id), SealBroken)


async def test_a_key_of_another_tenant_opens_nothing(stack: Stack, keys: Keys) -> None:
    latent_id = await stack.latent(MEMO)
    keys.write(keys.receiver, ring_of(OLD, Tenant("globex")))
    assert isinstance(await refused(stack, latent_id), KeyUnknown)


async def test_nothing_goes_out_in_the_clear_for_a_tenant_without_a_key(
    stack: Stack, keys: Keys
) -> None:
    keys.write(keys.sharer, ring_of(OLD, Tenant("globex")))
    with pytest.raises(KeyUnknown):
        await stack.share(MEMO)
    assert stack.sharer_worker.admitted == 0


# --- equal latents --------------------------------------------------------------------------


async def test_an_equal_latent_is_given_again_while_its_key_is_held(
    stack: Stack, keys: Keys
) -> None:
    first = await share(stack)
    keys.give(ring_of({**OLD, **NEW}))
    second = await share(stack)
    assert (second.reused, second.latent) == (True, first.latent)


async def test_an_equal_latent_whose_key_was_revoked_is_made_anew(stack: Stack, keys: Keys) -> None:
    await share(stack)
    keys.give(ring_of(NEW))
    second, third = await share(stack), await share(stack)
    assert (second.reused, third.reused) == (False, True)
    assert (await stack.ask(QUESTION, second.latent.manifest.latent_id)).usage


# --- signed ---------------------------------------------------------------------------------


@asynccontextmanager
async def signing_stack(
    pair: TinyPair, clock: ManualClock, folder: Path, *, signing_key: str, trusted: str
) -> AsyncIterator[Stack]:
    file = folder / "trusted.pem"
    file.write_text(trusted)
    file.chmod(0o644)
    async with running_stack(
        pair,
        clock,
        sharer_options={"signing_key": signing_key},
        trusted_signers_file=file,
        require_signature=True,
    ) as stack:
        yield stack


async def test_a_signed_latent_is_read_where_it_must_be(
    pair: TinyPair, clock: ManualClock, tmp_path: Path
) -> None:
    async with signing_stack(
        pair, clock, tmp_path, signing_key=SIGNER.private_text(), trusted=SIGNER.public_text()
    ) as stack:
        shared = await share(stack)
        commit = shared.latent.commit
        assert commit is not None
        assert commit.signature is not None
        assert commit.signature.key_id == SIGNER.key_id
        assert (await stack.ask(QUESTION, shared.latent.manifest.latent_id)).usage
        assert (await share(stack)).reused


async def test_what_a_stranger_signed_is_refused(
    pair: TinyPair, clock: ManualClock, tmp_path: Path
) -> None:
    stranger = signer_of(b"\1" * 32)
    async with signing_stack(
        pair, clock, tmp_path, signing_key=stranger.private_text(), trusted=SIGNER.public_text()
    ) as stack:
        error = await refused(stack, await stack.latent(MEMO))
        assert isinstance(error, KeyUnknown)
        assert error.details() == {"purpose": "signing", "key_id": stranger.key_id}


async def test_an_unsigned_latent_is_refused_where_it_must_be_signed(
    pair: TinyPair, clock: ManualClock, tmp_path: Path
) -> None:
    async with signing_stack(
        pair, clock, tmp_path, signing_key="", trusted=SIGNER.public_text()
    ) as stack:
        assert isinstance(await refused(stack, await stack.latent(MEMO)), SignatureMissing)
