"""Trained adapters ready for use: a file's half, checked against the model it serves.

Owns the step from an adapter file to something that summarises or translates, method by method;
knows nothing of training, queues or the wire.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from latentflow.errors import (
    AdapterCorrupt,
    EmptyInput,
    InvalidInput,
    UnknownAdapter,
    UnsupportedMethod,
)
from latentflow.latent import Digest, Method, require_same
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
from latentflow.model.halves import KINDS, Layout, layout_of, receiver_half, sharer_half
from latentflow.model.injection import inject_prefix
from latentflow.model.lcf_x import SpanSharer
from latentflow.model.method import Latents, ReceiverHalf, Rows, SharerHalf, join_slots
from latentflow.model.pooling import NO_SPAN
from latentflow.model.prefix import PrefixDecoder
from latentflow.model.reading import ReadCache
from latentflow.vectors import ElementType, TensorLayout, Vectors

ADAPTER_FILE = "adapter.safetensors"
SERVED = (Method.LCF_PREFIX,)
"""Methods that services can hand over; the others need what no message carries yet."""
POSITION_OF = {method: KINDS[method].position for method in SERVED}


@dataclass(frozen=True, slots=True, kw_only=True)
class SharerAdapter:
    """The sharer's half of one adapter."""

    name: str
    digest: Digest
    header: AdapterHeader
    encoder: SharerHalf

    @property
    def budgets(self) -> tuple[int, ...]:
        """The sizes of latent that are offered, the whole one first."""
        return self.encoder.budgets

    @property
    def takes_spans(self) -> bool:
        """Whether `summarise` makes anything of spans."""
        return isinstance(self.encoder, SpanSharer)

    @torch.inference_mode()
    def summarise(self, cache: KVCache, *, budget: int = 0, spans: Sequence[int] = ()) -> Vectors:
        """One row's context, captured by the sharer, as the vectors that travel.

        `budget` is one of the adapter's, for `lcf-x` windows; 0 is the whole. Of the whole, `lcf-x`
        takes `spans`, where there are any: each token's, as `token_spans` gives them. Raises
        InvalidInput for a budget that the adapter does not have.
        """
        budget = budget or self.budgets[0]
        is_cut = budget == self.budgets[0] and any(span != NO_SPAN for span in spans)
        if is_cut and isinstance(self.encoder, SpanSharer):
            spans_BT = torch.tensor([spans], device=cache.mask_BT.device)
            return _to_vectors(self.encoder.over_spans(cache, spans_BT))
        return _to_vectors(self.encoder.latents(cache, budget))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverAdapter:
    """The receiver's half of one adapter."""

    name: str
    digest: Digest
    header: AdapterHeader
    decoder: ReceiverHalf

    @torch.inference_mode()
    def translate(self, vectors: Vectors) -> KVCache:
        """Slots for `inject_prefix`, one row.

        Raises IdentityMismatch on another layout, UnsupportedMethod unless it is an `lcf-prefix`.
        """
        if not isinstance(self.decoder, PrefixDecoder):
            raise UnsupportedMethod(method=self.header.method)
        latents = self._latents(vectors, self.decoder.mean_F.device)
        slots: KVCache = self.decoder(latents.values_BMLw[:, :, 0], latents.mask_BM)
        return slots

    @torch.inference_mode()
    def ready(
        self, receiver: Backbone, own: ReadCache, arrived: Sequence[Vectors], rows: Rows
    ) -> tuple[ReadCache, list[list[int]]]:
        """Any method: `own`, one row, with what arrived in it, and what of `rows` is still unread.

        Latents of several sharers stand behind each other; a prefix's are translated each by
        itself, as services do. Raises EmptyInput without any, IdentityMismatch on another layout,
        InvalidInput, ContextTooLong.
        """
        if not arrived:
            raise EmptyInput(field="latents")
        if isinstance(self.decoder, PrefixDecoder):
            for vectors in arrived:
                own = inject_prefix(receiver, own, self.translate(vectors))
            return own, list(map(list, rows.ids))
        latents = [self._latents(vectors, receiver.device) for vectors in arrived]
        return self.decoder.ready(receiver, own, join_slots(latents), rows)

    def _latents(self, vectors: Vectors, device: torch.device) -> Latents:
        require_layout(vectors.layout, self.header)
        layout = vectors.layout
        values_MLw = to_tensor(vectors).view(layout.slots, layout.layers, layout.width).to(device)
        mask_BM = torch.ones(1, layout.slots, dtype=torch.bool, device=device)
        return Latents(values_BMLw=values_MLw[None], mask_BM=mask_BM)


