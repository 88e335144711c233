"""Figures: what is counted, against which aim, and how it is kept."""

import json
from pathlib import Path

import pytest

from bench.figures import Findings, figure, percentile_95, ratio, table, throughput, write


def test_95th_percentile_leaves_out_the_worst_twentieth() -> None:
    assert percentile_95(range(1, 101)) == 95
    assert percentile_95(range(100, 0, -1)) == 95


def test_95th_percentile_of_few_values_is_the_largest() -> None:
    assert percentile_95([3.0, 1.0, 2.0]) == 3.0


def test_throughput_is_slower_at_its_95th_percentile() -> None:
    found = throughput("pack", [0.5, 0.5, 0.5, 2.0], 1_000_000)
    assert (found.median, found.p95) == (2.0, 0.5)


def test_ratio_is_of_pairs_and_not_of_medians() -> None:
    found = ratio("round trip", of=[2.0, 30.0, 8.0], to=[1.0, 10.0, 2.0])
    assert found.median == 3.0


def test_ratio_refuses_what_was_not_measured_in_pairs() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio("round trip", of=[2.0, 3.0], to=[1.0])


@pytest.mark.parametrize(("value", "verdict"), [(3.0, "<= 3 met"), (3.01, "<= 3 MISSED")])
def test_aim_is_met_up_to_its_limit(value: float, verdict: str) -> None:
    assert figure("x", [value], "s", at_most=3.0).verdict == verdict


def test_figure_without_an_aim_has_no_verdict() -> None:
    assert figure("x", [1.0], "s").verdict == ""


def test_file_holds_facts_and_figures_and_says_which_aim_was_met(tmp_path: Path) -> None:
    figures = [figure("slow", [2.0, 4.0], "s", at_most=1.0), figure("free", [1.0], "s")]
    findings = Findings(scenario="start", setting={"models": 2}, figures=figures)
    record = json.loads(write(findings, {"commit": "abc"}, tmp_path / "results").read_text())
    assert record == {
        "scenario": "start",
        "commit": "abc",
        "setting": {"models": 2},
        "figures": [
            {
                "name": "slow",
                "unit": "s",
                "median": 3.0,
                "p95": 4.0,
                "samples": 2,
                "at_most": 1.0,
                "met": False,
            },
            {"name": "free", "unit": "s", "median": 1.0, "p95": 1.0, "samples": 1},
        ],
    }


def test_table_has_a_line_for_each_figure_of_each_scenario() -> None:
    one = Findings(scenario="one", setting={}, figures=[figure("a", [1.0], "s", at_most=2)])
    two = Findings(scenario="two", setting={}, figures=[figure("b", [250.4], "ms")])
    lines = [line.split() for line in table([one, two]).splitlines()[1:]]
    assert lines == [
        ["one", "a", "1", "1", "s", "1", "<=", "2", "met"],
        ["two", "b", "250", "250", "ms", "1"],
    ]
