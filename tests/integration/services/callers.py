"""Running services as their callers see them, with the few questions that tests keep asking."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from latentflow.calls import (
    GenerateCall,
    LatentInput,
    LatentInputs,
    LatentMeans,
    LatentOutcome,
    Prompt,
    Sampling,
    SessionId,
    ShareCall,
    Shared,
    TextMeans,
    TokenText,
    Usage,
)
from latentflow.latent import LatentId
from latentflow.rpc.admin_client import AdminClient
from latentflow.rpc.broker_client import BrokerClient
from latentflow.rpc.receiver_client import ReceiverClient
from latentflow.rpc.sharer_client import SharerClient
from latentflow.rpc.worker import Worker
from tests.integration.services.brokers import Broker

TIMEOUT = 30.0
SAMPLING = Sampling(max_tokens=12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a Generate said."""

    outcomes: list[LatentOutcome] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    usages: list[Usage] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def usage(self) -> Usage:
        (usage,) = self.usages
        return usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The services, their clients, and the worker of each, which a test may hold."""

    broker: Broker
    sharer_address: str
    receiver_address: str
    sharer_worker: Worker
    receiver_worker: Worker
    broker_client: BrokerClient
    admin: AdminClient
    sharer: SharerClient
    receiver: ReceiverClient

    async def share(self, context: str, means: LatentMeans | TextMeans | None = None) -> Shared:
        """A latent of its own, also of a context that was shared before."""
        call = ShareCall(context=context, means=means or LatentMeans(), fresh=True)
        events = [event async for event in self.sharer.share(call, timeout=TIMEOUT)]
        assert isinstance(events[-1], Shared)
        return events[-1]

    async def latent(self, context: str, means: LatentMeans | TextMeans | None = None) -> LatentId:
        return (await self.share(context, means)).latent.manifest.latent_id

    async def ask(
        self,
        question: str,
        *latents: LatentId | LatentInput,
        context: str = "",
        sampling: Sampling = SAMPLING,
    ) -> Heard:
        return await self.generate(
            GenerateCall(
                prompt=Prompt(question=question, context=context),
                source=inputs(*latents),
                sampling=sampling,
            )
        )

    async def ask_session(self, question: str, session: SessionId) -> Heard:
        prompt = Prompt(question=question)
        return await self.generate(GenerateCall(prompt=prompt, source=session, sampling=SAMPLING))

    async def generate(self, call: GenerateCall, heard: Heard | None = None) -> Heard:
        """`heard` keeps what came before an error."""
        heard = heard or Heard()
        async for event in self.receiver.generate(call, timeout=TIMEOUT):
            match event:
                case LatentOutcome():
                    heard.outcomes.append(event)
                case TokenText():
                    heard.pieces.append(event.text)
                case Usage():
                    heard.usages.append(event)
        return heard

    async def until(self, condition: Callable[[], bool]) -> None:
        """Calls go on meanwhile: one that needs no thread is answered again and again."""
        async with asyncio.timeout(TIMEOUT):
            while not condition():
                await self.receiver.describe(timeout=TIMEOUT)


def inputs(*latents: LatentId | LatentInput) -> LatentInputs:
    return LatentInputs(
        latents=tuple(
            each if isinstance(each, LatentInput) else LatentInput(latent_id=each)
            for each in latents
        )
    )
