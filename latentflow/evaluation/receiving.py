"""The receiver's side of an arm: from what arrived to an answer, and to a choice among options.

Owns the order in which the receiver reads, and how it decodes in every arm alike.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from latentflow.calls import Sampling
from latentflow.evaluation.cases import Asked
from latentflow.evaluation.handoff import Handoff
from latentflow.evaluation.sending import Parcel
from latentflow.model.capture import KVCache
from latentflow.model.chunks import read_on
from latentflow.model.generation import generate
from latentflow.model.injection import inject_prefix
from latentflow.model.method import NO_SLOT, Rows
from latentflow.model.prompt import PromptFormat, message_ids, prefix_ids, question_ids
from latentflow.model.reading import ReadCache, empty_cache
from latentflow.model.scoring import score_options
from latentflow.model.stacking import stack
from latentflow.vectors import Vectors

ANSWER_TOKENS = 24

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A cache of one row, and what is still to be read before the answer."""

    cache: ReadCache
    prompt: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Answers to cases decoded together; seconds on the clock of the first token and the end."""

    answers: list[str]
    first_token_at: float
    ended_at: float


def answer_sampling(form: PromptFormat) -> Sampling:
    """Greedy, to where the form says that an answer ends."""
    return Sampling(max_tokens=ANSWER_TOKENS, stop=(form.stop,))


@torch.no_grad()
def prepare(handoff: Handoff, case: Asked, parcel: Parcel, tuned: KVCache | None) -> Ready:
    """Preamble, a tuned prefix if there is one, the receiver's own context, then what arrived.

    A text is left to be read with the question, in one pass: its time is to be the best there is.
    """
    if parcel.latents:
        return _over(handoff, case, parcel.latents)
    tokenizer, cache = handoff.receiver.tokenizer, _own(handoff, case, tuned)
    question = question_ids(tokenizer, handoff.form, case.question)
    return Ready(cache=cache, prompt=[*message_ids(tokenizer, parcel.text), *question])


def speak(handoff: Handoff, ready: Sequence[Ready], clock: Clock = time.perf_counter) -> Spoken:
    """Every answer, decoded together."""
    answers, first_token_at = [""] * len(ready), 0.0
    cache = stack([each.cache for each in ready])
    wishes = [answer_sampling(handoff.form)] * len(ready)
    for step in generate(handoff.receiver, cache, [each.prompt for each in ready], wishes):
        first_token_at = first_token_at or clock()
        for piece in step:
            answers[piece.row] += piece.text
    return Spoken(
        answers=[answer.strip() for answer in answers],
        first_token_at=first_token_at,
        ended_at=clock(),
    )


def choose(handoff: Handoff, case: Asked, ready: Ready) -> str | None:
    """The option that is likeliest as a whole; None of none."""
    if not case.options:
        return None
    spaced = [f" {option.strip()}" for option in case.options]
    scores = score_options(handoff.receiver, ready.cache, ready.prompt, spaced)
    likeliest = max(range(len(scores)), key=lambda place: scores[place].log_probability)
    return case.options[likeliest]


def _own(handoff: Handoff, case: Asked, tuned: KVCache | None) -> ReadCache:
    """The preamble, which is read already unless the context changes its last token.

    Tuned slots stand where they were trained: right behind the preamble, in front of any text.
    """
    receiver, form = handoff.receiver, handoff.form
    if tuned is not None:
        cache = inject_prefix(receiver, handoff.preamble, tuned)
        own_ids = message_ids(receiver.tokenizer, case.receiver_context)
        return read_on(receiver, cache, own_ids) if own_ids else cache
    plain = prefix_ids(receiver.tokenizer, form)
    ids = prefix_ids(receiver.tokenizer, form, own_context=case.receiver_context)
    if ids[: len(plain)] != plain:
        return read_on(receiver, empty_cache(receiver, 1), ids)
    return read_on(receiver, handoff.preamble, ids[len(plain) :])


def _over(handoff: Handoff, case: Asked, latents: Sequence[Vectors]) -> Ready:
    """The one place where latents enter the receiver, by whatever method."""
    if handoff.is_shared:
        own, rows = handoff.preamble, _shared_rows(handoff, case, latents[0].layout.slots)
    else:
        question = question_ids(handoff.receiver.tokenizer, handoff.form, case.question)
        own, rows = _own(handoff, case, None), Rows(ids=(tuple(question),))
    cache, prompts = handoff.decoder.ready(handoff.receiver, own, latents, rows)
    return Ready(cache=cache, prompt=prompts[0])


def _shared_rows(handoff: Handoff, case: Asked, arrived: int) -> Rows:
    """The prompt that both read. Another case's latent has other slots: it begins anew."""
    prompt = handoff.shared_prompt(case)
    slots = tuple(slot if slot == NO_SLOT else slot % arrived for slot in prompt.slots)
    return Rows(ids=(prompt.receiver_ids,), slots=(slots,))
