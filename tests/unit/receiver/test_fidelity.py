"""When a route is demoted to text, and when it recovers."""

import pytest

from latentflow.errors import RouteDemoted
from services.receiver.fidelity import Fidelity, Verdict

ROUTE, OTHER = "lcf-prefix", "lcf-x"


def judging(demote_below: float, *, window: int = 3) -> Fidelity:
    return Fidelity([ROUTE, OTHER], window=window, demote_below=demote_below)


def hear(fidelity: Fidelity, *agreements: float) -> list[Verdict]:
    verdicts = (fidelity.hear(ROUTE, agreement) for agreement in agreements)
    return [verdict for verdict in verdicts if verdict is not None]


def test_a_route_is_demoted_by_the_mean_of_a_whole_window() -> None:
    fidelity = judging(0.5)
    assert hear(fidelity, 0.0, 0.0) == []
    assert hear(fidelity, 0.75) == [Verdict(adapter=ROUTE, is_demoted=True, agreement=0.25)]
    with pytest.raises(RouteDemoted, match=ROUTE):
        fidelity.require_trusted(ROUTE)


def test_only_the_last_comparisons_count() -> None:
    fidelity = judging(0.5)
    assert hear(fidelity, 0.0, 0.75, 0.75, 0.75) == []
    assert [verdict.is_demoted for verdict in hear(fidelity, 0.0, 0.0)] == [True]


def test_a_mean_at_the_bound_is_enough() -> None:
    fidelity = judging(0.5)
    assert hear(fidelity, 0.5, 0.5, 0.5, 0.5) == []


def test_a_demoted_route_recovers_by_a_window_of_its_own() -> None:
    fidelity = judging(0.5)
    hear(fidelity, 0.25, 0.5, 0.5)
    assert hear(fidelity, 1.0, 1.0) == []
    assert hear(fidelity, 0.25) == [Verdict(adapter=ROUTE, is_demoted=False, agreement=0.75)]
    fidelity.require_trusted(ROUTE)
    assert hear(fidelity, 0.0, 0.0) == []
    assert [verdict.is_demoted for verdict in hear(fidelity, 0.0)] == [True]


def test_a_demoted_route_stays_so_while_it_disagrees() -> None:
    fidelity = judging(0.5)
    assert len(hear(fidelity, *[0.0] * 20)) == 1
    assert fidelity.is_demoted(ROUTE)


def test_routes_are_judged_apart() -> None:
    fidelity = judging(0.5)
    hear(fidelity, 0.0, 0.0, 0.0)
    fidelity.require_trusted(OTHER)
    assert not fidelity.is_demoted(OTHER)


def test_without_a_bound_no_route_is_demoted() -> None:
    fidelity = judging(0.0, window=1)
    assert hear(fidelity, 0.0, 0.0) == []
