"""Refused calls in the log: who and what, and never more than a line a second."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from latentflow.errors import AccessDenied
from latentflow.rpc.handlers import ServedCall
from latentflow.rpc.refusals import QUIET_SECONDS, Refusals


class Peer:
    """Of a call's context what is asked of it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def peer(self) -> str:
        return self._name


class Alarm:
    """Rings when the test says so."""

    def __init__(self) -> None:
        self._due: list[Callable[[], None]] = []

    def later(self, seconds: float, ring: Callable[[], None]) -> None:
        assert seconds == QUIET_SECONDS
        self._due.append(ring)

    def a_second_passes(self) -> None:
        due, self._due = self._due, []
        for ring in due:
            ring()


@pytest.fixture
def alarm() -> Alarm:
    return Alarm()


@pytest.fixture
def refusals(alarm: Alarm) -> Refusals:
    return Refusals(alarm.later)


def refused(refusals: Refusals, *methods: str, peer: str = "ipv4:192.0.2.7:4711") -> None:
    for method in methods:
        refusals.tell(ServedCall(method=method, context=cast(Any, Peer(peer))), AccessDenied())


def test_a_refusal_is_told_with_method_and_peer(
    refusals: Refusals, caplog: pytest.LogCaptureFixture
) -> None:
    refused(refusals, "/a.B/One", peer="ipv6:%5B::1%5D:4711")
    assert caplog.messages == ["ACCESS_DENIED: /a.B/One from ipv6:[::1]:4711"]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_many_refusals_are_a_line_a_second(
    refusals: Refusals, alarm: Alarm, caplog: pytest.LogCaptureFixture
) -> None:
    refused(refusals, *["/a.B/One"] * 11, "/a.B/Last")
    assert len(caplog.messages) == 1
    alarm.a_second_passes()
    refused(refusals, "/a.B/One")
    assert caplog.messages[1:] == [
        "ACCESS_DENIED: /a.B/Last from ipv4:192.0.2.7:4711, the last of 11 since the line before"
    ]
    alarm.a_second_passes()
    assert caplog.messages[2].endswith("the last of 1 since the line before")


def test_after_a_quiet_second_a_refusal_is_told_at_once(
    refusals: Refusals, alarm: Alarm, caplog: pytest.LogCaptureFixture
) -> None:
    refused(refusals, "/a.B/One")
    alarm.a_second_passes()
    alarm.a_second_passes()
    assert len(caplog.messages) == 1
    refused(refusals, "/a.B/One")
    assert len(caplog.messages) == 2
