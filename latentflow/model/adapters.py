"""Trained adapters ready for use: a file's half, checked against the model it serves.

Owns the step from an adapter file to something that summarises or translates, method by method;
knows nothing of training, queues or the wire.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from latentflow.errors import AdapterCorrupt, InvalidInput, UnknownAdapter, UnsupportedMethod
from latentflow.latent import (
    Digest,
    ElementType,
    Method,
    PositionPolicy,
    TensorLayout,
    Vectors,
    require_same,
)
from latentflow.model.adapter_file import (
    AdapterHeader,
    Half,
    adapter_digest,
    check_identity,
    read_half,
    read_header,
)
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache
from latentflow.model.prefix import PrefixDecoder, PrefixEncoder, PrefixSpec, spec_from

ADAPTER_FILE = "adapter.safetensors"
POSITION_OF = {Method.LCF_PREFIX: PositionPolicy.PREFIX}


@dataclass(frozen=True, slots=True, kw_only=True)
class SharerAdapter:
    """The sharer's half of one adapter."""

    name: str
    digest: Digest
    header: AdapterHeader
    encoder: PrefixEncoder

    @torch.inference_mode()
    def summarise(self, cache: KVCache, *, window: int) -> Vectors:
        """One row's context, captured by the sharer, as the vectors that travel.

        Raises InvalidInput for a window the adapter was not trained with.
        """
        latents_BMW, mask_BM = self.encoder(cache, window)
        return _to_vectors(latents_BMW[0, mask_BM[0]])


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverAdapter:
    """The receiver's half of one adapter."""

    name: str
    digest: Digest
    header: AdapterHeader
    decoder: PrefixDecoder

    @torch.inference_mode()
    def translate(self, vectors: Vectors) -> KVCache:
        """Slots for `inject_prefix`, one row. Raises IdentityMismatch on another layout."""
        spec = spec_from(self.header.hyperparameters)
        require_same("1", str(vectors.layout.layers), "layout.layers")
        require_same(str(spec.width), str(vectors.layout.width), "layout.width")
        latents_MW = to_tensor(vectors).to(self.decoder.mean_F.device)
        mask_BM = torch.ones(1, len(latents_MW), dtype=torch.bool, device=latents_MW.device)
        slots: KVCache = self.decoder(latents_MW[None], mask_BM)
        return slots


def find_adapters(folder: Path) -> dict[str, Path]:
    """Adapter files under `folder` by name: their folder's path relative to it.

    Raises UnknownAdapter when there is no such folder.
    """
    if not folder.is_dir():
        raise UnknownAdapter(adapter=str(folder))
    return {
        path.parent.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob(ADAPTER_FILE))
    }


def load_sharer_adapter(name: str, path: Path, sharer: Backbone) -> SharerAdapter:
    """Raises AdapterCorrupt, UnsupportedMethod, IdentityMismatch when made for another sharer."""
    header = read_header(path)
    check_identity(header, sharer=sharer.identity)
    encoder = PrefixEncoder(_spec(header, path))
    _load(encoder, path, Half.ENCODER, sharer.device)
    return SharerAdapter(name=name, digest=adapter_digest(path), header=header, encoder=encoder)


def load_receiver_adapter(name: str, path: Path, receiver: Backbone) -> ReceiverAdapter:
    """Raises AdapterCorrupt, UnsupportedMethod, IdentityMismatch when made for another receiver."""
    header = read_header(path)
    check_identity(header, receiver=receiver.identity)
    decoder = PrefixDecoder(_spec(header, path))
    _load(decoder, path, Half.DECODER, receiver.device)
    return ReceiverAdapter(name=name, digest=adapter_digest(path), header=header, decoder=decoder)


def to_tensor(vectors: Vectors) -> Tensor:
    """Latents [M, W] of a one-layer stream, on the CPU in float32."""
    values = np.frombuffer(vectors.values, dtype="<f4").copy()
    return torch.from_numpy(values).reshape(vectors.layout.slots, vectors.layout.width)


def _spec(header: AdapterHeader, path: Path) -> PrefixSpec:
    if header.method is not Method.LCF_PREFIX:
        raise UnsupportedMethod(method=header.method)
    try:
        return spec_from(header.hyperparameters)
    except InvalidInput as error:
        raise AdapterCorrupt(path=str(path), problem=str(error)) from error


def _load(module: torch.nn.Module, path: Path, half: Half, device: torch.device) -> None:
    module.to(device).requires_grad_(False).eval()
    try:
        module.load_state_dict(read_half(path, half, device=device))
    except RuntimeError as error:
        problem = f"its {half} does not fit its hyperparameters"
        raise AdapterCorrupt(path=str(path), problem=problem) from error


def _to_vectors(latents_MW: Tensor) -> Vectors:
    values = np.ascontiguousarray(latents_MW.float().cpu().numpy(), dtype="<f4")
    layout = TensorLayout(
        layers=1, slots=values.shape[0], width=values.shape[1], dtype=ElementType.FLOAT32
    )
    return Vectors(layout=layout, values=values.tobytes())
