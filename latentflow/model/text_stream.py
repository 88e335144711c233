"""Tokens of one answer to text as they come: whole characters only, and no stop string.

Owns what must be held back until more is known; knows nothing of models.
"""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerBase

_INCOMPLETE = "\ufffd"
_CONTEXT_TOKENS = 4


class TextStream:
    """Text of one answer, released as soon as no later token can change it.

    `before` are the prompt's ids: some tokenizers write a token differently at a text's start.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, before: Sequence[int], stops: Sequence[str]
    ) -> None:
        self._tokenizer = tokenizer
        self._stops = stops
        self._context = list(before[-_CONTEXT_TOKENS:])
        self._fresh: list[int] = []
        self._held = ""
        self.stopped = False

    def push(self, token: int) -> str:
        """The text that `token` makes certain, empty while a character or stop may go on."""
        self._fresh.append(token)
        text = self._fresh_text()
        if text.endswith(_INCOMPLETE):
            return ""
        return self._release(text)

    def finish(self) -> str:
        """What is still held back when no token follows, an unfinished character included."""
        released = self._release(self._fresh_text())
        rest, self._held = self._held, ""
        return released if self.stopped else released + rest

    def _fresh_text(self) -> str:
        """Text of the fresh tokens, decoded behind their context."""
        before = self._decode(self._context)
        return self._decode(self._context + self._fresh)[len(before) :]

    def _decode(self, ids: list[int]) -> str:
        text = self._tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        assert isinstance(text, str)
        return text

    def _release(self, text: str) -> str:
        self._context, self._fresh = self._fresh[-_CONTEXT_TOKENS:] or self._context, []
        self._held += text
        found = [(at + len(stop), at) for stop in self._stops if (at := self._held.find(stop)) >= 0]
        self.stopped = bool(found)
        cut = min(found)[1] if found else len(self._held) - self._maybe_stop()
        released, self._held = self._held[:cut], self._held[cut:]
        return released

    def _maybe_stop(self) -> int:
        """Length of the longest end of the held text that begins a stop string."""
        starts = [
            size
            for stop in self._stops
            for size in range(1, len(stop))
            if self._held.endswith(stop[:size])
        ]
        return max(starts, default=0)
