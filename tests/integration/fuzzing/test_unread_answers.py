"""A receiver and a sharer whose streams are opened and hardly read: the work ends without its
clients, others are served meanwhile and after it, and nothing is kept once the clients are gone.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from latentflow.calls import GenerateCall, LatentInputs, LatentMeans, Prompt, Sampling, ShareCall
from latentflow.rpc.worker import Worker
from latentflow.v1 import receiver_pb2_grpc, sharer_pb2_grpc
from latentflow.wire.generate import generate_call_to_proto
from latentflow.wire.share import share_call_to_proto
from tests.integration.fuzzing.unread import CALLS_A_CONNECTION, Open, vanishing_readers
from tests.integration.processes import resident_bytes
from tests.integration.services.callers import Stack
from tests.integration.services.stack import running_stack
from tests.manual_clock import ManualClock
from tests.tiny_pair import TinyPair

TIMES = 2
# Of this process, which is both sides.
GROWTH_BYTES = 64 * 1024 * 1024
TOKENS = 24
CONTEXT = "The harbour opens at six."


@pytest.fixture
async def stack(pair: TinyPair) -> AsyncIterator[Stack]:
    room = CALLS_A_CONNECTION + 1
    async with running_stack(
        pair, ManualClock(), sharer_options={"max_waiting": room}, max_waiting=room
    ) as running:
        yield running


async def test_unread_answers_are_made_and_keep_nobody_out(stack: Stack) -> None:
    asked = generate_call_to_proto(
        GenerateCall(
            prompt=Prompt(question="When?", context=CONTEXT),
            source=LatentInputs(latents=()),
            sampling=Sampling(max_tokens=TOKENS),
        )
    )
    await require_no_harm(
        stack,
        stack.receiver_address,
        stack.receiver_worker,
        lambda channel: receiver_pb2_grpc.ReceiverServiceStub(channel).Generate(asked),
    )


async def test_unread_shares_are_made_and_keep_nobody_out(stack: Stack) -> None:
    asked = share_call_to_proto(ShareCall(context=CONTEXT, means=LatentMeans(), fresh=True))
    await require_no_harm(
        stack,
        stack.sharer_address,
        stack.sharer_worker,
        lambda channel: sharer_pb2_grpc.SharerServiceStub(channel).Share(asked),
    )


async def require_no_harm(stack: Stack, address: str, worker: Worker, open_call: Open) -> None:
    await handoff(stack)
    before, tasks_before = resident_bytes(os.getpid()), len(asyncio.all_tasks())
    async with AsyncExitStack() as clients:
        for _ in range(TIMES):
            read_slowly = await clients.enter_async_context(
                vanishing_readers(address, open_call, calls=CALLS_A_CONNECTION)
            )
            await handoff(stack)
            await stack.until(lambda: worker.admitted == 0)
            await read_slowly
        assert resident_bytes(os.getpid()) - before < GROWTH_BYTES
    await stack.until(lambda: len(asyncio.all_tasks()) <= tasks_before)


async def handoff(stack: Stack) -> None:
    assert (await stack.ask("When?", await stack.latent(CONTEXT))).usage
