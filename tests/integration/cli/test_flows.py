"""`latentflow flows`: what is announced, and how far the groups are."""

import json

import pytest

from latentflow.latent import FlowName
from latentflow.relay import FlowInfo, GroupInfo
from tests.integration.cli.conftest import There

MEMOS = FlowInfo(
    name=FlowName("memos"),
    announced=1234,
    groups=(
        GroupInfo(name="desk", lag=7, pending=2, consumers=3),
        GroupInfo(name="audit", lag=0, pending=0, consumers=0),
    ),
)
LETTERS = FlowInfo(name=FlowName("letters"), announced=0)


@pytest.fixture
def flows(there: There) -> There:
    there.broker.flows = [MEMOS, LETTERS]
    return there


async def test_flows_are_listed_with_their_groups(flows: There) -> None:
    assert (await flows.run("flows", "ls")).splitlines() == [
        "flow     announced  groups",
        "letters          0  none",
        "memos        1,234  desk, audit",
    ]


async def test_lag_has_a_line_a_group(flows: There) -> None:
    assert (await flows.run("flows", "lag")).splitlines() == [
        "flow   group  lag  pending  consumers",
        "memos  desk     7        2          3",
        "memos  audit    0        0          0",
    ]


async def test_scripts_get_one_document(flows: There) -> None:
    listed = json.loads(await flows.run("flows", "ls", "--json"))["flows"]
    assert [(flow["name"], flow["announced"]) for flow in listed] == [
        ("letters", 0),
        ("memos", 1234),
    ]
    (desk, _) = json.loads(await flows.run("flows", "lag", "--json"))["groups"]
    assert desk == {"flow": "memos", "name": "desk", "lag": 7, "pending": 2, "consumers": 3}