def require_layout(layout: TensorLayout, header: AdapterHeader) -> None:
    """Raises IdentityMismatch naming the field unless the adapter of `header` reads `layout`."""
    expected = layout_for(header)
    require_same(str(expected.layers), str(layout.layers), "layout.layers")
    require_same(str(expected.width), str(layout.width), "layout.width")


def layout_for(header: AdapterHeader) -> Layout:
    """What travels of each slot of an adapter's latents."""
    return layout_of(header.method, header.hyperparameters)


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


def load_sharer_adapter(
    name: str, path: Path, sharer: Backbone, *, methods: Collection[Method] = tuple(KINDS)
) -> SharerAdapter:
    """Raises AdapterCorrupt, UnsupportedMethod for one that is not among `methods`,
    IdentityMismatch when made for another sharer."""
    header = _header_for(path, methods)
    check_identity(header, sharer=sharer.identity)
    with _corrupt_if_invalid(path):
        encoder = sharer_half(header.method, header.hyperparameters, sharer)
    _load(encoder, path, Half.ENCODER, sharer.device)
    return SharerAdapter(name=name, digest=adapter_digest(path), header=header, encoder=encoder)


def load_receiver_adapter(
    name: str, path: Path, receiver: Backbone, *, methods: Collection[Method] = tuple(KINDS)
) -> ReceiverAdapter:
    """As `load_sharer_adapter`, for the receiver's half."""
    header = _header_for(path, methods)
    check_identity(header, receiver=receiver.identity)
    with _corrupt_if_invalid(path):
        decoder = receiver_half(header.method, header.hyperparameters, receiver)
    _load(decoder, path, Half.DECODER, receiver.device)
    return ReceiverAdapter(name=name, digest=adapter_digest(path), header=header, decoder=decoder)


def to_tensor(vectors: Vectors) -> Tensor:
    """Vectors [M * L, w] of a stream, slot by slot, on the CPU in float32."""
    values = np.frombuffer(vectors.values, dtype="<f4").copy()
    return torch.from_numpy(values).reshape(vectors.layout.vectors, vectors.layout.width)


def _header_for(path: Path, methods: Collection[Method]) -> AdapterHeader:
    header = read_header(path)
    if header.method not in methods:
        raise UnsupportedMethod(method=header.method)
    return header


@contextmanager
def _corrupt_if_invalid(path: Path) -> Iterator[None]:
    """Sizes that can't be are the file's fault, not the caller's."""
    try:
        yield
    except InvalidInput as error:
        raise AdapterCorrupt(path=str(path), problem=str(error)) from error


def _load(module: torch.nn.Module, path: Path, half: Half, device: torch.device) -> None:
    module.to(device).requires_grad_(False).eval()
    try:
        module.load_state_dict(read_half(path, half, device=device))
    except RuntimeError as error:
        problem = f"its {half} does not fit its hyperparameters"
        raise AdapterCorrupt(path=str(path), problem=problem) from error


def _to_vectors(latents: Latents) -> Vectors:
    """The first row's."""
    values_MLw = latents.values_BMLw[0, latents.mask_BM[0]].float().cpu().numpy()
    slots, layers, width = values_MLw.shape
    layout = TensorLayout(layers=layers, slots=slots, width=width, dtype=ElementType.FLOAT32)
    return Vectors(layout=layout, values=np.ascontiguousarray(values_MLw, dtype="<f4").tobytes())
