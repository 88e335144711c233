"""What a run wrote becomes its curves, by budget, a repeated step counting once."""

import json
from pathlib import Path

import pytest
from matplotlib.image import imread

from latentflow.training.curves import (
    PROGRESS_FILE,
    VALIDATION_FILE,
    Curve,
    by_budget,
    curve_of,
    draw_curves,
    read_lines,
)

MOST_BYTES = 100_000


def _line(step: int, loss: float, budget: int = 256) -> dict[str, float]:
    return {"step": step, "loss": loss, "budget": budget}


def _write(path: Path, lines: list[dict[str, float]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_each_budget_has_its_curve_the_largest_first() -> None:
    curves = by_budget([_line(0, 3.0, 64), _line(1, 2.0, 256), _line(2, 1.0, 64)])
    assert list(curves) == [256, 64]
    assert curves[64] == Curve(steps=(0, 2), losses=(3.0, 1.0))


def test_a_resumed_run_is_drawn_as_it_went_on() -> None:
    lines = [_line(0, 5.0), _line(1, 4.0), _line(2, 9.0), _line(1, 3.0), _line(2, 2.0)]
    assert curve_of(lines) == Curve(steps=(0, 1, 2), losses=(5.0, 3.0, 2.0))


def test_smoothing_averages_a_twenty_fifth_of_the_curve() -> None:
    losses = tuple(float(step % 2) for step in range(50))
    smoothed = Curve(steps=tuple(range(50)), losses=losses).smoothed()
    assert smoothed.losses[0] == 0.0
    assert smoothed.losses[1:] == pytest.approx([0.5] * 49)


def test_a_short_curve_is_left_as_it_is() -> None:
    curve = Curve(steps=(0, 1), losses=(2.0, 1.0))
    assert curve.smoothed() == curve


def test_a_file_that_is_not_there_yet_has_no_lines(tmp_path: Path) -> None:
    assert read_lines(tmp_path / PROGRESS_FILE) == []


def test_a_run_that_has_not_begun_can_be_drawn(tmp_path: Path) -> None:
    draw_curves(tmp_path, tmp_path / "curves.png")
    assert imread(tmp_path / "curves.png").shape[2] == 4


def test_the_picture_of_a_long_run_is_small_and_shows_its_validation(tmp_path: Path) -> None:
    steps = range(4000)
    _write(
        tmp_path / PROGRESS_FILE,
        [_line(s, 4 / (1 + s / 500) + s % 7 / 9, 32 << s % 4) for s in steps],
    )
    draw_curves(tmp_path, tmp_path / "training.png")
    _write(tmp_path / VALIDATION_FILE, [_line(s, 1.5, 32) for s in steps[400::400]])
    draw_curves(tmp_path, tmp_path / "both.png")
    assert (tmp_path / "both.png").stat().st_size < MOST_BYTES
    assert (imread(tmp_path / "both.png") != imread(tmp_path / "training.png")).any()
