"""Ways to spoil a stream that know what it says: frames with the right checksum, other commits."""

import random
from collections.abc import Callable

import zstandard
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from latentflow.v1.broker_pb2 import SubscribeResponse
from latentflow.v1.latent_pb2 import Manifest
from latentflow.wire.checksum import crc32c
from tests.faults.stream import Stream, any_frame, with_message
from tests.faults.varints import EDGES, VARINT, encode

# --- of frames ------------------------------------------------------------------------------


def frame_number(chance: random.Random, own: Stream, other: Stream) -> Stream:
    place, message = any_frame(chance, own)
    _set_number(chance, message.frame, "index", "raw_bytes", "crc32c")
    return with_message(own, place, message.SerializeToString())


def forge_payload(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """Spoilt bytes under the right checksum."""
    place, message = any_frame(chance, own)
    payload = bytearray(message.frame.payload)
    payload[chance.randrange(len(payload))] ^= 1 << chance.randrange(8)
    return with_message(own, place, _reframed(message, bytes(payload)))


def forge_contents(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """Other bytes of the same size, well packed, under the right checksum."""
    place, message = any_frame(chance, own)
    payload = zstandard.ZstdCompressor().compress(chance.randbytes(message.frame.raw_bytes))
    return with_message(own, place, _reframed(message, payload))


def forge_packing(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """The same bytes, or any where they are sealed, packed in a way that no publisher here uses."""
    place, message = any_frame(chance, own)
    try:
        raw = zstandard.ZstdDecompressor().decompress(message.frame.payload)
    except zstandard.ZstdError:
        raw = chance.randbytes(message.frame.raw_bytes)
    return with_message(own, place, _reframed(message, _pack_oddly(chance, raw)))


def splice_renumbered(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """A frame of the other latent that says it is one of this."""
    place, message = any_frame(chance, own)
    _, stranger = any_frame(chance, other)
    stranger.frame.index = message.frame.index
    return with_message(own, place, stranger.SerializeToString())


def swap_payloads(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """Two frames in each other's place, renumbered to fit."""
    first, second = (any_frame(chance, own) for _ in range(2))
    first[1].frame.index, second[1].frame.index = second[1].frame.index, first[1].frame.index
    return with_message(
        with_message(own, first[0], second[1].SerializeToString()),
        second[0],
        first[1].SerializeToString(),
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
    return with_message(own, 0, _opening(manifest.SerializeToString(deterministic=True)))


def reencode_manifest(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """The same manifest with something behind or before it that a lenient parser passes over."""
    encoded = _manifest(own).SerializeToString(deterministic=True)
    unknown = encode(900 << 3 | VARINT, 0) + encode(chance.getrandbits(20), 0)
    forms = [encoded + unknown, unknown + encoded, encoded + encoded, encoded + b"\x0a\x00"]
    return with_message(own, 0, _opening(chance.choice(forms)))


# --- how ------------------------------------------------------------------------------------


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
    numbers = [*EDGES, chance.getrandbits(bits), getattr(message, field.name) + 1]
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
