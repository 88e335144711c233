"""Bytes that a peer may send as a message: well-formed ones of wild values, and damaged ones.

Written on the wire by the message's descriptor, so that a new field is fuzzed as it comes.
"""

from collections.abc import Iterator
from random import Random

from google.protobuf.descriptor import Descriptor, FieldDescriptor

_VARINT, _FIXED64, _COUNTED, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 4

_NUMBERS = (0, 1, 2, 7, 255, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 63) - 1, (1 << 64) - 1)
_TEXTS = (
    b"",
    b"a",
    b"\0",
    b"memos",
    b"../../etc/passwd",
    b"{0.__class__} %s %n",
    "\u202e\U0001f600".encode() * 99,
    b"01JZZZZZZZZZZZZZZZZZZZZZZZ",
    b"x" * 70_000,
    b"\xff\xfe",
)


def messages(random: Random, kind: Descriptor, count: int) -> Iterator[bytes]:
    """`count` each of wild, cut short, with a bit flipped and random; then the monsters."""
    for _ in range(count):
        wild = message(random, kind)
        yield wild
        yield wild[: random.randrange(len(wild) + 1)]
        yield flipped(random, wild)
        yield random.randbytes(random.randrange(200))
    yield from monsters()


def monsters() -> Iterator[bytes]:
    """Lengths beyond the end, nesting beyond every limit, a group that never ends."""
    for field in range(1, 5):
        for length in (1, 1 << 31, (1 << 63) - 1, (1 << 64) - 1):
            yield _tag(field, _COUNTED) + _varint(length)
        deep = b""
        for _ in range(2000):
            deep = _tag(field, _COUNTED) + _varint(len(deep)) + deep
        yield deep
        yield _tag(field, 3) * 10_000
    yield b"\x80" * 100


def message(random: Random, kind: Descriptor, depth: int = 0) -> bytes:
    """A message of `kind`: each field absent, there, or repeated, with a wild value."""
    if depth == _DEEPEST:
        return b""
    fields = [field for field in kind.fields for _ in range(random.choice((0, 1, 1, 1, 3)))]
    return b"".join(_field(random, field, depth) for field in fields)


def flipped(random: Random, raw: bytes) -> bytes:
    if not raw:
        return raw
    changed = bytearray(raw)
    changed[random.randrange(len(raw))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _field(random: Random, field: FieldDescriptor, depth: int) -> bytes:
    match field.type:
        case FieldDescriptor.TYPE_MESSAGE:
            assert field.message_type is not None
            return _counted(field.number, message(random, field.message_type, depth + 1))
        case FieldDescriptor.TYPE_STRING | FieldDescriptor.TYPE_BYTES:
            return _counted(field.number, random.choice(_TEXTS))
        case FieldDescriptor.TYPE_FLOAT | FieldDescriptor.TYPE_FIXED32:
            return _tag(field.number, _FIXED32) + random.randbytes(4)
        case FieldDescriptor.TYPE_DOUBLE | FieldDescriptor.TYPE_FIXED64:
            return _tag(field.number, _FIXED64) + random.randbytes(8)
        case _:
            return _tag(field.number, _VARINT) + _varint(random.choice(_NUMBERS))


def _counted(number: int, content: bytes) -> bytes:
    return _tag(number, _COUNTED) + _varint(len(content)) + content


def _tag(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])
