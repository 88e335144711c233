"""The soak's mechanics, in seconds: it runs, compares receipts and writes what it found."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
SHORT = "--flows 4 --seconds 4 --rest 1 --period 1".split()


def test_a_short_soak_loses_no_receipt_and_leaves_figures_and_plot(tmp_path: Path) -> None:
    places = ["--plot", str(tmp_path / "soak.png"), "--results", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.soak", *SHORT, *places],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = json.loads((tmp_path / "soak.json").read_text())
    assert found["setting"]["receipts lost"] == 0, done.stderr
    assert found["setting"]["did"]["uses noted"] > 0
    assert (tmp_path / "soak.png").stat().st_size > 0
