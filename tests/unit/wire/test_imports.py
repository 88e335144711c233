"""The broker imports all of `wire` but its quantisation, and stays small."""

import subprocess
import sys
from pathlib import Path

import latentflow.wire

FOLDER = Path(latentflow.wire.__file__).parent
HEAVY = {"numpy", "torch", "transformers"}


def loaded_by(modules: list[str]) -> set[str]:
    """Names of all modules in a new process that imports `modules` of `wire`."""
    names = ", ".join(f"latentflow.wire.{module}" for module in modules)
    program = f"import sys, {names}; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    root = FOLDER.parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_wire_without_quantisation_loads_no_array_library() -> None:
    modules = [path.stem for path in FOLDER.glob("[a-z]*.py") if path.stem != "quantise"]
    loaded = loaded_by(modules)
    assert "latentflow.wire.stream" in loaded
    assert not HEAVY & loaded


def test_quantisation_loads_no_model_library() -> None:
    assert {"torch", "transformers"}.isdisjoint(loaded_by(["quantise"]))
