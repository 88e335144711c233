"""`latentflow ask "question" --latent ID[:TEXT]`: prints the receiver's answer as it is decoded."""

import asyncio
from argparse import ArgumentParser, Namespace

from latentflow.calls import (
    GenerateCall,
    GenerateEvent,
    LatentInput,
    LatentInputs,
    LatentOutcome,
    Prompt,
    Sampling,
    TokenText,
    Usage,
)
from latentflow.cli.endpoints import (
    access_from,
    add_endpoint_arguments,
    addresses_from,
    failure_explained,
)
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.cli.shown import counted
from latentflow.client import Addresses, connect
from latentflow.errors import EmptyInput
from latentflow.latent import parse_latent_id
from latentflow.rpc.access import Access


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("question", metavar="QUESTION")
    parser.add_argument(
        "--latent",
        action="append",
        default=[],
        metavar="ID[:TEXT]",
        help="may be given several times; TEXT is the latent id of a text message, as "
        "`share --text` prints it, and is read when ID can't be used",
    )
    parser.add_argument(
        "--max-tokens",
        type=int,
        default=64,
        metavar="N",
        help="of the answer, at most; default: %(default)s",
    )
    parser.add_argument(
        "--temperature",
        type=float,
        default=0.0,
        metavar="T",
        help="0, the default, takes the likeliest token each time",
    )
    add_endpoint_arguments(parser, "receiver")


def run(arguments: Namespace, settings: Settings) -> None:
    if not arguments.question.strip():
        raise EmptyInput(field="the question")
    addresses = addresses_from(arguments, settings)
    latents = map(latent_input, arguments.latent)
    call = GenerateCall(
        prompt=Prompt(question=arguments.question),
        source=LatentInputs(latents=tuple(latents)),
        sampling=Sampling(max_tokens=arguments.max_tokens, temperature=arguments.temperature),
    )
    access = access_from(arguments, settings)
    with failure_explained(addresses, access):
        asyncio.run(_ask(addresses, access, call, timeout_seconds=arguments.timeout))


def latent_input(given: str) -> LatentInput:
    """`ID` or `ID:ID`, the second one a text message. Raises InvalidInput."""
    latent_id, colon, fallback = given.partition(":")
    return LatentInput(
        latent_id=parse_latent_id(latent_id), fallback=parse_latent_id(fallback) if colon else None
    )


async def _ask(
    addresses: Addresses, access: Access, call: GenerateCall, *, timeout_seconds: float
) -> None:
    progress = Progress()
    async with connect(addresses, access) as flow:
        async for event in flow.stream(call, timeout=timeout_seconds):
            _show(event, progress)


def _show(event: GenerateEvent, progress: Progress) -> None:
    match event:
        case LatentOutcome():
            reason = f" ({event.reason})" if event.reason else ""
            size = counted(event.wire_bytes, "byte")
            progress.say(f"{event.latent_id}: {event.outcome}{reason}, {size}")
        case TokenText():
            print(event.text, end="", flush=True)
        case Usage():
            print(flush=True)
            seconds = event.timings.prefill_seconds + event.timings.decode_seconds
            progress.say(f"{event.completion_tokens} tokens in {seconds:.2f} s, {event.finish}")
