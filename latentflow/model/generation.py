"""Decoding over a prepared cache: many answers at once, each with its own wishes, as a stream.

Owns the loop and when an answer ends; knows nothing of how the cache came to be.
Legend: B batch, T tokens, V vocabulary, C hidden size.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from latentflow.calls import FinishReason, Sampling
from latentflow.errors import InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.reading import ReadCache, continue_from, require_fit
from latentflow.model.sampling import TokenChooser
from latentflow.model.text_stream import TextStream
from latentflow.model.tokens import pad_right


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What one step added to one answer: `text` may be empty, `tokens` counts from its start."""

    row: int
    text: str
    tokens: int
    finish: FinishReason | None


def _never(_row: int) -> bool:
    return False


def generate(
    backbone: Backbone,
    cache: ReadCache,
    prompts: Sequence[Sequence[int]],
    samplings: Sequence[Sampling],
    *,
    is_cancelled: Callable[[int], bool] = _never,
) -> Iterator[tuple[Piece, ...]]:
    """Answers each prompt after `cache` (one row for all, or one each); a tuple a step.

    A step holds one piece for every answer not finished before; the last piece of each says
    why it ended. A cancelled row leaves without a last piece before its next token, and frees
    its memory.
    An answer that reaches the model's last position ends with MAX_TOKENS.
    Raises InvalidInput, EmptyInput, ContextTooLong.
    """
    ids_BT, mask_BT = pad_right(prompts, device=backbone.device)
    answers = _answers(backbone, cache, prompts, samplings)
    logits_BV, cache = _first_logits(backbone, cache, ids_BT, mask_BT)
    while answers:
        wanted = [not is_cancelled(answer.row) for answer in answers]
        pieces = tuple(
            answer.step(logits_V)
            for answer, logits_V, is_wanted in zip(answers, logits_BV, wanted, strict=True)
            if is_wanted
        )
        if pieces:
            yield pieces
        answers, cache = _still_going(answers, wanted, cache)
        if answers:
            logits_BV, cache = _next_logits(backbone, cache, answers)


class _Answer:
    """One row's state: what it may still say, and what it has said."""

    def __init__(self, row: int, sampling: Sampling, text: TextStream, ends: frozenset[int]):
        self.row = row
        self.token = -1
        self.finish: FinishReason | None = None
        self._chooser = TokenChooser(sampling)
        self._text = text
        self._ends = ends
        self._tokens = 0
        self._left = sampling.max_tokens

    def step(self, logits_V: Tensor) -> Piece:
        self.token = self._chooser.choose(logits_V)
        self._tokens += 1
        self._left -= 1
        if self.token in self._ends:
            return self._end(FinishReason.STOP, self._text.finish())
        text = self._text.push(self.token)
        if self._text.stopped:
            return self._end(FinishReason.STOP, text)
        if self._left == 0:
            rest = self._text.finish()
            return self._end(
                FinishReason.STOP if self._text.stopped else FinishReason.MAX_TOKENS, text + rest
            )
        return self._piece(text)

    def _end(self, finish: FinishReason, text: str) -> Piece:
        self.finish = finish
        return self._piece(text)

    def _piece(self, text: str) -> Piece:
        return Piece(row=self.row, text=text, tokens=self._tokens, finish=self.finish)


def stop_tokens(backbone: Backbone) -> frozenset[int]:
    """Ids that end a text for this model: its tokenizer's and its generation config's."""
    ends = getattr(backbone.model.generation_config, "eos_token_id", None)
    named = ends if isinstance(ends, list) else [ends]
    return frozenset(
        int(end) for end in (*named, backbone.tokenizer.eos_token_id) if end is not None
    )


def _answers(
    backbone: Backbone,
    cache: ReadCache,
    prompts: Sequence[Sequence[int]],
    samplings: Sequence[Sampling],
) -> list[_Answer]:
    if len(samplings) != len(prompts) or cache.rows not in (1, len(prompts)):
        raise InvalidInput(field="samplings", problem="needs one a prompt, and a cache for each")
    ends = stop_tokens(backbone)
    read = cache.lengths.expand(len(prompts)).tolist()
    return [
        _Answer(
            row,
            _within_positions(backbone, samplings[row], read[row] + len(prompt)),
            TextStream(backbone.tokenizer, prompt, samplings[row].stop),
            ends,
        )
        for row, prompt in enumerate(prompts)
    ]


def _within_positions(backbone: Backbone, sampling: Sampling, used: int) -> Sampling:
    """`sampling` with no more tokens than there are positions after the `used` ones."""
    require_fit(backbone, used + 1, field="prompt")
    left = backbone.shape.max_positions - used
    return replace(sampling, max_tokens=min(sampling.max_tokens, left))


def _still_going(
    answers: list[_Answer], wanted: Sequence[bool], cache: ReadCache
) -> tuple[list[_Answer], ReadCache]:
    """The answers that have not ended and are still wanted, and the cache of their rows."""
    going = [
        index for index, answer in enumerate(answers) if wanted[index] and answer.finish is None
    ]
    if len(going) == len(answers):
        return answers, cache
    rows_N = torch.tensor(going, device=cache.mask_BK.device, dtype=torch.long)
    return [answers[index] for index in going], cache.select(rows_N)


# On each step, not on `generate`: around a generator it would keep the first cache to the end.
@torch.no_grad()
def _first_logits(
    backbone: Backbone, cache: ReadCache, ids_BT: Tensor, mask_BT: Tensor
) -> tuple[Tensor, ReadCache]:
    """Reads the prompts; logits [B, V] of what follows each."""
    hidden_BTC, cache = continue_from(backbone, cache, ids_BT, mask_BT)
    rows_B = torch.arange(len(ids_BT), device=backbone.device)
    return backbone.logits(hidden_BTC[rows_B, mask_BT.sum(-1) - 1]), cache


@torch.no_grad()
def _next_logits(
    backbone: Backbone, cache: ReadCache, answers: list[_Answer]
) -> tuple[Tensor, ReadCache]:
    """Reads each answer's last token; logits [B, V] of the next."""
    ids_B1 = torch.tensor([[answer.token] for answer in answers], device=backbone.device)
    hidden_B1C, cache = continue_from(backbone, cache, ids_B1)
    return backbone.logits(hidden_B1C[:, 0]), cache
