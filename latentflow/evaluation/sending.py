"""The sharer's side of an arm: from contexts to what the receiver is handed.

Owns what each arm sends; how the receiver reads it is `receiving`'s.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from latentflow.evaluation.cases import Asked, Span
from latentflow.evaluation.crossing import cross_text, cross_vectors
from latentflow.evaluation.halves import halves
from latentflow.evaluation.handoff import Handoff
from latentflow.model.backbone import Backbone
from latentflow.model.contexts import capture_contexts, context_ids
from latentflow.model.messages import write_messages
from latentflow.model.orders import Order
from latentflow.model.prompt import summary_ids
from latentflow.model.spans import token_spans
from latentflow.quantisation import Quantisation
from latentflow.vectors import Codec, Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What came off the wire for one case: a text, or latents one behind the other."""

    text: str = ""
    latents: tuple[Vectors, ...] = ()
    wire_bytes: int = 0


class Sending(Protocol):
    """What the sharer does with some cases, seeing no more of a case than it says."""

    def send(self, handoff: Handoff, cases: Sequence[Asked]) -> list[Parcel]:
        """One parcel a case, made of the case's context."""
        ...


@dataclass(frozen=True, slots=True)
class Nothing:
    """The receiver is on its own."""

    def send(self, handoff: Handoff, cases: Sequence[Asked]) -> list[Parcel]:
        return [Parcel() for _ in cases]


@dataclass(frozen=True, slots=True)
class WholeText:
    """The context itself, unless the receiver has it: the ceiling for reading."""

    def send(self, handoff: Handoff, cases: Sequence[Asked]) -> list[Parcel]:
        return [
            Parcel() if handoff.is_shared else _text_parcel(case.context.strip()) for case in cases
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """At most `tokens` tokens in the sharer's words; with `need` it is shown the question."""

    tokens: int
    need: bool = False
    order: Order | None = None

    def send(self, handoff: Handoff, cases: Sequence[Asked]) -> list[Parcel]:
        prompts = [self._prompt(handoff.sharer, case) for case in cases]
        return [
            _text_parcel(text)
            for text in write_messages(handoff.sharer, prompts, max_tokens=self.tokens)
        ]

    def _prompt(self, sharer: Backbone, case: Asked) -> list[int]:
        return summary_ids(
            sharer.tokenizer,
            case.context,
            max_tokens=self.tokens,
            question=case.question if self.need else "",
            order=self.order,
        )


def _unchanged(vectors: Vectors) -> Vectors:
    return vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Latent:
    """What the adapter makes of the context; `change` is what a control arm puts in its place.

    `budget` as `SharerAdapter.summarise` takes it: 0 for the whole one.
    """

    budget: int = 0
    quantisation: Quantisation = Quantisation.INT8
    change: Callable[[Vectors], Vectors] = _unchanged

    def send(self, handoff: Handoff, cases: Sequence[Asked]) -> list[Parcel]:
        return [self._parcel(handoff, case) for case in cases]

    def _parcel(self, handoff: Handoff, case: Asked) -> Parcel:
        text = handoff.sharers_text(case)
        vectors = summarise(handoff, text, budget=self.budget, spans=case.spans)
        arrived, wire_bytes = cross_vectors(vectors, Codec(quantisation=self.quantisation))
        return Parcel(latents=(self.change(arrived),), wire_bytes=wire_bytes)


@dataclass(frozen=True, slots=True, eq=False)
class Exchanged:
    """Each case gets what is sent of another one."""

    sending: Sending
    others: Mapping[Asked, Asked]

    def send(self, handoff: Handoff, cases: Sequence[Asked]) -> list[Parcel]:
        return self.sending.send(handoff, [self.others[case] for case in cases])


@dataclass(frozen=True, slots=True)
class Halved:
    """Two sharers with half of the context each; their latents arrive one behind the other."""

    sending: Latent

    def send(self, handoff: Handoff, cases: Sequence[Asked]) -> list[Parcel]:
        return [self._parcel(handoff, case) for case in cases]

    def _parcel(self, handoff: Handoff, case: Asked) -> Parcel:
        shares = [replace(case, context=half, spans=()) for half in halves(case)]
        parcels = [self.sending.send(handoff, [share])[0] for share in shares]
        return Parcel(
            latents=tuple(latent for parcel in parcels for latent in parcel.latents),
            wire_bytes=sum(parcel.wire_bytes for parcel in parcels),
        )


def summarise(
    handoff: Handoff, text: str, *, budget: int = 0, spans: Sequence[Span] = ()
) -> Vectors:
    """The latent of what the sharer reads. Raises InvalidInput for a budget the adapter has not."""
    cache = capture_contexts(handoff.sharer, [context_ids(handoff.sharer, text)])
    is_cut = spans and handoff.encoder.takes_spans
    places = token_spans(handoff.sharer.tokenizer, text, spans) if is_cut else ()
    return handoff.encoder.summarise(cache, budget=budget, spans=places)


def _text_parcel(text: str) -> Parcel:
    arrived, wire_bytes = cross_text(text)
    return Parcel(text=arrived, wire_bytes=wire_bytes)
