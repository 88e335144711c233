"""Whether this receiver may use a latent, as a pure function of its manifest.

Decided before a frame is taken. What fits is equal in every field; nothing means "any".
"""

from collections.abc import Mapping
from dataclasses import dataclass

from latentflow.errors import ContextTooLong, IdentityMismatch, InvalidInput, UnsupportedMethod
from latentflow.latent import Digest, Manifest, Method, ModelIdentity, require_same
from latentflow.model.adapter_file import AdapterHeader
from latentflow.model.adapters import POSITION_OF, require_layout
from latentflow.vectors import ElementType, TensorLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What a receiver holds: its model's identity and window, its adapters by digest."""

    receiver: ModelIdentity
    max_positions: int
    headers: Mapping[Digest, AdapterHeader]


def accept(manifest: Manifest, holdings: Holdings) -> Digest | None:
    """The adapter that reads the latent, None for a text message.

    Raises UnsupportedMethod, IdentityMismatch naming the first field that differs (`adapter` when
    the receiver is right and the adapter is none of those held), ContextTooLong.
    """
    if manifest.method is Method.TEXT:
        return None
    if manifest.method not in POSITION_OF:
        raise UnsupportedMethod(method=manifest.method)
    assert manifest.receiver is not None
    holdings.receiver.require_same(manifest.receiver, "receiver")
    digest, header = _held(manifest, holdings)
    header.sharer.require_same(manifest.sharer, "sharer")
    require_same(header.method, manifest.method, "method")
    require_same(POSITION_OF[header.method], manifest.position, "position")
    require_layout(manifest.layout, header)
    _require_room(manifest.layout, holdings)
    return digest


def accept_fallback(manifest: Manifest) -> None:
    """Only a text message can be read in a latent's place. Raises InvalidInput."""
    if manifest.method is not Method.TEXT:
        raise InvalidInput(field="fallback_latent_id", problem="must name a text message")


def resident_bytes(manifest: Manifest) -> int:
    """Memory that the stream takes here, packed and unpacked to float32."""
    if manifest.layout.dtype is ElementType.UTF8:
        return 2 * manifest.stream_bytes
    return manifest.stream_bytes + 4 * manifest.layout.vectors * manifest.layout.width


def _held(manifest: Manifest, holdings: Holdings) -> tuple[Digest, AdapterHeader]:
    assert manifest.adapter is not None
    header = holdings.headers.get(manifest.adapter)
    if header is None:
        held = " or ".join(holdings.headers) or "none"
        raise IdentityMismatch(field="adapter", expected=held, actual=manifest.adapter)
    return manifest.adapter, header


def _require_room(layout: TensorLayout, holdings: Holdings) -> None:
    if layout.slots > holdings.max_positions:
        raise ContextTooLong(field="latent", tokens=layout.slots, limit=holdings.max_positions)
