"""The control of a text arm learns a form, and nothing of any context."""

from pathlib import Path

import torch

from latentflow.latent import Method
from latentflow.model.soft_prefix import soft_spec
from latentflow.model.soft_prefix_file import load_soft_prefix
from latentflow.training.cases import Case, Question
from latentflow.training.control_learner import ControlLearner
from latentflow.training.loop import Material, Schedule, train
from latentflow.training.objective import answer_loss
from latentflow.training.pair import Pair
from latentflow.training.plan import Plan
from latentflow.training.run import export

CASE = Case(context="the tin is in her hat", questions=(Question(text="where", answers=("hat",)),))


def _learner(pair: Pair, *, message_tokens: int = 0) -> ControlLearner:
    torch.manual_seed(0)
    spec = soft_spec(pair.receiver.shape, parameters=60_000)
    learner = ControlLearner(pair, spec, message_tokens)
    learner.prepare(lambda: CASE, lambda _text: None)
    return learner


def _losses(learner: ControlLearner, steps: int, folder: Path) -> list[float]:
    schedule = Schedule(steps=steps, imitation_steps=0, warmup_steps=2, contexts_a_step=2)
    material = Material(draw=lambda: CASE)
    return [progress.loss for progress in train(learner, material, schedule, folder)]


def test_it_learns_over_the_whole_text(pair: Pair, tmp_path: Path) -> None:
    losses = _losses(_learner(pair), 30, tmp_path)
    assert losses[-1] < 0.96 * losses[0]


def test_it_learns_over_the_sharers_message(pair: Pair, tmp_path: Path) -> None:
    losses = _losses(_learner(pair, message_tokens=4), 20, tmp_path)
    assert losses[-1] < losses[0]


def test_what_it_reads_matters(pair: Pair) -> None:
    learner = _learner(pair)
    other = Case(context="a hen", questions=CASE.questions)
    losses = [answer_loss(learner, [case], 0).answer.item() for case in (CASE, other)]
    assert losses[0] != losses[1]


def test_only_the_prefix_learns(pair: Pair) -> None:
    learner = _learner(pair)
    answer_loss(learner, [CASE], 0).total.backward()  # type: ignore[no-untyped-call]
    assert learner.prefix.up.weight.grad is not None
    assert not any(weight.requires_grad for weight in pair.receiver.model.parameters())


def test_it_is_exported_as_a_soft_prefix(pair: Pair, tmp_path: Path) -> None:
    learner = _learner(pair)
    plan = Plan(
        sharer=tmp_path,
        receiver=tmp_path,
        mix=(("memos", 1.0),),
        schedule=Schedule(),
        method=Method.TEXT,
    )
    loaded = load_soft_prefix(export(plan, learner, {}, tmp_path), pair.receiver)
    expected = learner.prefix().keys_LBHTD.detach()
    torch.testing.assert_close(loaded().keys_LBHTD, expected, atol=1e-2, rtol=1e-2)
