"""What an application imports: hand a context to a sharer, ask a receiver about it.

Owns the two connections and the caller's clock; how calls look on the wire is `rpc`'s.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from latentflow.calls import (
    DEFAULT_LIFETIME_SECONDS,
    GenerateCall,
    GenerateEvent,
    LatentInput,
    LatentInputs,
    LatentMeans,
    LatentOutcome,
    Prompt,
    Sampling,
    ShareCall,
    Shared,
    ShareEvent,
    TextMeans,
    TokenText,
    Usage,
)
from latentflow.errors import EmptyInput, MessageMalformed
from latentflow.latent import LatentId
from latentflow.rpc.access import OPEN, Access
from latentflow.rpc.channel import open_channel
from latentflow.rpc.receiver_client import ReceiverClient
from latentflow.rpc.sharer_client import SharerClient

GREEDY = Sampling()


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the services listen: any gRPC target. The defaults are the services' own."""

    sharer: str = "127.0.0.1:50052"
    receiver: str = "127.0.0.1:50053"

    def __post_init__(self) -> None:
        for field in ("sharer", "receiver"):
            if not getattr(self, field):
                raise EmptyInput(field=field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer, what happened to each latent, and how long it took as the caller saw it.

    Seconds count from the call to the first token decoded, whose text may still be held back, and
    to the end. An answer without any token has its first one at its end.
    """

    text: str
    outcomes: tuple[LatentOutcome, ...]
    usage: Usage
    first_token_seconds: float
    seconds: float

    @property
    def wire_bytes(self) -> int:
        """Bytes that the receiver fetched for all latents."""
        return sum(outcome.wire_bytes for outcome in self.outcomes)


@asynccontextmanager
async def connect(addresses: Addresses, access: Access = OPEN) -> AsyncIterator["LatentFlow"]:
    """A client of the sharer and the receiver there; connects with the first call to each.

    With TLS and a token when `access` says so. Raises InvalidInput for files that can't be used.
    """
    credentials = access.credentials()
    async with (
        open_channel(addresses.sharer, credentials) as sharer,
        open_channel(addresses.receiver, credentials) as receiver,
    ):
        yield LatentFlow(SharerClient(sharer), ReceiverClient(receiver))


class LatentFlow:
    """A sharer and a receiver.

    Every call takes `timeout` seconds and raises what the service raised (`latentflow.errors`),
    ServiceUnavailable when it can't be reached, DeadlineExpired when the timeout passed.

        async with connect(Addresses()) as flow:
            shared = await flow.share(memo, timeout=30)
            answer = await flow.ask("Which room?", [shared.latent.manifest.latent_id], timeout=30)
            print(answer.text)
    """

    def __init__(self, sharer: SharerClient, receiver: ReceiverClient) -> None:
        self._sharer = sharer
        self._receiver = receiver

    async def share(
        self,
        context: str,
        *,
        means: LatentMeans | TextMeans | None = None,
        need: str = "",
        lifetime_seconds: int = DEFAULT_LIFETIME_SECONDS,
        fresh: bool = False,
        timeout: float,
    ) -> Shared:
        """Has the sharer read `context` and publish what it learned; by default as a latent.

        An equal latent that is stored already is given instead, unless it is to be `fresh`.
        """
        call = ShareCall(
            context=context,
            means=means or LatentMeans(),
            need=need,
            lifetime_seconds=lifetime_seconds,
            fresh=fresh,
        )
        last: ShareEvent | None = None
        async with aclosing(self.sharing(call, timeout=timeout)) as events:
            async for event in events:
                last = event
        if not isinstance(last, Shared):
            raise MessageMalformed(field="share", problem="ended without a latent")
        return last

    def sharing(self, call: ShareCall, *, timeout: float) -> AsyncGenerator[ShareEvent, None]:
        """How far the sharer is, last the committed latent; leaving early aborts the latent."""
        return self._sharer.share(call, timeout=timeout)

    async def ask(
        self,
        question: str,
        latent_ids: Iterable[LatentId] = (),
        *,
        context: str = "",
        sampling: Sampling = GREEDY,
        timeout: float,
    ) -> Answer:
        """The receiver's answer over the latents, and over a `context` of its own."""
        inputs = LatentInputs(latents=tuple(LatentInput(latent_id=given) for given in latent_ids))
        prompt = Prompt(question=question, context=context)
        call = GenerateCall(prompt=prompt, source=inputs, sampling=sampling)
        return await self.answer(call, timeout=timeout)

    async def answer(self, call: GenerateCall, *, timeout: float) -> Answer:
        """The whole answer to a call in full: sessions, fallbacks."""
        gathering = _Gathering(started=time.perf_counter())
        async with aclosing(self.stream(call, timeout=timeout)) as events:
            async for event in events:
                gathering.add(event, now=time.perf_counter())
        return gathering.answer(now=time.perf_counter())

    def stream(self, call: GenerateCall, *, timeout: float) -> AsyncGenerator[GenerateEvent, None]:
        """Each latent's outcome, the tokens as they are decoded, last the usage."""
        return self._receiver.generate(call, timeout=timeout)


class _Gathering:
    """An answer while its events come in."""

    def __init__(self, *, started: float) -> None:
        self._started = started
        self._first_token: float | None = None
        self._texts: list[str] = []
        self._outcomes: list[LatentOutcome] = []
        self._usage: Usage | None = None

    def add(self, event: GenerateEvent, *, now: float) -> None:
        match event:
            case TokenText():
                self._texts.append(event.text)
                self._first_token = self._first_token or now
            case LatentOutcome():
                self._outcomes.append(event)
            case Usage():
                self._usage = event

    def answer(self, *, now: float) -> Answer:
        """Raises MessageMalformed when no usage came."""
        if self._usage is None:
            raise MessageMalformed(field="generate", problem="ended without its usage")
        return Answer(
            text="".join(self._texts),
            outcomes=tuple(self._outcomes),
            usage=self._usage,
            first_token_seconds=(self._first_token or now) - self._started,
            seconds=now - self._started,
        )
