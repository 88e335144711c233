"""What making a latent takes, in the three steps between which the engine tells how far it is.

Each step computes, so each runs on the engine's thread. Legend: L layers, B batch, H KV heads,
T tokens, D head_dim.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from services.sharer.packed import Packed

Read = TypeVar("Read")

OnTokens = Callable[[int], None]
IsCancelled = Callable[[], bool]


class Work(Protocol[Read]):
    """`Read` is what the model remembers of the tokens it has read."""

    def tokenise(self) -> list[int]:
        """Raises EmptyInput, ContextTooLong."""
        ...

    def prefill(self, ids: list[int], on_tokens: OnTokens, is_cancelled: IsCancelled) -> Read:
        """`on_tokens` hears how many are read so far. Raises Cancelled."""
        ...

    def summarise(self, read: Read, is_cancelled: IsCancelled) -> Packed:
        """Raises Cancelled where it takes long."""
        ...
