"""What the sharer made of a context: the packed stream, and what a receiver must know to use it."""

from dataclasses import dataclass

from latentflow.latent import Digest, Method, ModelIdentity, PositionPolicy
from latentflow.vectors import Codec, TensorLayout


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """`stream` is packed as `layout` and `codec` say, and not yet compressed."""

    method: Method
    adapter: Digest | None
    receiver: ModelIdentity | None
    layout: TensorLayout
    codec: Codec
    position: PositionPolicy
    stream: bytes
