"""The orders to a sharer, and the comparison that chooses among them."""

from dataclasses import replace

import pytest

from latentflow.errors import InvalidInput
from latentflow.evaluation.arms import Arm
from latentflow.evaluation.cases import Asked
from latentflow.evaluation.handoff import Handoff
from latentflow.evaluation.measuring import measure
from latentflow.evaluation.sending import Message
from latentflow.evaluation.wording import Tried, try_orders
from latentflow.model.orders import ORDERS, Order, order_of

CASES = [Asked(context="Bo has {red} tins.", question="Who?", answers=("Bo",))]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.name)
def test_an_order_holds_the_context_and_the_question_where_there_is_one(order: Order) -> None:
    blind = order.text("Bo has {red} tins.", words=48, question="")
    needed = order.text("Bo has {red} tins.", words=48, question="Who?")
    assert "Bo has {red} tins." in blind
    assert "Bo has {red} tins." in needed
    assert "Who?" in needed
    assert "Who?" not in blind


def test_an_order_of_no_name_is_refused() -> None:
    with pytest.raises(InvalidInput, match="state, summarise"):
        order_of("shout")


@pytest.mark.parametrize("need", [False, True])
def test_every_order_is_tried_and_the_best_comes_first(handoff: Handoff, need: bool) -> None:
    last = Arm(name="last", sending=Message(tokens=4, need=need, order=ORDERS[-1]))
    (reply,) = measure(handoff, [last], CASES)["last"]
    cases = [replace(CASES[0], answers=(reply.answer,))]
    heard: list[Tried] = []
    tried = try_orders(handoff, cases, tokens=4, need=need, heard=heard.append)
    assert [each.order for each in heard] == list(ORDERS)
    assert heard[0].em < tried[0].em == heard[-1].em == 1
