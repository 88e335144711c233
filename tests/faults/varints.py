"""Protobuf's varints in serialised bytes: where they are, and how else they may be written."""

from collections.abc import Iterator

EDGES = (0, 1, 2, 127, 128, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 63, (1 << 64) - 1)
"""Numbers at which a varint grows by a byte, or a type ends."""

VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def varints(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where tags, lengths and numbers are, also of the message within."""
    while start < end:
        tag_end = _varint_end(data, start, end)
        yield start, tag_end
        kind = data[start] & 7
        start = tag_end
        if kind == VARINT:
            yield start, _varint_end(data, start, end)
            start = _varint_end(data, start, end)
        elif kind == _BYTES:
            size_end = _varint_end(data, start, end)
            yield start, size_end
            inner_end = min(end, size_end + decode(data[start:size_end]))
            if tag_end == 1:  # the step of a SubscribeResponse
                yield from varints(data, size_end, inner_end)
            start = inner_end
        else:
            start += {_FIXED64: 8, _FIXED32: 4}.get(kind, end)


def _varint_end(data: bytes, start: int, end: int) -> int:
    while start < end and data[start] & 128:
        start += 1
    return min(start + 1, end)


def decode(data: bytes | bytearray) -> int:
    return sum((byte & 127) << 7 * place for place, byte in enumerate(data))


def encode(number: int, size: int) -> bytes:
    """In `size` bytes when fewer would do: the same number in another form."""
    groups: list[int] = []
    while number > 127 or len(groups) + 1 < size:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes([*groups, number])
