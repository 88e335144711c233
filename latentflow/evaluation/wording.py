"""Which order makes the sharer's messages most useful to the receiver, on cases of training.

Owns the comparison; the orders are `latentflow.model.orders`'.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from latentflow.evaluation.arms import Arm
from latentflow.evaluation.cases import Asked
from latentflow.evaluation.handoff import Handoff
from latentflow.evaluation.measuring import measure
from latentflow.evaluation.scores import mark
from latentflow.evaluation.sending import Message
from latentflow.model.orders import ORDERS, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An order, and the exact match and F1 that the receiver reached with it, in [0, 1]."""

    order: Order
    em: float
    f1: float


def try_orders(
    handoff: Handoff,
    cases: Sequence[Asked],
    *,
    tokens: int,
    need: bool,
    heard: Callable[[Tried], None] = lambda _tried: None,
) -> list[Tried]:
    """Every order on the same cases, the best first: by exact match, then by F1."""
    tried = []
    for order in ORDERS:
        message = Message(tokens=tokens, need=need, order=order)
        tried.append(_tried(handoff, cases, order, message))
        heard(tried[-1])
    return sorted(tried, key=lambda each: (each.em, each.f1), reverse=True)


def _tried(handoff: Handoff, cases: Sequence[Asked], order: Order, message: Message) -> Tried:
    arm = Arm(name=order.name, sending=message)
    marks = mark(cases, measure(handoff, [arm], cases)[arm.name])
    return Tried(
        order=order,
        em=sum(score.em for score in marks) / len(marks),
        f1=sum(score.f1 for score in marks) / len(marks),
    )
