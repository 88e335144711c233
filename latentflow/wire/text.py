"""Text on the wire: UTF-8 or refused; a text message is a stream of one slot a byte."""

from collections.abc import Iterator
from contextlib import contextmanager

from latentflow.errors import EmptyInput, InvalidInput, MessageMalformed
from latentflow.quantisation import Quantisation
from latentflow.vectors import Codec, ElementType, TensorLayout

TEXT_CODEC = Codec(quantisation=Quantisation.NONE)


@contextmanager
def utf8_only(field: str) -> Iterator[None]:
    """Turns text without a UTF-8 form (half a surrogate pair) into InvalidInput for `field`."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise InvalidInput(field=field, problem="has no UTF-8 form") from error


@utf8_only("text")
def write_text(text: str) -> bytes:
    """Raises EmptyInput when there is no text, InvalidInput when it has no UTF-8 form."""
    if not text:
        raise EmptyInput(field="text")
    return text.encode()


def text_layout(stream: bytes) -> TensorLayout:
    """The layout that a text message's manifest declares for its `stream`."""
    return TensorLayout(layers=1, slots=len(stream), width=1, dtype=ElementType.UTF8)


def read_text(stream: bytes) -> str:
    """Raises MessageMalformed unless `stream` is UTF-8."""
    try:
        return stream.decode()
    except UnicodeDecodeError as error:
        raise MessageMalformed(field="text", problem="not UTF-8") from error
