"""Decodes the answers to several questions at once; each row succeeds, fails or stops by itself.

Computes, so it runs on the engine's thread.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from latentflow.calls import Sampling
from latentflow.model.capture import CHUNK_TOKENS
from latentflow.model.chunks import read_on
from latentflow.model.generation import generate
from latentflow.model.reading import ReadCache
from latentflow.model.stacking import stack
from services.receiver.asking import Asked, Begun, Injected
from services.receiver.priming import Primed, Primer


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A question ready to be answered: `prompt` is what is left of it to read after `cache`."""

    asked: Asked
    cache: ReadCache
    prompt: list[int]
    sampling: Sampling


def decode(primer: Primer, batch: Sequence[Asked]) -> None:
    """Tells every question its steps. What fails one row is told to that one alone."""
    rows = _rows(primer, batch)
    if not rows:
        return
    told = [row.asked for row in rows]
    steps = generate(
        primer.backbone,
        stack([row.cache for row in rows]),
        [row.prompt for row in rows],
        [row.sampling for row in rows],
        is_cancelled=lambda index: told[index].is_cancelled(),
    )
    # Decoding goes on in a cache of its own: theirs need not outlast its first step.
    del rows
    for step in steps:
        for piece in step:
            told[piece.row].tell(piece)


def _rows(primer: Primer, batch: Sequence[Asked]) -> list[Row]:
    return [row for asked in batch if (row := _row(primer, asked)) is not None]


def _row(primer: Primer, asked: Asked) -> Row | None:
    try:
        return _ready(primer, asked)
    except Exception as error:
        asked.fail(error)
        return None


def _ready(primer: Primer, asked: Asked) -> Row:
    began_at = time.perf_counter()
    asked.tell(Begun(queue_seconds=began_at - asked.asked_at))
    primed, ids = primer.ready(asked.ask.source, asked.ask.question, asked.is_cancelled)
    asked.tell(
        Injected(
            prompt_tokens=primed.tokens + len(ids),
            latent_slots=primed.slots,
            inject_seconds=time.perf_counter() - began_at,
        )
    )
    head, tail = ids[:-CHUNK_TOKENS], ids[-CHUNK_TOKENS:]
    return Row(
        asked=asked,
        cache=read_on(primer.backbone, primed.cache, head, is_cancelled=asked.is_cancelled),
        prompt=tail,
        sampling=_stopping(asked.ask.sampling, primed),
    )


def _stopping(sampling: Sampling, primed: Primed) -> Sampling:
    """Ends also where the form says that an answer ends."""
    return replace(sampling, stop=(primed.form.stop, *sampling.stop))
