"""Where a frozen model runs and in which precision, decided from what the machine has.

Owns the decision, and looking at the machine for it; loading models is `backbone`'s.
"""

from dataclasses import dataclass

import torch

from latentflow.errors import InvalidInput

_CPU_BFLOAT16 = ("amx_bf16", "avx512_bf16")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What a machine has; `bfloat16` means products in hardware, not emulated ones."""

    gpus: int = 0
    gpu_bfloat16: bool = False
    cpu_bfloat16: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The device and the precision in which a frozen model runs."""

    device: torch.device
    dtype: torch.dtype


def found_hardware() -> Hardware:
    """This machine's."""
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    cpu = torch.cpu.get_capabilities()
    return Hardware(
        gpus=gpus,
        gpu_bfloat16=gpus > 0 and torch.cuda.is_bf16_supported(including_emulation=False),
        cpu_bfloat16=any(cpu.get(name) for name in _CPU_BFLOAT16),
    )


def place(hardware: Hardware, local_index: int = 0) -> Placement:
    """A GPU for each process of a machine that has any, else its CPU; bfloat16 where that is fast.

    Raises InvalidInput for more processes than GPUs.
    """
    if not hardware.gpus:
        return Placement(device=torch.device("cpu"), dtype=_dtype(hardware.cpu_bfloat16))
    if local_index >= hardware.gpus:
        problem = f"must be at most the {hardware.gpus} GPUs of the machine"
        raise InvalidInput(field="processes", problem=problem)
    return Placement(device=torch.device("cuda", local_index), dtype=_dtype(hardware.gpu_bfloat16))


def _dtype(bfloat16: bool) -> torch.dtype:
    return torch.bfloat16 if bfloat16 else torch.float32
