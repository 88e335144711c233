"""The stream of a latent as its reader gets it: serialised SubscribeResponses, to be spoilt.

A manifest, frames, a commit. A `Mutation` is a pure function of a source of chance, the stream, and
another latent's stream to mix in.
"""

import random
from collections.abc import Callable, Sequence

from latentflow.v1.broker_pb2 import SubscribeResponse

Stream = Sequence[bytes]
Mutation = Callable[[random.Random, Stream, Stream], Stream]


def with_message(own: Stream, place: int, message: bytes) -> Stream:
    return [*own[:place], message, *own[place + 1 :]]


def any_message(chance: random.Random, own: Stream) -> tuple[int, bytearray]:
    place = chance.choice([place for place, message in enumerate(own) if message])
    return place, bytearray(own[place])


def any_frame(chance: random.Random, own: Stream) -> tuple[int, SubscribeResponse]:
    place = chance.randrange(1, len(own) - 1)
    return place, SubscribeResponse.FromString(own[place])
