"""The broker's process stays small: what it must never load."""

import subprocess
import sys

import pytest

UNWANTED = ["torch", "numpy", "transformers", "latentflow.model", "latentflow.sealing"]


@pytest.mark.parametrize("package", UNWANTED)
def test_broker_never_loads(package: str) -> None:
    check = f"import services.broker.__main__, sys; sys.exit({package!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
