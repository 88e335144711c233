"""Which layers stay, and that a file of only those acts like the adapter with the others shut."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch

from latentflow.errors import InvalidInput
from latentflow.latent import Digest, Method, ModelIdentity
from latentflow.model.adapter_file import AdapterHeader
from latentflow.model.backbone import Backbone
from latentflow.model.halves import receiver_half, sharer_half
from latentflow.model.prompt import PromptFormat
from latentflow.model.pruning import Choice, choose_layers, kept, only, open_layers
from latentflow.model.reading import read
from latentflow.model.residual import ResidualReceiver
from tests.unit.model.fresh_halves import (
    RESIDUAL,
    fresh_halves,
    hyperparameters,
    latents_of,
    rows_of,
)
from tests.unit.model.tokens_at_random import one, random_rows

TEXTS = random_rows(9, seed=1)
ASKED = random_rows(7, seed=2)
LAYERS = (0, 1, 2, 3)


def _worth(each: dict[int, float]) -> Callable[[Sequence[int]], float]:
    """A score to which every layer adds its worth."""
    return lambda layers: sum(each[layer] for layer in layers)


def test_the_layers_that_matter_most_stay() -> None:
    choice = choose_layers(LAYERS, 2, _worth({0: 0.1, 1: 3.0, 2: 0.5, 3: 1.0}))
    assert choice.layers == (1, 3)
    assert choice.worth[1] == pytest.approx(3.0)


def test_a_layer_that_hurts_goes_also_when_there_is_room() -> None:
    assert choose_layers(LAYERS, 4, _worth({0: 1.0, 1: -0.1, 2: 0.0, 3: 2.0})).layers == (0, 2, 3)


def test_without_a_layer_that_helps_nothing_is_chosen() -> None:
    with pytest.raises(InvalidInput, match="adapter"):
        choose_layers(LAYERS, 4, _worth(dict.fromkeys(LAYERS, -1.0)))


def test_a_score_is_asked_once_a_layer_and_once_for_all() -> None:
    asked = []

    def score(layers: Sequence[int]) -> float:
        asked.append(tuple(layers))
        return float(len(layers))

    choose_layers(LAYERS, 1, score)
    assert asked == [LAYERS, (1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2)]


def test_keeping_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="keep"):
        choose_layers(LAYERS, 0, len)


@pytest.fixture(params=RESIDUAL)
def method(request: pytest.FixtureRequest) -> Method:
    chosen: Method = request.param
    return chosen


def _receiver(method: Method, llama: Backbone, gemma: Backbone) -> ResidualReceiver:
    half = fresh_halves(method, llama, gemma)[1]
    assert isinstance(half, ResidualReceiver)
    return half


def test_a_layer_is_open_when_its_keys_or_its_values_are(llama: Backbone, gemma: Backbone) -> None:
    half = _receiver(Method.LCF, llama, gemma)
    with torch.no_grad():
        half.gates.logits_L2.copy_(torch.tensor([[-1.0, 0.5], [-1.0, 0.0], [2.0, 1.0]]))
    assert open_layers(half) == (0, 2)


def test_shutting_the_others_ends_with_the_block(llama: Backbone, gemma: Backbone) -> None:
    half = _receiver(Method.LCF, llama, gemma)
    with only(half, (1,)):
        assert open_layers(half) == (1,)
    assert open_layers(half) == (0, 1, 2)


def _identity(name: str) -> ModelIdentity:
    digest = Digest("a" * 64)
    return ModelIdentity(name=name, weights=digest, tokenizer=digest, config=digest)


def _header(method: Method, llama: Backbone, gemma: Backbone) -> AdapterHeader:
    return AdapterHeader(
        method=method,
        sharer=_identity("sharer"),
        receiver=_identity("receiver"),
        hyperparameters=hyperparameters(method, llama, gemma),
        prompt=PromptFormat(),
        card={"steps": 3},
    )


@pytest.mark.parametrize("layers", [(1,), (0, 2)])
def test_a_file_of_some_layers_acts_like_the_whole_with_the_others_shut(
    method: Method, llama: Backbone, gemma: Backbone, layers: tuple[int, ...]
) -> None:
    theirs, own = fresh_halves(method, llama, gemma)
    assert isinstance(own, ResidualReceiver)
    tensors = {
        f"{half}.{name}": tensor
        for half, module in (("encoder", theirs), ("decoder", own))
        for name, tensor in module.state_dict().items()
    }
    choice = Choice(layers=layers, worth={0: 1.0, 1: 0.5, 2: 0.25})
    header, chosen = kept(_header(method, llama, gemma), tensors, choice)
    smaller = (
        sharer_half(method, header.hyperparameters, llama),
        receiver_half(method, header.hyperparameters, gemma).eval(),
    )
    for half, module in zip(("encoder", "decoder"), smaller, strict=True):
        module.load_state_dict(
            {name.split(".", 1)[1]: each for name, each in chosen.items() if name.startswith(half)}
        )
    before, rows = read(gemma, one(random_rows(3)[0])), rows_of(ASKED)
    with only(own, layers):
        expected, _ = own.ready(gemma, before, latents_of(theirs, llama, TEXTS), rows)
    actual, _ = smaller[1].ready(gemma, before, latents_of(smaller[0], llama, TEXTS), rows)
    torch.testing.assert_close(actual.keys, expected.keys)
    torch.testing.assert_close(actual.values, expected.values)


def test_the_card_says_what_was_dropped(llama: Backbone, gemma: Backbone) -> None:
    header, _ = kept(
        _header(Method.LCF, llama, gemma), {}, Choice(layers=(2,), worth={1: 0.25, 2: 1.0})
    )
    assert header.card["steps"] == 3
    assert header.card["pruned"] == {
        "layers": [2],
        "of": [0, 1, 2],
        "worth": {"1": 0.25, "2": 1.0},
    }


@pytest.mark.parametrize("layers", [(), (5,)])
def test_layers_the_adapter_has_not_are_refused(
    llama: Backbone, gemma: Backbone, layers: tuple[int, ...]
) -> None:
    with pytest.raises(InvalidInput, match="layers"):
        kept(_header(Method.LCF, llama, gemma), {}, Choice(layers=layers, worth={}))


def test_a_prefix_has_no_layers_to_drop(llama: Backbone, gemma: Backbone) -> None:
    with pytest.raises(InvalidInput, match="hyperparameters"):
        kept(_header(Method.LCF_PREFIX, llama, gemma), {}, Choice(layers=(0,), worth={}))


def test_the_card_says_what_is_left(llama: Backbone, gemma: Backbone) -> None:
    header = replace(_header(Method.LCF, llama, gemma), card={"parameters": 300})
    halves = fresh_halves(Method.LCF, llama, gemma)
    tensors = {
        f"{half}.{name}": tensor
        for half, module in zip(("encoder", "decoder"), halves, strict=True)
        for name, tensor in module.state_dict().items()
    }
    smaller, _ = kept(header, tensors, Choice(layers=(1,), worth={0: 0.0, 1: 1.0, 2: 0.5}))
    note = {"layers": [1], "of": [0, 1, 2], "worth": {"0": 0.0, "1": 1.0, "2": 0.5}}
    assert smaller.card == {"parameters": 100, "pruned": note}
