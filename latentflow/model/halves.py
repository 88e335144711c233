"""The methods there are: each one's sizes, its two halves, and where its latents enter.

Owns the table that turns an adapter's hyperparameters into modules; knows nothing of files.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from latentflow.errors import InvalidInput, UnsupportedMethod
from latentflow.latent import Method, PositionPolicy
from latentflow.model.backbone import Backbone
from latentflow.model.c2c import C2CReceiver, C2CSharer
from latentflow.model.lcf import LcfReceiver, LcfSharer
from latentflow.model.lcf_x import SPANS, SpanReceiver, SpanSharer
from latentflow.model.method import ReceiverHalf, SharerHalf, spec_from_json
from latentflow.model.prefix import PrefixDecoder, PrefixEncoder, PrefixSpec
from latentflow.model.residual_spec import ResidualSpec
from latentflow.model.shape import ModelShape

Hyperparameters = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One method. The halves are made of its spec, the sharer's with the model it is for."""

    position: PositionPolicy
    spec: type[Any]
    sharer: Callable[[Any, Backbone], SharerHalf]
    receiver: Callable[[Any], ReceiverHalf]
    layout: Callable[[Any], "Layout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What travels of each slot, and the budgets that are offered, the whole one first.

    `width` is that of a slot's vector in a layer, `is_gradable` whether its numbers are such that
    fewer bits may travel (latentflow.quantisation).
    """

    layers: int
    width: int
    budgets: tuple[int, ...]
    is_gradable: bool = False


def _prefix_layout(spec: PrefixSpec) -> Layout:
    return Layout(layers=1, width=spec.width, budgets=(spec.width,), is_gradable=True)


def _span_layout(spec: ResidualSpec) -> Layout:
    return Layout(layers=len(spec.layers), width=spec.sharer_columns, budgets=SPANS)


def _channel_layout(spec: ResidualSpec) -> Layout:
    return Layout(layers=len(spec.layers), width=spec.width, budgets=(spec.width,))


def _cache_layout(spec: ResidualSpec) -> Layout:
    width = spec.sharer_columns
    return Layout(layers=len(spec.layers), width=width, budgets=(width,))


KINDS: Mapping[Method, Kind] = {
    Method.LCF_PREFIX: Kind(
        position=PositionPolicy.PREFIX,
        spec=PrefixSpec,
        sharer=lambda spec, _backbone: PrefixEncoder(spec),
        receiver=PrefixDecoder,
        layout=_prefix_layout,
    ),
    Method.LCF_X: Kind(
        position=PositionPolicy.BROADCAST,
        spec=ResidualSpec,
        sharer=lambda spec, _backbone: SpanSharer(spec),
        receiver=SpanReceiver,
        layout=_span_layout,
    ),
    Method.LCF: Kind(
        position=PositionPolicy.ALIGNED,
        spec=ResidualSpec,
        sharer=lambda spec, _backbone: LcfSharer(spec),
        receiver=LcfReceiver,
        layout=_channel_layout,
    ),
    Method.C2C: Kind(
        position=PositionPolicy.ALIGNED,
        spec=ResidualSpec,
        sharer=lambda spec, backbone: C2CSharer(spec, backbone.rope),
        receiver=C2CReceiver,
        layout=_cache_layout,
    ),
}


def kind_of(method: Method) -> Kind:
    """Raises UnsupportedMethod for text, which has no halves."""
    if method not in KINDS:
        raise UnsupportedMethod(method=method)
    return KINDS[method]


def layout_of(method: Method, values: Hyperparameters) -> Layout:
    """Raises UnsupportedMethod, InvalidInput."""
    kind = kind_of(method)
    return kind.layout(spec_from_json(kind.spec, values))


def sharer_half(method: Method, values: Hyperparameters, sharer: Backbone) -> SharerHalf:
    """Untrained. Raises UnsupportedMethod, InvalidInput when the sizes aren't those of a sharer
    like this one."""
    kind = kind_of(method)
    spec = spec_from_json(kind.spec, values)
    _require_sharer(spec, sharer.shape)
    return kind.sharer(spec, sharer)


def receiver_half(method: Method, values: Hyperparameters, receiver: Backbone) -> ReceiverHalf:
    """Untrained. Raises UnsupportedMethod, InvalidInput when the sizes aren't those of a receiver
    like this one."""
    kind = kind_of(method)
    spec = spec_from_json(kind.spec, values)
    _require_receiver(spec, receiver.shape)
    return kind.receiver(spec)


def _require_sharer(spec: PrefixSpec | ResidualSpec, shape: ModelShape) -> None:
    if isinstance(spec, PrefixSpec):
        fits = spec.sharer_kv_width == shape.kv_width and max(spec.layers) < shape.layers
    else:
        theirs = (spec.sharer_layers, spec.sharer_kv_heads, spec.sharer_head_dim)
        fits = theirs == (shape.layers, shape.kv_heads, shape.head_dim)
    if not fits:
        raise InvalidInput(field="hyperparameters", problem="are not for this sharer's shape")


def _require_receiver(spec: PrefixSpec | ResidualSpec, shape: ModelShape) -> None:
    theirs = (spec.receiver_layers, spec.receiver_kv_heads, spec.receiver_head_dim)
    if theirs != (shape.layers, shape.kv_heads, shape.head_dim):
        raise InvalidInput(field="hyperparameters", problem="are not for this receiver's shape")
