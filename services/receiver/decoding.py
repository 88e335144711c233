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
from services.receiver.priming import OnPositions, Primed, Primer, uncounted


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A question ready to be answered: `prompt` is what is left of it to read after `cache`."""

    asked: Asked
    cache: ReadCache
    prompt: list[int]
    sampling: Sampling


def decode(
    primer: Primer, batch: Sequence[Asked], *, on_positions: OnPositions = uncounted
) -> None:
    """Tells every question its steps. What fails one row is told to that one alone.

    `on_positions` hears of what is to be read before it is, then of what each step has read.
    """
    rows = _rows(primer, batch, on_positions)
    if not rows:
        return
    told = [row.asked for row in rows]
    columns = max(row.cache.columns for row in rows) + max(len(row.prompt) for row in rows)
    steps = generate(
        primer.backbone,
        stack([row.cache for row in rows]),
        [row.prompt for row in rows],
        [row.sampling for row in rows],
        is_cancelled=lambda index: told[index].is_cancelled(),
    )
    # Decoding goes on in a cache of its own: theirs need not outlast its first step.
    del rows
    for done, step in enumerate(steps):
        on_positions(len(step) * (columns + done))
        for piece in step:
            told[piece.row].tell(piece)


def _rows(primer: Primer, batch: Sequence[Asked], on_positions: OnPositions) -> list[Row]:
    rows = list[Row]()
    for asked in batch:
        ready = sum(row.cache.columns + len(row.prompt) for row in rows)
        row = _row(primer, asked, _behind(ready, on_positions))
        if row is not None:
            rows.append(row)
    return rows


def _behind(ready: int, on_positions: OnPositions) -> OnPositions:
    """Adds those that are `ready`."""
    return lambda positions: on_positions(ready + positions)


def _row(primer: Primer, asked: Asked, on_positions: OnPositions) -> Row | None:
    try:
        return _ready(primer, asked, on_positions)
    except Exception as error:
        asked.fail(error)
        return None


def _ready(primer: Primer, asked: Asked, on_positions: OnPositions) -> Row:
    began_at = time.perf_counter()
    asked.tell(Begun(queue_seconds=began_at - asked.asked_at))
    ask = asked.ask
    primed, ids = primer.ready(
        ask.source, ask.question, asked.is_cancelled, on_positions=on_positions
    )
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
        sampling=_stopping(ask.sampling, primed),
    )


def _stopping(sampling: Sampling, primed: Primed) -> Sampling:
    """Ends also where the form says that an answer ends."""
    return replace(sampling, stop=(primed.form.stop, *sampling.stop))
