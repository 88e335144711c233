"""Where dead letters go, and what they say."""

import pytest

from latentflow.latent import FlowName, Tenant, parse_flow_name
from services.broker.dead_letters import (
    NO_LIMIT,
    dead_letter_flow,
    is_dead_letter_flow,
    most_deliveries_on,
    write_letter,
)
from services.broker.record import Announcement, DeliveryId, Exhausted, FlowRef, GroupMember
from tests.contract.samples import FLOW, TENANT, new_ref

HERE = FlowRef(tenant=TENANT, flow=FLOW)


@pytest.mark.parametrize("name", ["memos", "a", "x" * 58, "x" * 59, "x" * 63])
def test_dead_letter_flow_has_a_flows_name(name: str) -> None:
    dead = dead_letter_flow(FlowRef(tenant=Tenant("t"), flow=FlowName(name)))
    assert dead == FlowRef(tenant=Tenant("t"), flow=parse_flow_name(name[:58] + ".dead"))
    assert is_dead_letter_flow(dead.flow)


def test_dead_letters_are_not_moved_again() -> None:
    assert most_deliveries_on(HERE, 3) == 3
    assert most_deliveries_on(dead_letter_flow(HERE), 3) == NO_LIMIT


def test_letter_says_in_one_line_who_had_it_last_how_often_and_since_when() -> None:
    exhausted = Exhausted(
        announcement=Announcement(delivery_id=DeliveryId("1-0"), latent_id=new_ref().latent_id),
        consumer="reader-7",
        deliveries=3,
        idle_ms=90_000,
    )
    member = GroupMember(flow=HERE, group="readers", consumer="reader-8")
    letter = write_letter(member, exhausted, now_ms=1_700_000_090_000)
    assert (letter.flow, letter.group, letter.deliveries) == (FLOW, "readers", 3)
    assert letter.reason == (
        "given 3 times, last to reader-7 at 2023-11-14T22:13:20+00:00, and never acknowledged"
    )
