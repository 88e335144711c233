"""The vectors of a latent's stream: how they are laid out, and how they become bytes.

Knows neither numpy nor torch: `wire` packs vectors and unpacks them, `model` makes and reads them.
"""

from dataclasses import dataclass
from enum import StrEnum

from latentflow.errors import InvalidInput
from latentflow.quantisation import Quantisation, grades


class ElementType(StrEnum):
    """What a stream's values are before packing and again after unpacking."""

    FLOAT32 = "float32"
    UTF8 = "utf8"


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorLayout:
    """The shape of the stream: `slots` x `layers` vectors of `width` elements, slot by slot.

    A text message has one layer, one slot a byte and width 1.
    """

    layers: int
    slots: int
    width: int
    dtype: ElementType

    def __post_init__(self) -> None:
        for field, limit in (("layers", 1024), ("slots", 1 << 20), ("width", 1 << 16)):
            if not 1 <= getattr(self, field) <= limit:
                raise InvalidInput(field=f"layout.{field}", problem=f"must be 1 to {limit}")

    @property
    def vectors(self) -> int:
        return self.layers * self.slots


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """How the vectors become bytes. `dictionary` names a zstd dictionary, empty for none."""

    quantisation: Quantisation
    zstd_level: int = 3
    dictionary: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.zstd_level <= 19:
            raise InvalidInput(field="codec.zstd_level", problem="must be 1 to 19")
        if self.dictionary:
            raise InvalidInput(field="codec.dictionary", problem="no dictionary is known here")

    def vector_bytes(self, layout: TensorLayout) -> int:
        """Bytes of one packed vector: int8 has a float32 scale in front, graded whole bytes."""
        if graded := grades(self.quantisation, layout.width):
            return -(-sum(grade.bits * (grade.stop - grade.start) for grade in graded) // 8)
        per_element = {
            Quantisation.NONE: 1 if layout.dtype is ElementType.UTF8 else 4,
            Quantisation.INT8: 1,
            Quantisation.FLOAT16: 2,
            Quantisation.BFLOAT16: 2,
        }
        scale_bytes = 4 if self.quantisation is Quantisation.INT8 else 0
        return scale_bytes + layout.width * per_element[self.quantisation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """Unpacked values of a stream: float32, little-endian, [slots, layers, width] row-major.

    The one value `wire` and `model` exchange: bytes, so that neither needs the other's library.
    """

    layout: TensorLayout
    values: bytes

    def __post_init__(self) -> None:
        expected = self.layout.vectors * self.layout.width * 4
        if self.layout.dtype is not ElementType.FLOAT32 or len(self.values) != expected:
            raise InvalidInput(field="values", problem=f"must be {expected} bytes of float32")
