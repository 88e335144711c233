"""Every way to spoil a latent's stream, by name."""

import random
from collections.abc import Mapping

from tests.faults import forgery, noise
from tests.faults.stream import Mutation, Stream


def several(chance: random.Random, own: Stream, other: Stream) -> Stream:
    """One of the single kinds, and then two that take any bytes for what they are."""
    spoilt = _SINGLE[chance.choice(list(_SINGLE))](chance, own, other)
    for further in chance.sample(_AFTER_ANY, 2):
        spoilt = further(chance, spoilt, other) if len(spoilt) > 1 else spoilt
    return spoilt


_AFTER_ANY = (noise.flip, noise.repeat_bytes, noise.lose, noise.repeat, noise.reorder, noise.mix_in)
_SINGLE: Mapping[str, Mutation] = {
    each.__name__.replace("_", " "): each
    for each in (
        noise.flip,
        noise.truncate_message,
        noise.repeat_bytes,
        noise.splice_bytes,
        noise.random_bytes,
        noise.varint,
        noise.truncate_stream,
        noise.lose,
        noise.repeat,
        noise.reorder,
        noise.splice,
        noise.mix_in,
        noise.replace_all,
        forgery.frame_number,
        forgery.forge_payload,
        forgery.forge_contents,
        forgery.forge_packing,
        forgery.splice_renumbered,
        forgery.swap_payloads,
        forgery.swap_commit,
        forgery.change_commit,
        forgery.swap_manifest,
        forgery.change_manifest,
        forgery.reencode_manifest,
    )
}
MUTATIONS: Mapping[str, Mutation] = {**_SINGLE, "several": several}
