"""Learning an lcf-prefix adapter: its closed-form start, and what its loss follows from."""

from collections.abc import Sequence

import pytest
import torch

from latentflow.errors import InvalidInput
from latentflow.training.cases import Case, Question
from latentflow.training.closed_form import aligned_moments, fisher_weights, solve
from latentflow.training.learner import parameters_of
from latentflow.training.moments import Moments
from latentflow.training.objective import answer_loss, imitation_loss
from latentflow.training.pair import Pair
from tests.unit.training.learning import BITS, CASE, OTHER, quick_learner

TEXTS = [f"the hen number {number} is in her tin" for number in range(40)]


def _moments(pair: Pair, texts: Sequence[str] = TEXTS) -> Moments:
    learner = quick_learner(pair)
    return aligned_moments(pair, learner.encoder, learner.decoder, texts)


def test_only_the_adapter_learns(pair: Pair) -> None:
    learner = quick_learner(pair)
    imitation_loss(learner, [CASE, OTHER], BITS[1]).total.backward()  # type: ignore[no-untyped-call]
    for module in learner.modules.values():
        assert all(parameter.grad is not None for parameter in module.parameters())
    for model in (pair.sharer.model, pair.receiver.model):
        assert not any(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("bits", BITS)
def test_a_batch_is_judged_like_its_cases_alone(pair: Pair, bits: int) -> None:
    learner = quick_learner(pair)
    alone = [answer_loss(learner, [case], bits).answer.item() for case in (CASE, OTHER)]
    together = answer_loss(learner, [CASE, OTHER], bits).answer.item()
    # Three letters and a two-token stop, twice in OTHER.
    assert together == pytest.approx((alone[0] + 2 * alone[1]) / 3, rel=0.02)


def test_the_context_that_is_shared_matters(pair: Pair) -> None:
    learner = quick_learner(pair)
    other = Case(context=OTHER.context, questions=CASE.questions)
    losses = [answer_loss(learner, [case], BITS[0]).answer.item() for case in (CASE, other)]
    assert losses[0] != losses[1]


def test_imitation_is_the_answers_loss_and_a_distance(pair: Pair) -> None:
    learner = quick_learner(pair)
    plain, imitating = (
        objective(learner, [CASE, OTHER], BITS[0]) for objective in (answer_loss, imitation_loss)
    )
    assert imitating.answer.item() == pytest.approx(plain.answer.item())
    assert plain.imitation.item() == 0
    assert imitating.total.item() > plain.total.item()


def test_a_number_of_bits_that_nothing_travels_in_is_refused(pair: Pair) -> None:
    with pytest.raises(InvalidInput, match="budget"):
        quick_learner(pair).answer([CASE], 3)


def test_every_channel_of_the_receivers_cache_has_a_weight(pair: Pair) -> None:
    weights_G = fisher_weights(pair, [[CASE, OTHER]])
    assert weights_G.shape == (quick_learner(pair).spec.targets,)
    assert float(weights_G.min()) >= 0
    assert float(weights_G.max()) > 0


def test_the_closed_form_predicts_better_than_the_mean(pair: Pair) -> None:
    learner = quick_learner(pair)
    weights_G = fisher_weights(pair, [[CASE, OTHER]])
    assert 0 < solve(_moments(pair), weights_G, learner.encoder, learner.decoder) <= 1


def test_fewer_tokens_than_numbers_leave_the_rest_unused(pair: Pair) -> None:
    learner = quick_learner(pair)
    solve(
        _moments(pair, TEXTS[:1]),
        torch.ones(learner.spec.targets),
        learner.encoder,
        learner.decoder,
    )
    assert all(parameter.isfinite().all() for parameter in parameters_of(learner))


def test_a_long_answer_counts_no_more_than_a_few_words_of_the_loss(pair: Pair) -> None:
    passage = Question(text="all of it", answers=("the tin is in her hat " * 6,))
    case = Case(context=CASE.context, questions=(*CASE.questions, passage))
    learner = quick_learner(pair)
    answered = learner.answer([case], BITS[0])
    logits_AV = pair.receiver.logits(answered.hidden_AC, answered.paper.vocabulary_V).float()
    losses_A = torch.nn.functional.cross_entropy(
        logits_AV, answered.paper.targets_A, reduction="none"
    )
    weights_A = answered.paper.weights_A
    expected = (losses_A * weights_A).sum() / weights_A.sum()
    torch.testing.assert_close(answer_loss(learner, [case], BITS[0]).answer, expected)
    assert abs(losses_A.mean().item() - expected.item()) > 1e-4


def test_no_tokens_are_refused(pair: Pair) -> None:
    learner = quick_learner(pair)
    with pytest.raises(InvalidInput, match="closed_form_tokens"):
        solve(
            _moments(pair, []), torch.ones(learner.spec.targets), learner.encoder, learner.decoder
        )


def test_the_closed_form_sorts_the_numbers_by_importance(pair: Pair) -> None:
    learner, moments = quick_learner(pair), _moments(pair)
    deviation_G = moments.standard().deviation_G
    solve(moments, 1 / deviation_G, learner.encoder, learner.decoder)
    shares = learner.decoder.up.weight.norm(dim=0)
    assert shares.tolist() == sorted(shares.tolist(), reverse=True)
    assert shares[0] > 2 * shares[-1]


def test_preparing_starts_both_halves_and_says_how_well(pair: Pair) -> None:
    learner, said = quick_learner(pair), list[str]()
    before = [module.state_dict()["mean_F"].clone() for module in learner.modules.values()]
    record = learner.prepare(lambda: CASE, said.append)
    after = [module.state_dict()["mean_F"] for module in learner.modules.values()]
    assert all(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
    assert record["weighted_r2"] > 0  # type: ignore[operator]
    assert said[-1].startswith("closed form: R2")
