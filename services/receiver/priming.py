"""From what is to be read to a cache that a question can be asked over: tokens, slots, in order.

Computes, so it runs on the engine's thread. Knows nothing of queues or the wire.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from latentflow.model.backbone import Backbone
from latentflow.model.chunks import read_on
from latentflow.model.footprint import cache_bytes
from latentflow.model.injection import inject_prefix
from latentflow.model.prompt import PromptFormat, message_ids, prefix_ids, question_ids
from latentflow.model.reading import ReadCache, empty_cache, require_fit
from services.receiver.reading import Reading, Slots

IsCancelled = Callable[[], bool]
OnPositions = Callable[[int], None]
"""Hears how many positions the caches of what is under way have together."""


def _never() -> bool:
    return False


def uncounted(_positions: int) -> None:
    """Nobody asks for the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A reading in tokens: `prefix` first, then each step's tokens or slots."""

    form: PromptFormat
    prefix: list[int]
    steps: tuple[list[int] | Slots, ...]

    @property
    def slots(self) -> int:
        return sum(step.vectors.layout.slots for step in self.steps if isinstance(step, Slots))

    @property
    def positions(self) -> int:
        read = sum(len(step) for step in self.steps if not isinstance(step, Slots))
        return len(self.prefix) + read + self.slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Primed:
    """A cache of one row that a question can follow. `slots` of its positions came as latents."""

    form: PromptFormat
    cache: ReadCache
    positions: int
    slots: int

    @property
    def tokens(self) -> int:
        return self.positions - self.slots


Source = Reading | Primed


def tokens_before(source: Source) -> int:
    """What an earlier call has read of it."""
    return source.tokens if isinstance(source, Primed) else 0


class Primer:
    """Reads what each form begins with once and keeps it."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone
        self._prefixes: dict[PromptFormat, ReadCache] = {}

    def warm_up(self, forms: Iterable[PromptFormat]) -> None:
        """Reads the prefix of each form, so that no call has to wait for it."""
        for form in forms:
            self.prime(self.plan(Reading(form=form, context="", parts=())), _never)

    def plan(self, reading: Reading) -> Plan:
        """Raises ContextTooLong before anything is read."""
        tokenizer = self.backbone.tokenizer
        plan = Plan(
            form=reading.form,
            prefix=prefix_ids(tokenizer, reading.form, own_context=reading.context),
            steps=tuple(
                part if isinstance(part, Slots) else message_ids(tokenizer, part.text)
                for part in reading.parts
            ),
        )
        require_fit(self.backbone, plan.positions + 1, field="prompt")
        return plan

    def ready(
        self,
        source: Source,
        question: str,
        is_cancelled: IsCancelled,
        *,
        on_positions: OnPositions = uncounted,
    ) -> tuple[Primed, list[int]]:
        """The primed cache and the question's tokens, which it does not hold yet.

        `on_positions` hears of both before anything is read.
        Raises EmptyInput, ContextTooLong unless an answer has room, Cancelled.
        """
        before = source if isinstance(source, Primed) else self.plan(source)
        ids = question_ids(self.backbone.tokenizer, before.form, question)
        require_fit(self.backbone, before.positions + len(ids) + 1, field="prompt")
        on_positions(before.positions + len(ids))
        primed = before if isinstance(before, Primed) else self.prime(before, is_cancelled)
        return primed, ids

    @torch.no_grad()
    def prime(self, plan: Plan, is_cancelled: IsCancelled) -> Primed:
        """Raises Cancelled between two chunks."""
        cache = self._prefix(plan, is_cancelled)
        for step in plan.steps:
            if isinstance(step, Slots):
                slots = step.adapter.translate(step.vectors)
                cache = inject_prefix(self.backbone, cache, slots)
            else:
                cache = read_on(self.backbone, cache, step, is_cancelled=is_cancelled)
        return Primed(form=plan.form, cache=cache, positions=plan.positions, slots=plan.slots)

    def bytes_of(self, plan: Plan) -> int:
        """Memory of its cache."""
        return cache_bytes(self.backbone, plan.positions)

    def _prefix(self, plan: Plan, is_cancelled: IsCancelled) -> ReadCache:
        """What the form begins with is read already, unless the context changes its last token."""
        plain = prefix_ids(self.backbone.tokenizer, plan.form)
        if plan.prefix[: len(plain)] != plain:
            return self._read(plan.prefix, is_cancelled)
        if plan.form not in self._prefixes:
            self._prefixes[plan.form] = self._read(plain, is_cancelled)
        rest = plan.prefix[len(plain) :]
        return read_on(self.backbone, self._prefixes[plan.form], rest, is_cancelled=is_cancelled)

    def _read(self, ids: list[int], is_cancelled: IsCancelled) -> ReadCache:
        empty = empty_cache(self.backbone, 1)
        return read_on(self.backbone, empty, ids, is_cancelled=is_cancelled)
