"""The arms of an evaluation in one process: what is sent, and what stands in front of it.

Owns which parts make which arm (methods.md section 6); running them is `measuring`'s.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from latentflow.errors import InvalidInput
from latentflow.evaluation.arm_names import ArmName, Kind
from latentflow.evaluation.cases import Asked
from latentflow.evaluation.controls import Repeated, zeroed
from latentflow.evaluation.sending import (
    Exchanged,
    Halved,
    Latent,
    Message,
    Nothing,
    Sending,
    WholeText,
)
from latentflow.model.adapter_file import AdapterHeader
from latentflow.model.adapters import layout_for
from latentflow.model.capture import KVCache
from latentflow.quantisation import MEAN_BITS, Quantisation

TunedSlots = Callable[[str], KVCache]
"""The slots that stand in front of the text in the arm of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """`tuned` are slots in front of what is sent, in the arms that have them."""

    name: str
    sending: Sending
    tuned: KVCache | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What arms need besides the case: whom it is exchanged with, a mean latent, tuned slots.

    Of what no arm asks for, nothing need be there.
    """

    header: AdapterHeader
    others: Mapping[Asked, Asked]
    mean: Repeated | None
    tuned_slots: TunedSlots


def no_tuned_slots(arm: str) -> KVCache:
    """Raises InvalidInput: there is nothing trained to stand in front of the text."""
    raise InvalidInput(field=f"arm {arm}", problem="needs a trained prefix: give --tuned")


def build_arm(name: ArmName, around: Surroundings) -> Arm:
    """Raises InvalidInput for a budget that the adapter has not, or a missing tuned prefix."""
    tuned = around.tuned_slots(name.text) if name.tuned else None
    return Arm(name=name.text, sending=_SENDING[name.kind](name, around), tuned=tuned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Of a latent: a `budget` as `summarise` takes it, and in which bits its numbers travel."""

    budget: int
    quantisation: Quantisation = Quantisation.INT8


def size_of(header: AdapterHeader, name: ArmName) -> Size:
    """Raises InvalidInput for a share that the adapter does not offer, or not in half precision."""
    sizes = sizes_of(header)
    if name.budget not in sizes:
        known = ", ".join(map(str, sizes))
        raise InvalidInput(field=f"budget {name.budget}", problem=f"must be one of {known}")
    size = sizes[name.budget]
    if not name.half_precision:
        return size
    if size.quantisation is not Quantisation.INT8:
        raise InvalidInput(field=f"arm {name.text}", problem="takes fewer bits than fp16 already")
    return replace(size, quantisation=Quantisation.FLOAT16)


def sizes_of(header: AdapterHeader) -> dict[Fraction, Size]:
    """What an adapter offers by its share of the whole, which comes first.

    Fewer bits of each number where these can be graded, otherwise fewer slots.
    """
    layout = layout_for(header)
    whole = layout.budgets[0]
    if layout.is_gradable:
        full = MEAN_BITS[Quantisation.INT8]
        return {
            Fraction(bits, full): Size(budget=whole, quantisation=quantisation)
            for quantisation, bits in MEAN_BITS.items()
        }
    return {Fraction(budget, whole): Size(budget=budget) for budget in layout.budgets}


def _message(name: ArmName, around: Surroundings) -> Sending:
    return Message(tokens=name.tokens, need=name.need)


def _latent(name: ArmName, around: Surroundings) -> Latent:
    size = size_of(around.header, name)
    return Latent(budget=size.budget, quantisation=size.quantisation)


def _zero(name: ArmName, around: Surroundings) -> Sending:
    return replace(_latent(name, around), change=zeroed)


def _constant(name: ArmName, around: Surroundings) -> Sending:
    if around.mean is None:
        raise InvalidInput(field=f"arm {name.text}", problem="needs a mean latent")
    return replace(_latent(name, around), change=around.mean)


_SENDING: dict[Kind, Callable[[ArmName, Surroundings], Sending]] = {
    Kind.ALONE: lambda _name, _around: Nothing(),
    Kind.FULL_TEXT: lambda _name, _around: WholeText(),
    Kind.TEXT: _message,
    Kind.MATCHED: _latent,
    Kind.DERANGED: lambda name, around: Exchanged(_latent(name, around), around.others),
    Kind.ZERO: _zero,
    Kind.CONSTANT: _constant,
    Kind.TWO_SHARERS: lambda name, around: Halved(_latent(name, around)),
}
