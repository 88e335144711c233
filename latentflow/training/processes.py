"""Several processes that train one adapter: which one this is, and what they exchange.

Owns the group that torch's launcher describes. `accelerate launch` starts that same launcher, and
all that is exchanged is the mean of a few million gradients, since both models are frozen and
whole in every process; so nothing of accelerate itself is needed here.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed, nn

from latentflow.model.placement import found_hardware, place

_SEED_STRIDE = 1_000_003
# The others wait for the first one's closed form and validation: minutes, on the largest models.
_TIMEOUT = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """This process is `index` of `count`, and `local_index` of those on its machine."""

    index: int = 0
    count: int = 1
    local_index: int = 0

    @property
    def is_first(self) -> bool:
        """The first process alone writes, speaks, validates and exports."""
        return self.index == 0

    def seed(self, seed: int) -> int:
        """A seed of this process's own: each draws other cases, the first one `seed`'s."""
        return seed + _SEED_STRIDE * self.index


ALONE = Processes()


@contextmanager
def joined() -> Iterator[Processes]:
    """This process among those a launcher started together, each on a device of its own.

    Raises InvalidInput as `place`.
    """
    if not distributed.is_torchelastic_launched():
        yield ALONE
        return
    local_index = distributed.get_node_local_rank()
    device = place(found_hardware(), local_index).device
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_TIMEOUT)
    try:
        yield Processes(
            index=distributed.get_rank(),
            count=distributed.get_world_size(),
            local_index=local_index,
        )
    finally:
        distributed.destroy_process_group()


def wait(processes: Processes) -> None:
    """Until every process is here."""
    if processes.count > 1:
        distributed.barrier()


def average_gradients(processes: Processes, parameters: Iterable[nn.Parameter]) -> None:
    """Every process's gradients become their mean; a missing one counts as zero."""
    if processes.count == 1:
        return
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        distributed.all_reduce(parameter.grad)
        parameter.grad /= processes.count
