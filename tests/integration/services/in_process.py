"""The same handoff without services: what they must come to, token by token."""

from collections.abc import Sequence

import torch

from latentflow.calls import LatentMeans, OptionScore, Sampling
from latentflow.model.contexts import capture_contexts, context_ids
from latentflow.model.generation import generate
from latentflow.model.injection import inject_prefix
from latentflow.model.prompt import PromptFormat, message_ids, prefix_ids, question_ids
from latentflow.model.reading import ReadCache, continue_from, read
from latentflow.model.scoring import score_options
from latentflow.vectors import Codec, Vectors
from latentflow.wire.quantise import pack, unpack
from tests.integration.services.callers import SAMPLING
from tests.tiny_adapters import FORM
from tests.tiny_pair import TinyPair


def vectors_of(pair: TinyPair, context: str, means: LatentMeans) -> Vectors:
    """What arrives of a context: summarised, packed, unpacked."""
    cache = capture_contexts(pair.sharer, [context_ids(pair.sharer, context)])
    vectors = pair.sharer_adapter().summarise(cache)
    codec = Codec(quantisation=means.quantisation)
    return unpack(pack(vectors, means.quantisation), vectors.layout, codec)


@torch.no_grad()
def cache_of(
    pair: TinyPair,
    parts: Sequence[Vectors | str],
    *,
    form: PromptFormat = FORM,
    context: str = "",
) -> ReadCache:
    """The receiver's prefix, then vectors and texts in order."""
    tokenizer = pair.receiver.tokenizer
    ids = prefix_ids(tokenizer, form, own_context=context)
    cache = read(pair.receiver, torch.tensor([ids]))
    for part in parts:
        if isinstance(part, Vectors):
            slots = pair.receiver_adapter().translate(part)
            cache = inject_prefix(pair.receiver, cache, slots)
        else:
            text = torch.tensor([message_ids(tokenizer, part)])
            cache = continue_from(pair.receiver, cache, text)[1]
    return cache


def answer(
    pair: TinyPair,
    cache: ReadCache,
    question: str,
    *,
    form: PromptFormat = FORM,
    sampling: Sampling = SAMPLING,
) -> str:
    ids = question_ids(pair.receiver.tokenizer, form, question)
    stopping = Sampling(
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        seed=sampling.seed,
        stop=(form.stop, *sampling.stop),
    )
    steps = generate(pair.receiver, cache, [ids], [stopping])
    return "".join(piece.text for step in steps for piece in step)


def scores(
    pair: TinyPair, cache: ReadCache, question: str, options: Sequence[str]
) -> tuple[OptionScore, ...]:
    ids = question_ids(pair.receiver.tokenizer, FORM, question)
    return score_options(pair.receiver, cache, ids, options)
