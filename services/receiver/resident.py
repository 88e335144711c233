"""The receiver's model and adapters, resident from start to end."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from transformers.utils.logging import disable_progress_bar

from latentflow.calls import ServiceDescription
from latentflow.latent import Digest
from latentflow.model.adapter_folder import describe_adapter, load_fitting
from latentflow.model.adapters import SERVED, ReceiverAdapter, load_receiver_adapter
from latentflow.model.backbone import Backbone, load_backbone
from services.receiver.acceptance import Holdings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A loaded model with the adapters that were made for it, by their files' digests."""

    backbone: Backbone
    adapters: Mapping[Digest, ReceiverAdapter]

    def holdings(self) -> Holdings:
        return Holdings(
            receiver=self.backbone.identity,
            max_positions=self.backbone.shape.max_positions,
            headers={digest: adapter.header for digest, adapter in self.adapters.items()},
        )

    def describe(self) -> ServiceDescription:
        return ServiceDescription(
            model=self.backbone.identity,
            max_tokens=self.backbone.shape.max_positions,
            adapters=tuple(map(describe_adapter, self.adapters.values())),
        )


def load(model: Path, adapters: Path, *, threads: int) -> Resident:
    """Reads everything from disk; called on the thread that is to compute. `threads` 0: torch's.

    Raises as `load_backbone` and `load_fitting`.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]
    if threads:
        torch.set_num_threads(threads)
    backbone = load_backbone(model)
    load_adapter = partial(load_receiver_adapter, receiver=backbone, methods=SERVED)
    fitting = load_fitting(adapters, load_adapter)
    if not fitting:
        _log.warning("no adapter under %s is for this model: only text can be read", adapters)
    by_digest = {adapter.digest: adapter for adapter in fitting.values()}
    return Resident(backbone=backbone, adapters=by_digest)
