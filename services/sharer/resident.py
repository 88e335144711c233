"""The sharer's model and adapters, resident from start to end."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from transformers.utils.logging import disable_progress_bar

from latentflow.calls import ServiceDescription
from latentflow.errors import InvalidInput, UnknownAdapter
from latentflow.model.adapter_folder import describe_adapter, load_fitting
from latentflow.model.adapters import SERVED, SharerAdapter, load_sharer_adapter
from latentflow.model.backbone import Backbone, load_sharer

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A loaded model with the adapters that were made for it, by name."""

    backbone: Backbone
    adapters: Mapping[str, SharerAdapter]

    def choose(self, name: str) -> SharerAdapter:
        """The adapter of that name; of no name the only one.

        Raises UnknownAdapter, or InvalidInput when none is named and there are several.
        """
        if name or not self.adapters:
            if name not in self.adapters:
                raise UnknownAdapter(adapter=name)
            return self.adapters[name]
        if len(self.adapters) > 1:
            names = ", ".join(self.adapters)
            raise InvalidInput(field="latent.adapter", problem=f"name one of several: {names}")
        return next(iter(self.adapters.values()))

    def describe(self) -> ServiceDescription:
        return ServiceDescription(
            model=self.backbone.identity,
            max_tokens=self.backbone.shape.max_positions,
            adapters=tuple(map(describe_adapter, self.adapters.values())),
        )


def load(model: Path, adapters: Path, *, threads: int) -> Resident:
    """Reads everything from disk; called on the thread that is to compute. `threads` 0: torch's.

    Raises as `load_sharer` and `load_fitting`.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]
    if threads:
        torch.set_num_threads(threads)
    backbone = load_sharer(model)
    load_adapter = partial(load_sharer_adapter, sharer=backbone, methods=SERVED)
    fitting = load_fitting(adapters, load_adapter)
    if not fitting:
        _log.warning("no adapter under %s is for this model: only text can be shared", adapters)
    return Resident(backbone=backbone, adapters=fitting)
