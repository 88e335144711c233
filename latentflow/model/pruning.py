"""Fewer layers of a trained adapter, without training again (methods.md §3, "Pruning").

Owns which layers stay and what a file of only those holds; how good an adapter is says a score.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor

from latentflow.errors import InvalidInput
from latentflow.model.adapter_file import AdapterHeader
from latentflow.model.method import spec_from_json
from latentflow.model.residual import ResidualReceiver
from latentflow.model.residual_spec import ResidualSpec

_SHUT = -1.0
_BY_LAYER = "layers."  # a list of modules, one a layer; every other tensor is by layer itself

Score = Callable[[Sequence[int]], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The layers that stay. `worth` is what the score lost without each one that was tried."""

    layers: tuple[int, ...]
    worth: Mapping[int, float]


def open_layers(half: ResidualReceiver) -> tuple[int, ...]:
    """The receiver's layers that are updated in use: a gate of theirs is open."""
    is_open = (half.gates.logits_L2 > 0).any(-1).tolist()
    return tuple(layer for layer, opened in zip(half.spec.layers, is_open, strict=True) if opened)


def choose_layers(layers: Sequence[int], keep: int, score: Score) -> Choice:
    """At most `keep`: without those that hurt when ablated one by one, those that matter most.

    `score` says how good the adapter is with some of its layers, the higher the better.
    Raises InvalidInput when none helps.
    """
    if keep < 1:
        raise InvalidInput(field="keep", problem="must be at least 1")
    whole = score(layers)
    worth = {
        layer: whole - score([other for other in layers if other != layer]) for layer in layers
    }
    helpful = [layer for layer in layers if worth[layer] >= 0]
    if not helpful:
        raise InvalidInput(field="adapter", problem="has no layer that helps on these cases")
    best = sorted(helpful, key=lambda layer: worth[layer], reverse=True)[:keep]
    return Choice(layers=tuple(sorted(best)), worth=worth)


@contextmanager
def only(half: ResidualReceiver, layers: Sequence[int]) -> Iterator[None]:
    """Inside, `half` in use updates `layers` alone, as the file of only those would."""
    before = half.gates.logits_L2.detach().clone()
    others = [place for place, layer in enumerate(half.spec.layers) if layer not in layers]
    with torch.no_grad():
        half.gates.logits_L2[others] = _SHUT
        try:
            yield
        finally:
            half.gates.logits_L2.copy_(before)


def kept(
    header: AdapterHeader, tensors: Mapping[str, Tensor], choice: Choice
) -> tuple[AdapterHeader, dict[str, Tensor]]:
    """Header and tensors of an adapter of the chosen layers, with a note of it in its card.

    Raises InvalidInput when the adapter is of another method or has not those layers.
    """
    spec = spec_from_json(ResidualSpec, header.hyperparameters)
    smaller = spec.keep(choice.layers)
    places = [spec.layers.index(layer) for layer in smaller.layers]
    note = {
        "layers": list(smaller.layers),
        "of": list(spec.layers),
        "worth": {str(layer): round(worth, 4) for layer, worth in choice.worth.items()},
    }
    picked = dict(_picked(tensors, places))
    card = {**header.card, "pruned": note}
    if isinstance(trained := card.get("parameters"), int):  # every layer has as many
        card["parameters"] = trained * len(places) // len(spec.layers)
    return replace(header, hyperparameters=asdict(smaller), card=card), picked


def _picked(tensors: Mapping[str, Tensor], places: Sequence[int]) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in tensors.items():
        half, rest = name.split(".", 1)
        if not rest.startswith(_BY_LAYER):
            yield name, tensor[list(places)]
            continue
        place, last = rest.removeprefix(_BY_LAYER).split(".", 1)
        if int(place) in places:
            yield f"{half}.{_BY_LAYER}{places.index(int(place))}.{last}", tensor
