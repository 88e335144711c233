"""`latentflow share FILE`: has the sharer read a file, and prints the latent's id."""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from latentflow.calls import (
    DEFAULT_LIFETIME_SECONDS,
    LatentMeans,
    Prefilled,
    Published,
    Queued,
    ShareCall,
    Shared,
    ShareEvent,
    TextMeans,
)
from latentflow.cli.endpoints import (
    access_from,
    add_endpoint_arguments,
    addresses_from,
    failure_explained,
)
from latentflow.cli.latents.wording import size_of
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.client import Addresses, connect
from latentflow.errors import InvalidInput
from latentflow.files import read_text_file
from latentflow.quantisation import PACKED, Quantisation
from latentflow.rpc.access import Access


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    parser.add_argument("file", metavar="FILE", help="what only the sharer reads; - is the input")
    parser.add_argument("--text", type=int, metavar="TOKENS", help="send a text message instead")
    parser.add_argument("--adapter", default="", metavar="NAME", help="default: the only one")
    parser.add_argument(
        "--quantisation",
        metavar="FORM",
        help="of a latent: int8 (the default), float16 or bfloat16; "
        "graded4, graded2 or graded1 for a half, a quarter or an eighth of the bytes",
    )
    parser.add_argument("--need", default="", metavar="QUESTION", help="what will be asked")
    parser.add_argument(
        "--lifetime",
        type=int,
        default=DEFAULT_LIFETIME_SECONDS,
        metavar="SECONDS",
        help="of the latent; default: %(default)s; sharing an equal text again lengthens it, "
        "unless --fresh makes one of its own",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="make it anew, even where an equal one is stored"
    )
    add_endpoint_arguments(parser, "sharer")


def run(arguments: Namespace, settings: Settings) -> None:
    addresses = addresses_from(arguments, settings)
    call = ShareCall(
        context=read_text(arguments.file),
        means=_means(arguments),
        need=arguments.need,
        lifetime_seconds=arguments.lifetime,
        fresh=arguments.fresh,
    )
    access = access_from(arguments, settings)
    with failure_explained(addresses, access):
        asyncio.run(_share(addresses, access, call, timeout_seconds=arguments.timeout))


def read_text(file: str) -> str:
    """The text of a file, or of the standard input for `-`. Raises InvalidInput."""
    if file != "-":
        return read_text_file(Path(file))
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise InvalidInput(field=file, problem="is not UTF-8 text") from error


def _means(arguments: Namespace) -> LatentMeans | TextMeans:
    if arguments.text is not None:
        if arguments.quantisation is not None:
            raise InvalidInput(field="quantisation", problem="a text message has none")
        return TextMeans(max_tokens=arguments.text)
    form = arguments.quantisation or Quantisation.INT8
    if form not in PACKED:
        raise InvalidInput(field="quantisation", problem=f"must be one of {', '.join(PACKED)}")
    return LatentMeans(adapter=arguments.adapter, quantisation=Quantisation(form))


async def _share(
    addresses: Addresses, access: Access, call: ShareCall, *, timeout_seconds: float
) -> None:
    progress = Progress()
    async with connect(addresses, access) as flow:
        async for event in flow.sharing(call, timeout=timeout_seconds):
            _show(event, progress)


def _show(event: ShareEvent, progress: Progress) -> None:
    match event:
        case Queued():
            progress.show(f"queued behind {event.ahead}")
        case Prefilled():
            progress.show(f"read {event.tokens} of {event.of_tokens} tokens")
        case Published():
            progress.show(f"published {event.acknowledged_frames} frames")
        case Shared():
            latent = event.latent
            stored = ", stored already" if event.reused else ""
            progress.say(f"{size_of(latent)}{stored}")
            print(latent.manifest.latent_id)
