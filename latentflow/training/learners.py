"""Which learner trains which method.

Owns the choice and what each needs of the plan and the models' shapes.
"""

from collections.abc import Callable
from dataclasses import asdict

from torch import nn

from latentflow.latent import Method
from latentflow.model.c2c import HIDDEN
from latentflow.model.halves import receiver_half, sharer_half
from latentflow.model.lcf import CHANNEL
from latentflow.model.prefix import PrefixDecoder, PrefixEncoder, PrefixSpec, prefix_spec
from latentflow.model.residual_spec import residual_spec
from latentflow.model.soft_prefix import soft_spec
from latentflow.training.control_learner import ControlLearner
from latentflow.training.learner import Learner
from latentflow.training.pair import Pair
from latentflow.training.plan import Plan
from latentflow.training.prefix_learner import PrefixLearner
from latentflow.training.residual_learner import residual_learner


def learner_of(plan: Plan, pair: Pair) -> Learner:
    """Untrained."""
    return _LEARNERS[plan.method](plan, pair)


def _prefix_learner(plan: Plan, pair: Pair) -> Learner:
    return PrefixLearner(pair, _prefix_spec(plan, pair), plan.closed_form_tokens)


def _control_learner(plan: Plan, pair: Pair) -> Learner:
    """With as many parameters as the pair's lcf-prefix."""
    spec = _prefix_spec(plan, pair)
    parameters = sum(map(_parameters, (PrefixEncoder(spec), PrefixDecoder(spec))))
    control = soft_spec(pair.receiver.shape, parameters=parameters)
    return ControlLearner(pair, control, plan.message_tokens)


def _residual_learner(plan: Plan, pair: Pair) -> Learner:
    width = HIDDEN if plan.method is Method.C2C else CHANNEL
    spec = residual_spec(pair.sharer.shape, pair.receiver.shape, width=width)
    encoder = sharer_half(plan.method, asdict(spec), pair.sharer)
    decoder = receiver_half(plan.method, asdict(spec), pair.receiver)
    return residual_learner(pair, plan.method, encoder, decoder)


def _prefix_spec(plan: Plan, pair: Pair) -> PrefixSpec:
    return prefix_spec(pair.sharer.shape, pair.receiver.shape, width=plan.width, stride=plan.stride)


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


_LEARNERS: dict[Method, Callable[[Plan, Pair], Learner]] = {
    Method.LCF_PREFIX: _prefix_learner,
    Method.LCF_X: _residual_learner,
    Method.LCF: _residual_learner,
    Method.C2C: _residual_learner,
    Method.TEXT: _control_learner,
}
