"""What all methods have in common: latents that travel, a half that makes them, a half that uses.

Owns the values and the two bases; each method's modules are a file of their own, and which there
are is `halves`'. Legend: B batch, M slots, L layers, w width, T tokens.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache
from latentflow.model.reading import ReadCache

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NO_SLOT = -1

Spec = TypeVar("Spec", bound="DataclassInstance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Latents:
    """What travels: `values_BMLw`, of which `mask_BM` says which slots are real."""

    values_BMLw: Tensor
    mask_BM: Tensor

    def __post_init__(self) -> None:
        if self.values_BMLw.dim() != 4:
            raise InvalidInput(field="latents", problem="must be [B, M, L, w]")
        if self.mask_BM.shape != self.values_BMLw.shape[:2] or self.mask_BM.dtype != torch.bool:
            raise InvalidInput(field="latents", problem="must have a boolean mask [B, M]")

    @property
    def rows(self) -> int:
        return self.mask_BM.shape[0]

    def select(self, rows_N: Tensor) -> "Latents":
        """The given rows, in that order; an index may repeat."""
        return Latents(values_BMLw=self.values_BMLw[rows_N], mask_BM=self.mask_BM[rows_N])


def join_slots(latents: Sequence[Latents]) -> Latents:
    """The slots of several sharers' latents behind each other, row by row.

    Raises EmptyInput without any, InvalidInput unless all have the same rows, layers and width.
    """
    if not latents:
        raise EmptyInput(field="latents")
    if len({(each.rows, *each.values_BMLw.shape[2:]) for each in latents}) > 1:
        raise InvalidInput(field="latents", problem="must have one number of rows, layers, width")
    return Latents(
        values_BMLw=torch.cat([each.values_BMLw for each in latents], dim=1),
        mask_BM=torch.cat([each.mask_BM for each in latents], dim=1),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What the receiver is to read behind its own prefix: `ids`, a row for each row of latents.

    Where both models read one text, `slots` says for each of the ids which slot covers the same
    characters, NO_SLOT for none. A method of other contexts needs none.
    """

    ids: tuple[tuple[int, ...], ...]
    slots: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        if not self.ids or not all(self.ids):
            raise EmptyInput(field="tokens")
        if self.slots and list(map(len, self.slots)) != list(map(len, self.ids)):
            raise InvalidInput(field="slots", problem="must name one for every token")


class SharerHalf(nn.Module, ABC):
    """The sharer's half. `budgets` are the sizes of latent it offers, the whole one first."""

    budgets: tuple[int, ...]

    @abstractmethod
    def latents(self, cache: KVCache, budget: int) -> Latents:
        """Of a context's cache (without the beginning token). Raises InvalidInput for `budget`."""


class ReceiverHalf(nn.Module, ABC):
    """The receiver's half."""

    @abstractmethod
    def ready(
        self, receiver: Backbone, own: ReadCache, latents: Latents, rows: Rows
    ) -> tuple[ReadCache, list[list[int]]]:
        """The cache with the latents in it, and what of `rows` is still to be read over it.

        `own` is what the receiver has read, one row or one for each. Differentiable with respect
        to the latents. Raises InvalidInput, ContextTooLong.
        """


def spec_from_json(kind: type[Spec], values: Mapping[str, object]) -> Spec:
    """A method's sizes from an adapter file: whole numbers and lists of them.

    Raises InvalidInput for missing or foreign entries.
    """
    expected = {field.name: field.type for field in fields(kind)}
    if not set(values) <= set(expected):
        raise InvalidInput(field="hyperparameters", problem=f"are not a {kind.__name__}'s")
    given: dict[str, Any] = {
        name: _whole(name, value) if expected[name] is int else _wholes(name, value)
        for name, value in values.items()
    }
    try:
        return kind(**given)
    except TypeError as error:
        raise InvalidInput(field="hyperparameters", problem="lack some") from error


def require_budget(budget: int, budgets: Sequence[int]) -> None:
    """Raises InvalidInput unless `budget` is one of those offered."""
    if budget not in budgets:
        raise InvalidInput(field="budget", problem=f"must be one of {tuple(budgets)}")


def _whole(name: str, value: object) -> int:
    if type(value) is not int:
        raise InvalidInput(field=name, problem="must be a whole number")
    return value


def _wholes(name: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidInput(field=name, problem="must be a list of whole numbers")
    return tuple(_whole(name, each) for each in value)
