"""Latents that tell the receiver nothing of a case: zeros, and the mean of many.

Owns what the control arms put in a latent's place. Legend: M slots, L layers, W width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from latentflow.evaluation.handoff import Handoff
from latentflow.evaluation.sending import summarise
from latentflow.vectors import Vectors

Floats = npt.NDArray[np.float32]


def zeroed(vectors: Vectors) -> Vectors:
    """Zeros of the same layout."""
    return Vectors(layout=vectors.layout, values=bytes(len(vectors.values)))


@dataclass(frozen=True, slots=True, eq=False)
class Repeated:
    """One slot [L, W] in every slot's place: what a content-free prefix would give."""

    mean_LW: Floats

    def __call__(self, vectors: Vectors) -> Vectors:
        values_MLW = np.broadcast_to(self.mean_LW, slots_of(vectors).shape)
        return Vectors(layout=vectors.layout, values=values_MLW.tobytes())


def mean_slot(handoff: Handoff, texts: Sequence[str]) -> Repeated:
    """The mean [L, W] over every slot of the latents of what the sharer reads."""
    latents = [slots_of(summarise(handoff, text)) for text in texts]
    return Repeated(np.concatenate(latents).mean(axis=0, dtype=np.float64).astype("<f4"))


def slots_of(vectors: Vectors) -> Floats:
    """[M, L, W]"""
    layout = vectors.layout
    values = np.frombuffer(vectors.values, dtype="<f4")
    return values.reshape(layout.slots, layout.layers, layout.width)
