"""Sizes of an `lcf`, `lcf-x` or `c2c` adapter, and which layer of the sharer each layer reads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from latentflow.errors import InvalidInput
from latentflow.model.projector import ProjectorShape, last_aligned
from latentflow.model.shape import ModelShape


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualSpec:
    """Both models' cache shapes and the receiver `layers` that are updated, in rising order.

    `width` is the channel d of `lcf` and `lcf-x`, the hidden width H of `c2c`.
    """

    sharer_layers: int
    sharer_kv_heads: int
    sharer_head_dim: int
    receiver_layers: int
    receiver_kv_heads: int
    receiver_head_dim: int
    layers: tuple[int, ...]
    width: int

    def __post_init__(self) -> None:
        sizes = [self.sharer_layers, self.sharer_kv_heads, self.sharer_head_dim, self.width]
        sizes += [self.receiver_layers, self.receiver_kv_heads, self.receiver_head_dim]
        if min(sizes) < 1:
            raise InvalidInput(field="hyperparameters", problem="every size must be at least 1")
        if not self.layers or list(self.layers) != sorted(set(self.layers)):
            raise InvalidInput(field="layers", problem="must be at least one, rising")
        if self.layers[0] < 0 or self.layers[-1] >= self.receiver_layers:
            raise InvalidInput(field="layers", problem="must be layers of the receiver")

    @property
    def sources(self) -> tuple[int, ...]:
        """The sharer layer that each of `layers` reads."""
        aligned = last_aligned(
            sharer_layers=self.sharer_layers, receiver_layers=self.receiver_layers
        )
        return tuple(aligned[layer] for layer in self.layers)

    @property
    def sharer_columns(self) -> int:
        """Keys and values of one token in one sharer layer."""
        return 2 * self.sharer_kv_heads * self.sharer_head_dim

    @property
    def receiver_columns(self) -> int:
        """Likewise, the receiver's."""
        return 2 * self.receiver_kv_heads * self.receiver_head_dim

    @property
    def projector(self) -> ProjectorShape:
        """Raises InvalidInput when `width` can't be split into a half for K and one for V."""
        return ProjectorShape(
            sharer_kv_width=self.sharer_columns // 2,
            kv_heads=self.receiver_kv_heads,
            head_dim=self.receiver_head_dim,
            channel=self.width,
        )

    def keep(self, layers: Sequence[int]) -> "ResidualSpec":
        """Only those of the layers. Raises InvalidInput when there is none or a foreign one."""
        if not set(layers) <= set(self.layers):
            raise InvalidInput(field="layers", problem="must be some of the adapter's")
        return replace(self, layers=tuple(sorted(layers)))


def residual_spec(sharer: ModelShape, receiver: ModelShape, *, width: int) -> ResidualSpec:
    """For an ordered pair of models, every receiver layer updated."""
    return ResidualSpec(
        sharer_layers=sharer.layers,
        sharer_kv_heads=sharer.kv_heads,
        sharer_head_dim=sharer.head_dim,
        receiver_layers=receiver.layers,
        receiver_kv_heads=receiver.kv_heads,
        receiver_head_dim=receiver.head_dim,
        layers=tuple(range(receiver.layers)),
        width=width,
    )
