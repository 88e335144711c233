"""A GPU for each process where there are any, and bfloat16 only where hardware multiplies it."""

import pytest
import torch

from latentflow.errors import InvalidInput
from latentflow.model.placement import Hardware, Placement, place

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("has_bfloat16", "dtype"), [(True, torch.bfloat16), (False, torch.float32)]
)
def test_a_cpu_computes_in_bfloat16_only_where_it_has_it(
    has_bfloat16: bool, dtype: torch.dtype
) -> None:
    hardware = Hardware(cpu_bfloat16=has_bfloat16)
    assert place(hardware) == Placement(device=CPU, dtype=dtype)


@pytest.mark.parametrize(
    ("has_bfloat16", "dtype"), [(True, torch.bfloat16), (False, torch.float32)]
)
def test_a_gpu_is_taken_where_there_is_one(has_bfloat16: bool, dtype: torch.dtype) -> None:
    hardware = Hardware(gpus=1, gpu_bfloat16=has_bfloat16, cpu_bfloat16=not has_bfloat16)
    assert place(hardware) == Placement(device=torch.device("cuda", 0), dtype=dtype)


def test_each_process_of_a_machine_has_a_gpu_of_its_own() -> None:
    devices = [place(Hardware(gpus=3), index).device for index in range(3)]
    assert len({*devices}) == 3


def test_processes_of_a_machine_without_gpus_share_its_cpu() -> None:
    assert place(Hardware(), 1).device == CPU


def test_more_processes_than_gpus_are_refused() -> None:
    with pytest.raises(InvalidInput, match="at most the 2 GPUs"):
        place(Hardware(gpus=2), 2)
