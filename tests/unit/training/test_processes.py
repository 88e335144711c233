"""Two real processes learn one adapter: other cases, one gradient, the same result."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from latentflow.training.processes import ALONE, Processes, average_gradients, joined
from tests.tiny_pair import write_roomy_model
from tests.unit.training.one_process import STEPS

_LAUNCHER = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2")
_SECONDS = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where both processes have trained."""
    path = tmp_path_factory.mktemp("processes")
    write_roomy_model(path / "sharer", "llama")
    write_roomy_model(path / "receiver", "qwen3", seed=7)
    worker = ("-m", "tests.unit.training.one_process", str(path))
    subprocess.run([sys.executable, "-m", *_LAUNCHER, *worker], check=True, timeout=_SECONDS)
    return path


def _left(folder: Path, name: str) -> list[dict[str, Any]]:
    return [torch.load(folder / f"{name}-{index}.pt") for index in (0, 1)]


def test_processes_learn_from_the_mean_of_their_gradients(folder: Path) -> None:
    first, second = _left(folder, "gradient")
    assert not torch.allclose(first["own"], second["own"])
    torch.testing.assert_close(first["mean"], (first["own"] + second["own"]) / 2)
    assert torch.equal(first["mean"], second["mean"])


def test_processes_end_with_the_same_adapter_though_they_were_stopped(folder: Path) -> None:
    first, second = _left(folder, "modules")
    for name, tensors in first.items():
        for key, tensor in tensors.items():
            assert torch.equal(tensor, second[name][key])


def test_only_the_first_process_writes(folder: Path) -> None:
    lines = (folder / "progress.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(STEPS))


def test_a_process_that_no_launcher_started_is_alone() -> None:
    with joined() as processes:
        assert processes == ALONE
    assert processes.is_first


def test_a_process_alone_keeps_its_gradient() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    average_gradients(ALONE, [parameter])
    assert parameter.grad is None


def test_the_first_process_draws_what_one_alone_would() -> None:
    seeds = [Processes(index=index, count=3).seed(5) for index in range(3)]
    assert seeds[0] == ALONE.seed(5) == 5
    assert len({*seeds}) == 3
