"""What a part is told to do with one latent, and the word it gives on it; both as lines of JSON."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256

from latentflow.errors import LatentFlowError
from tests.faults.plan import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Publish or read the latent of `recipe` within `timeout` seconds, in one attempt."""

    number: int
    recipe: Recipe
    timeout: float

    def to_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Order":
        fields = json.loads(line)
        return cls(**{**fields, "recipe": Recipe(**fields["recipe"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """`sha256` says what was published or read; `error` why not, by the name of its class.

    An error that is none of ours is not `is_typed`.
    """

    number: int
    sha256: str = ""
    error: str = ""
    is_typed: bool = True

    @property
    def is_good(self) -> bool:
        return not self.error

    def to_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Word":
        return cls(**json.loads(line))


# A part's first word, once it takes orders.
READY = Word(number=0)


def failure(number: int, error: Exception) -> Word:
    if isinstance(error, LatentFlowError):
        return Word(number=number, error=type(error).__name__)
    return Word(number=number, error=repr(error), is_typed=False)


def overdue(number: int) -> Word:
    """In place of a word that never came."""
    return Word(number=number, error="no word in time", is_typed=False)


def digest_of(manifest_bytes: bytes, stream: bytes) -> str:
    """Of everything that a reader must have, byte for byte."""
    return sha256(len(manifest_bytes).to_bytes(8) + manifest_bytes + stream).hexdigest()
