"""Learning `lcf-x`, `lcf` and `c2c`: what their loss follows from, and how their gates harden."""

from dataclasses import asdict

import pytest
import torch

from latentflow.errors import UnsupportedMethod
from latentflow.latent import Method
from latentflow.model.halves import receiver_half, sharer_half
from latentflow.model.residual_spec import residual_spec
from latentflow.training.cases import Case
from latentflow.training.learner import parameters_of
from latentflow.training.objective import answer_loss
from latentflow.training.pair import Pair
from latentflow.training.residual_learner import ResidualLearner, residual_learner
from tests.unit.training.learning import CASE, OTHER, quick_learner

METHODS = (Method.LCF_X, Method.LCF, Method.C2C)


@pytest.fixture(params=METHODS)
def learner(request: pytest.FixtureRequest, pair: Pair) -> ResidualLearner:
    spec = residual_spec(pair.sharer.shape, pair.receiver.shape, width=8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = sharer_half(request.param, asdict(spec), pair.sharer)
        decoder = receiver_half(request.param, asdict(spec), pair.receiver)
        for parameter in (*encoder.parameters(), *decoder.parameters()):
            torch.nn.init.normal_(parameter, std=0.2)
    torch.nn.init.ones_(decoder.get_parameter("gates.logits_L2"))
    return residual_learner(pair, request.param, encoder, decoder)


def _loss(learner: ResidualLearner, cases: list[Case]) -> float:
    with torch.no_grad():
        return answer_loss(learner, cases, learner.budgets[0]).answer.item()


def test_only_the_adapter_learns(learner: ResidualLearner) -> None:
    learner.begin(0.0)
    loss = answer_loss(learner, [CASE, OTHER], learner.budgets[0]).answer
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(each.grad is not None for each in parameters_of(learner))
    for model in (learner.pair.sharer.model, learner.pair.receiver.model):
        assert not any(parameter.requires_grad for parameter in model.parameters())


def test_updates_computed_again_have_the_gradients_of_those_kept(
    learner: ResidualLearner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gradients() -> list[torch.Tensor]:
        learner.begin(0.0)
        loss = answer_loss(learner, [CASE, OTHER], learner.budgets[0]).answer
        return [*torch.autograd.grad(loss, [*parameters_of(learner)])]

    again = gradients()
    half = type(learner.decoder)
    monkeypatch.setattr(half, "_updated", half.update)
    for computed_again, kept in zip(again, gradients(), strict=True):
        torch.testing.assert_close(computed_again, kept)


def test_a_batch_is_judged_like_its_cases_alone(learner: ResidualLearner) -> None:
    alone = [_loss(learner, [case]) for case in (CASE, OTHER)]
    # Three letters and a two-token stop, twice in OTHER.
    assert _loss(learner, [CASE, OTHER]) == pytest.approx((alone[0] + 2 * alone[1]) / 3, rel=0.02)


def test_the_context_that_is_shared_matters(learner: ResidualLearner) -> None:
    other = Case(context=OTHER.context, questions=CASE.questions)
    assert _loss(learner, [CASE]) != _loss(learner, [other])


def test_a_few_steps_lower_the_loss(learner: ResidualLearner) -> None:
    optimiser = torch.optim.AdamW([*parameters_of(learner)], lr=1e-2)
    learner.prepare(lambda: CASE, lambda _text: None)
    before = _loss(learner, [CASE])
    for step in range(12):
        learner.begin(step / 12)
        optimiser.zero_grad()
        loss = answer_loss(learner, [CASE], learner.budgets[0]).answer
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert _loss(learner, [CASE]) < 0.9 * before


def test_preparing_measures_both_models_channels(learner: ResidualLearner) -> None:
    record = learner.prepare(lambda: CASE, lambda _text: None)
    assert record == {"measured_cases": 16}
    for standard in (learner.encoder.theirs, learner.decoder.own):
        assert standard.mean_LC.abs().max() > 0
        assert not torch.equal(standard.deviation_LC, torch.ones_like(standard.deviation_LC))


def test_gates_harden_as_training_goes_on(learner: ResidualLearner) -> None:
    gates = learner.decoder.gates.train()
    softness = []
    for progress in (0.0, 0.5, 1.0):
        learner.begin(progress)
        drawn = gates().detach()
        softness.append(float((drawn - drawn.round()).abs().mean()))
    assert softness[0] > softness[1] > softness[2]
    assert softness[2] < 1e-3


def test_in_validation_gates_are_those_of_use(learner: ResidualLearner) -> None:
    learner.begin(0.0)
    losses = []
    for _ in range(2):
        losses.append(_loss(learner, [CASE]))
        learner.begin(0.1)  # other noise
    assert losses[0] == losses[1]


def test_a_prefix_is_not_learnt_so(pair: Pair) -> None:
    prefix = quick_learner(pair)
    with pytest.raises(UnsupportedMethod):
        residual_learner(pair, Method.LCF_PREFIX, prefix.encoder, prefix.decoder)
