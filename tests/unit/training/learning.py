"""What the tests of training learn from, and a learner that does so in a few steps."""

import torch

from latentflow.model.prefix import prefix_spec
from latentflow.training.cases import Case, Question
from latentflow.training.learner import Rate, parameters_of
from latentflow.training.pair import Pair
from latentflow.training.prefix_learner import PrefixLearner

CASE = Case(context="the tin is in her hat", questions=(Question(text="where", answers=("hat",)),))
OTHER = Case(context="a hen", questions=(Question(text="who", answers=("hen",)),) * 2)
WIDTH = 16
BITS = (8, 4, 2, 1)


class QuickLearner(PrefixLearner):
    """At rates that would be too high for real models."""

    def rates(self) -> list[Rate]:
        return [Rate(parameters=[*parameters_of(self)], peak=1e-2)]


def quick_learner(pair: Pair, seed: int = 0) -> PrefixLearner:
    """Untrained, the same for the same seed."""
    spec = prefix_spec(pair.sharer.shape, pair.receiver.shape, width=WIDTH, stride=2)
    learner = QuickLearner(pair, spec, closed_form_tokens=100)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        assert set(learner.modules) == {"encoder", "decoder"}  # made here, under the seed
    return learner
