"""Means `text`: a message that the sharer's own model writes."""

from dataclasses import dataclass

from latentflow.calls import TextMeans
from latentflow.errors import Cancelled
from latentflow.latent import Method, PositionPolicy
from latentflow.model.backbone import Backbone
from latentflow.model.chunks import read_on
from latentflow.model.generation import generate
from latentflow.model.prompt import message_sampling, summary_ids
from latentflow.model.reading import ReadCache, empty_cache, require_fit
from latentflow.wire.text import TEXT_CODEC, text_layout, write_text
from services.sharer.packed import Packed
from services.sharer.work import IsCancelled, OnTokens

# Left for decoding to begin with: its text is read behind these.
_TAIL_TOKENS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOrder:
    """The order to summarise, read but for its last tokens."""

    cache: ReadCache
    tail: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageWork:
    backbone: Backbone
    means: TextMeans
    context: str
    need: str

    def tokenise(self) -> list[int]:
        ids = summary_ids(
            self.backbone.tokenizer,
            self.context,
            max_tokens=self.means.max_tokens,
            question=self.need,
        )
        require_fit(self.backbone, len(ids) + self.means.max_tokens, field="context")
        return ids

    def prefill(self, ids: list[int], on_tokens: OnTokens, is_cancelled: IsCancelled) -> ReadOrder:
        head, tail = ids[:-_TAIL_TOKENS], ids[-_TAIL_TOKENS:]
        cache = read_on(
            self.backbone,
            empty_cache(self.backbone, 1),
            head,
            on_tokens=on_tokens,
            is_cancelled=is_cancelled,
        )
        on_tokens(len(ids))
        return ReadOrder(cache=cache, tail=tail)

    def summarise(self, read: ReadOrder, is_cancelled: IsCancelled) -> Packed:
        """Raises EmptyInput when the model wrote nothing."""
        stream = write_text(self._write(read, is_cancelled).strip())
        return Packed(
            method=Method.TEXT,
            adapter=None,
            receiver=None,
            layout=text_layout(stream),
            codec=TEXT_CODEC,
            position=PositionPolicy.PROMPT,
            stream=stream,
        )

    def _write(self, read: ReadOrder, is_cancelled: IsCancelled) -> str:
        sampling = message_sampling(self.backbone.tokenizer, self.means.max_tokens)
        steps = generate(
            self.backbone,
            read.cache,
            [read.tail],
            [sampling],
            is_cancelled=lambda _row: is_cancelled(),
        )
        written = "".join(piece.text for step in steps for piece in step)
        if is_cancelled():
            raise Cancelled()
        return written
