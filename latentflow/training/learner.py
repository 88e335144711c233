"""What the loop trains: some modules between two frozen models, method by method.

Owns the protocol; each method's learner is a module of its own.
Legend: A answer tokens, C hidden size.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from latentflow.latent import Method
from latentflow.training.cases import Case
from latentflow.training.pair import Exam, Pair

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The receiver's hidden states where the answer tokens of `paper` are due."""

    hidden_AC: Tensor
    paper: Exam


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Parameters and their peak learning rate."""

    parameters: Sequence[nn.Parameter]
    peak: float


class Learner(Protocol):
    """An adapter in training. `modules` are saved under their names, as the adapter file has them.

    `budgets` are the sizes of latent that are drawn from at each step, the whole one first: bits a
    number (lcf-prefix), spans (lcf-x), or the one there is.
    """

    @property
    def pair(self) -> Pair: ...

    @property
    def method(self) -> Method: ...

    @property
    def modules(self) -> Mapping[str, nn.Module]: ...

    @property
    def budgets(self) -> tuple[int, ...]: ...

    @property
    def hyperparameters(self) -> dict[str, object]: ...

    def rates(self) -> list[Rate]: ...

    def prepare(self, draw: Callable[[], Case], say: Say) -> dict[str, object]:
        """Starts the modules from something better than chance; returns what the card says of it.

        Called once a run, not when it is resumed.
        """
        ...

    def begin(self, progress: float) -> None:
        """Hears before each step what share of the steps is done."""
        ...

    def answer(self, cases: Sequence[Case], budget: int) -> Answered:
        """All questions of `cases`, teacher-forced over latents of their contexts."""
        ...


def parameters_of(learner: Learner) -> Iterator[nn.Parameter]:
    """Everything that is trained."""
    for module in learner.modules.values():
        yield from module.parameters()
