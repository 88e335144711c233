"""Ways to spoil a latent's stream: each takes whole messages and gives back messages.

A stream is the serialised SubscribeResponses that a reader gets: manifest, frames, commit. Pure
functions of a source of chance, the stream, and another latent's stream to mix in.
"""

import random
from collections.abc import Callable, Mapping, Sequence

import zstandard
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from latentflow.v1.broker_pb2 import SubscribeResponse
from latentflow.v1.latent_pb2 import Manifest
from latentflow.wire.checksum import crc32c
from tests.faults.varints import VARINT, decode, encode, varints

Stream = Sequence[bytes]
Mutation = Callable[[random.Random, Stream, Stream], Stream]

_EDGES = (0, 1, 2, 127, 128, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 63, (1 << 64) - 1)
_MOST_VARINT_BYTES = 11


# --- of bytes -------------------------------------------------------------------------------


def flip(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """One to four bits of one message."""
    place, spoilt = _any_message(chance, own)
    for _ in range(chance.randint(1, 4)):
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    return _with(own, place, bytes(spoilt))


def truncate_message(chance: random.Random, own: Stream, other: Stream) -> Stream:
    place, spoilt = _any_message(chance, own)
    return _with(own, place, bytes(spoilt[: chance.randrange(len(spoilt))]))


def repeat_bytes(chance: random.Random, own: Stream, other: Stream) -> Stream:
    place, spoilt = _any_message(chance, own)
    start, end = sorted(chance.randrange(len(spoilt) + 1) for _ in range(2))
    return _with(own, place, bytes(spoilt[:end] + spoilt[start:]))


def splice_bytes(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """A message that begins as one latent's and ends as the other's."""
    place, spoilt = _any_message(chance, own)
    ending = other[min(place, len(other) - 1)]
    cut = chance.randrange(len(spoilt))
    return _with(own, place, bytes(spoilt[:cut]) + ending[cut:])


def random_bytes(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """Noise in the place of a message."""
    return _with(own, chance.randrange(len(own)), chance.randbytes(chance.randrange(64)))


def varint(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """Another number, or another form of the same, wherever a message has a varint."""
    place, spoilt = _any_message(chance, own)
    start, end = chance.choice(list(varints(bytes(spoilt), 0, len(spoilt))))
    number = chance.choice([*_EDGES, chance.getrandbits(32), decode(spoilt[start:end])])
    size = chance.choice([0, 0, 0, chance.randint(1, _MOST_VARINT_BYTES)])
    return _with(own, place, bytes(spoilt[:start]) + encode(number, size) + bytes(spoilt[end:]))


# --- of messages ----------------------------------------------------------------------------


def truncate_stream(chance: random.Random, own: Stream, other: Stream) -> Stream:
    return own[: chance.randrange(len(own))]


def lose(chance: random.Random, own: Stream, other: Stream) -> Stream:
    place = chance.randrange(len(own))
    return [*own[:place], *own[place + 1 :]]


def repeat(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """A message comes a second time, anywhere."""
    place = chance.randrange(len(own) + 1)
    return [*own[:place], chance.choice(own), *own[place:]]


def reorder(chance: random.Random, own: Stream, other: Stream) -> Stream:
    shuffled = list(own)
    first, second = chance.sample(range(len(own)), 2)
    shuffled[first], shuffled[second] = own[second], own[first]
    return shuffled


def splice(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """From some message on, the other latent's."""
    place = chance.randrange(len(own) + 1)
    return [*own[:place], *other[min(place, len(other)) :]]


def mix_in(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """A message of the other latent in the place of one, or between two."""
    place = chance.randrange(len(own))
    return [*own[:place], chance.choice(other), *own[place + chance.randrange(2) :]]


def replace_all(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """The other latent, whole and right, which nobody asked for."""
    return other


# --- of frames that know their checksum -----------------------------------------------------


def frame_number(chance: random.Random, own: Stream, other: Stream) -> Stream:
    place, message = _any_frame(chance, own)
    _set_number(chance, message.frame, "index", "raw_bytes", "crc32c")
    return _with(own, place, message.SerializeToString())


def forge_payload(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """Spoilt bytes under the right checksum."""
    place, message = _any_frame(chance, own)
    payload = bytearray(message.frame.payload)
    payload[chance.randrange(len(payload))] ^= 1 << chance.randrange(8)
    return _with(own, place, _reframed(message, bytes(payload)))


def forge_contents(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """Other bytes of the same size, well packed, under the right checksum."""
    place, message = _any_frame(chance, own)
    payload = zstandard.ZstdCompressor().compress(chance.randbytes(message.frame.raw_bytes))
    return _with(own, place, _reframed(message, payload))


def forge_packing(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """The same bytes, or any where they are sealed, packed in a way that no publisher here uses."""
    place, message = _any_frame(chance, own)
    try:
        raw = zstandard.ZstdDecompressor().decompress(message.frame.payload)
    except zstandard.ZstdError:
        raw = chance.randbytes(message.frame.raw_bytes)
    return _with(own, place, _reframed(message, _pack_oddly(chance, raw)))


def splice_renumbered(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """A frame of the other latent that says it is one of this."""
    place, message = _any_frame(chance, own)
    _, stranger = _any_frame(chance, other)
    stranger.frame.index = message.frame.index
    return _with(own, place, stranger.SerializeToString())


def swap_payloads(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """Two frames in each other's place, renumbered to fit."""
    first, second = (_any_frame(chance, own) for _ in range(2))
    first[1].frame.index, second[1].frame.index = second[1].frame.index, first[1].frame.index
    return _with(
        _with(own, first[0], second[1].SerializeToString()), second[0], first[1].SerializeToString()
    )


# --- of commits and manifests ---------------------------------------------------------------


def swap_commit(chance: random.Random, own: Stream, other: Stream) -> Stream:
    return [*own[:-1], other[-1]]


def change_commit(chance: random.Random, own: Stream, other: Stream) -> Stream:
    message, stranger = (SubscribeResponse.FromString(each[-1]) for each in (own, other))
    if chance.randrange(2):
        _set_number(chance, message.commit, "frames", "payload_bytes")
    else:
        message.commit.sha256 = chance.choice(
            [stranger.commit.sha256, message.commit.sha256.upper(), "", "0" * 64]
        )
    if message.commit.HasField("signature"):
        _change_field(chance, message.commit.signature, stranger.commit.signature)
    return [*own[:-1], message.SerializeToString()]


def swap_manifest(chance: random.Random, own: Stream, other: Stream) -> Stream:
    return [other[0], *own[1:]]


def change_manifest(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """One field, at any depth, takes the other manifest's value, an edge's, or none."""
    manifest, stranger = _manifest(own), _manifest(other)
    _change_field(chance, manifest, stranger)
    return _with(own, 0, _opening(manifest.SerializeToString(deterministic=True)))


def reencode_manifest(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """The same manifest with something behind or before it that a lenient parser passes over."""
    encoded = _manifest(own).SerializeToString(deterministic=True)
    unknown = encode(900 << 3 | VARINT, 0) + encode(chance.getrandbits(20), 0)
    forms = [encoded + unknown, unknown + encoded, encoded + encoded, encoded + b"\x0a\x00"]
    return _with(own, 0, _opening(chance.choice(forms)))


def several(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """One of the kinds above, and then two that take any bytes for what they are."""
    spoilt = _SINGLE[chance.choice(list(_SINGLE))](chance, own, other)
    for further in chance.sample(_AFTER_ANY, 2):
        spoilt = further(chance, spoilt, other) if len(spoilt) > 1 else spoilt
    return spoilt


_AFTER_ANY = (flip, repeat_bytes, lose, repeat, reorder, mix_in)
_SINGLE: Mapping[str, Mutation] = {
    each.__name__.replace("_", " "): each
    for each in (
        flip,
        truncate_message,
        repeat_bytes,
        splice_bytes,
        random_bytes,
        varint,
        truncate_stream,
        lose,
        repeat,
        reorder,
        splice,
        mix_in,
        replace_all,
        frame_number,
        forge_payload,
        forge_contents,
        forge_packing,
        splice_renumbered,
        swap_payloads,
        swap_commit,
        change_commit,
        swap_manifest,
        change_manifest,
        reencode_manifest,
    )
}
MUTATIONS: Mapping[str, Mutation] = {**_SINGLE, "several": several}


# --- how ------------------------------------------------------------------------------------


def _with(own: Stream, place: int, message: bytes) -> Stream:
    return [*own[:place], message, *own[place + 1 :]]


def _any_message(chance: random.Random, own: Stream) -> tuple[int, bytearray]:
    place = chance.choice([place for place, message in enumerate(own) if message])
    return place, bytearray(own[place])


def _any_frame(chance: random.Random, own: Stream) -> tuple[int, SubscribeResponse]:
    place = chance.randrange(1, len(own) - 1)
    return place, SubscribeResponse.FromString(own[place])


def _manifest(own: Stream) -> Manifest:
    return Manifest.FromString(SubscribeResponse.FromString(own[0]).manifest)


def _opening(manifest_bytes: bytes) -> bytes:
    return SubscribeResponse(manifest=manifest_bytes).SerializeToString()


def _reframed(message: SubscribeResponse, payload: bytes) -> bytes:
    message.frame.payload, message.frame.crc32c = payload, crc32c(payload)
    return message.SerializeToString()


def _set_number(chance: random.Random, message: Message, *names: str) -> None:
    field = message.DESCRIPTOR.fields_by_name[chance.choice(names)]
    bits = 32 if field.cpp_type == FieldDescriptor.CPPTYPE_UINT32 else 64
    numbers = [*_EDGES, chance.getrandbits(bits), getattr(message, field.name) + 1]
    setattr(message, field.name, chance.choice(numbers) % (1 << bits))


def _pack_oddly(chance: random.Random, raw: bytes) -> bytes:
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"skip"
    whole = zstandard.ZstdCompressor().compress(raw)
    params = zstandard.ZstdCompressionParameters
    forms: list[Callable[[], bytes]] = [
        lambda: skippable + whole,
        lambda: whole + skippable,
        lambda: whole + whole,
        lambda: zstandard.ZstdCompressor(write_content_size=False).compress(raw),
        lambda: zstandard.ZstdCompressor(write_checksum=True).compress(raw),
        lambda: _windowed(params(window_log=27, write_content_size=False), raw),
        # A header that promises 2^62 bytes, and nothing behind it.
        lambda: b"\x28\xb5\x2f\xfd\xe0" + (1 << 62).to_bytes(8, "little"),
    ]
    return chance.choice(forms)()


def _windowed(params: zstandard.ZstdCompressionParameters, raw: bytes) -> bytes:
    packer = zstandard.ZstdCompressor(compression_params=params).compressobj()
    return packer.compress(raw) + packer.flush()


def _change_field(chance: random.Random, message: Message, stranger: Message) -> None:
    fields = [field for field in message.DESCRIPTOR.fields if field.name != "labels"]
    field = chance.choice(fields)
    own, theirs = getattr(message, field.name), getattr(stranger, field.name)
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        if chance.randrange(4):
            _change_field(chance, own, theirs)
        else:
            message.ClearField(field.name)
    elif isinstance(own, str):
        changed = [theirs, own[1:], own + "0", own.swapcase(), ""]
        setattr(message, field.name, chance.choice(changed))
    else:
        setattr(message, field.name, chance.choice([theirs, own + 1, 0, 1, (1 << 31) - 1]))
