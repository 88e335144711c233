"""The arms of an evaluation in one process: what the receiver gets, and what it answers.

Owns the arms of methods.md section 6 that need no services; scoring is `metrics`'.
Legend: B cases of one batch, T tokens, M slots, W latent width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence

from latentflow.calls import Sampling
from latentflow.latent import Codec, Quantisation, Vectors
from latentflow.model.adapters import ReceiverAdapter, SharerAdapter, to_tensor
from latentflow.model.backbone import Backbone
from latentflow.model.contexts import capture_contexts, context_ids
from latentflow.model.generation import generate
from latentflow.model.injection import inject_prefix
from latentflow.model.prompt import message_ids, prefix_ids, question_ids, summary_ids
from latentflow.model.reading import ReadCache, continue_from, empty_cache, read
from latentflow.model.tokens import pad_right
from latentflow.wire.quantise import pack, unpack

ANSWER_TOKENS = 24
_CODEC = Codec(quantisation=Quantisation.INT8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One case as an evaluation sees it: a context, one question, the accepted answers."""

    context: str
    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """Both models and both halves of an adapter in one process."""

    sharer: Backbone
    receiver: Backbone
    encoder: SharerAdapter
    decoder: ReceiverAdapter


def alone(handoff: Handoff, cases: Sequence[Asked]) -> list[str]:
    """The receiver's own prompt and nothing else."""
    return _answers(handoff, _own(handoff), cases)


def full_text(handoff: Handoff, cases: Sequence[Asked]) -> list[str]:
    """The receiver reads the context itself: the ceiling for reading."""
    return _over_texts(handoff, [case.context for case in cases], cases)


def text(handoff: Handoff, cases: Sequence[Asked], max_tokens: int) -> list[str]:
    """The receiver reads a message of at most `max_tokens` tokens that the sharer wrote."""
    return _over_texts(handoff, _messages(handoff, cases, max_tokens), cases)


def latent(
    handoff: Handoff, cases: Sequence[Asked], shared: Sequence[Asked], window: int = 1
) -> list[str]:
    """The receiver answers `cases` over latents of `shared`, as they cross the wire in int8.

    Matched when both are the same cases, deranged when `shared` is a derangement of them.
    """
    rows = [context_ids(handoff.sharer, case.context) for case in shared]
    cache = capture_contexts(handoff.sharer, rows)
    latents = [
        to_tensor(_over_the_wire(handoff.encoder.summarise(cache.row(row), window=window)))
        for row in range(len(rows))
    ]
    latents_BMW = pad_sequence(latents, batch_first=True).to(handoff.receiver.device)
    lengths_B = torch.tensor([len(rows_MW) for rows_MW in latents], device=latents_BMW.device)
    places_M = torch.arange(latents_BMW.shape[1], device=latents_BMW.device)
    with torch.no_grad():
        slots = handoff.decoder.decoder(latents_BMW, places_M < lengths_B[:, None])
    return _answers(handoff, inject_prefix(handoff.receiver, _own(handoff), slots), cases)


def _over_the_wire(vectors: Vectors) -> Vectors:
    return unpack(pack(vectors, _CODEC.quantisation), vectors.layout, _CODEC)


def _own(handoff: Handoff) -> ReadCache:
    ids = prefix_ids(handoff.receiver.tokenizer, handoff.decoder.header.prompt)
    with torch.no_grad():
        return read(handoff.receiver, torch.tensor([ids], device=handoff.receiver.device))


def _over_texts(handoff: Handoff, texts: Sequence[str], cases: Sequence[Asked]) -> list[str]:
    receiver = handoff.receiver
    rows = [message_ids(receiver.tokenizer, said or "-") for said in texts]
    ids_BT, mask_BT = pad_right(rows, device=receiver.device)
    with torch.no_grad():
        _, cache = continue_from(receiver, _own(handoff), ids_BT, mask_BT)
    return _answers(handoff, cache, cases)


def _messages(handoff: Handoff, cases: Sequence[Asked], max_tokens: int) -> list[str]:
    sharer = handoff.sharer
    prompts = [summary_ids(sharer.tokenizer, case.context, max_tokens=max_tokens) for case in cases]
    return _generated(sharer, empty_cache(sharer, 1), prompts, Sampling(max_tokens=max_tokens))


def _answers(handoff: Handoff, cache: ReadCache, cases: Sequence[Asked]) -> list[str]:
    form, tokenizer = handoff.decoder.header.prompt, handoff.receiver.tokenizer
    prompts = [question_ids(tokenizer, form, case.question) for case in cases]
    wish = Sampling(max_tokens=ANSWER_TOKENS, stop=(form.stop,))
    return _generated(handoff.receiver, cache, prompts, wish)


def _generated(
    backbone: Backbone, cache: ReadCache, prompts: Sequence[Sequence[int]], wish: Sampling
) -> list[str]:
    said = [""] * len(prompts)
    for step in generate(backbone, cache, prompts, [wish] * len(prompts)):
        for piece in step:
            said[piece.row] += piece.text
    return [answer.strip() for answer in said]
