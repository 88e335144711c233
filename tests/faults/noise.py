"""Ways to spoil a stream that know nothing of what it says: of bytes, and of whole messages."""

import random

from tests.faults.stream import Stream, any_message, with_message
from tests.faults.varints import EDGES, decode, encode, varints

_MOST_VARINT_BYTES = 11

# --- of bytes -------------------------------------------------------------------------------


def flip(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """One to four bits of one message."""
    place, spoilt = any_message(chance, own)
    for _ in range(chance.randint(1, 4)):
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
    return with_message(own, place, bytes(spoilt))


def truncate_message(chance: random.Random, own: Stream, other: Stream) -> Stream:
    place, spoilt = any_message(chance, own)
    return with_message(own, place, bytes(spoilt[: chance.randrange(len(spoilt))]))


def repeat_bytes(chance: random.Random, own: Stream, other: Stream) -> Stream:
    place, spoilt = any_message(chance, own)
    start, end = sorted(chance.randrange(len(spoilt) + 1) for _ in range(2))
    return with_message(own, place, bytes(spoilt[:end] + spoilt[start:]))


def splice_bytes(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """A message that begins as one latent's and ends as the other's."""
    place, spoilt = any_message(chance, own)
    ending = other[min(place, len(other) - 1)]
    cut = chance.randrange(len(spoilt))
    return with_message(own, place, bytes(spoilt[:cut]) + ending[cut:])


def random_bytes(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """Noise in the place of a message."""
    return with_message(own, chance.randrange(len(own)), chance.randbytes(chance.randrange(64)))


def varint(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """Another number, or another form of the same, wherever a message has a varint."""
    place, spoilt = any_message(chance, own)
    start, end = chance.choice(list(varints(bytes(spoilt), 0, len(spoilt))))
    number = chance.choice([*EDGES, chance.getrandbits(32), decode(spoilt[start:end])])
    size = chance.choice([0, 0, 0, chance.randint(1, _MOST_VARINT_BYTES)])
    return with_message(
        own, place, bytes(spoilt[:start]) + encode(number, size) + bytes(spoilt[end:])
    )


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
