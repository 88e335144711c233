"""The handoff without services: the engines' own functions, called one after the other.

The same models, adapter and steps as the sharer's and the receiver's, but no queue, frame or call.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bench.figures import Stopwatch
from latentflow.calls import LatentMeans, Sampling
from latentflow.cli.demo_cases import DemoCase
from latentflow.cli.stack import StackPlan
from latentflow.model.generation import generate
from latentflow.wire.quantise import unpack
from services.receiver import resident as receiving
from services.receiver.priming import Primer
from services.receiver.reading import Reading, Slots, reading_of
from services.sharer import resident as sharing
from services.sharer.packed import Packed
from services.sharer.vectors import VectorWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One handoff. Seconds count from when the sharer has the context."""

    answer: str
    tokens: int
    first_token_seconds: float
    seconds: float
    stages: Mapping[str, float]


class OneProcess:
    """Both models, resident in this process."""

    def __init__(self, plan: StackPlan) -> None:
        self._sharer = sharing.load(plan.sharer_model, plan.adapters, threads=0)
        self._receiver = receiving.load(plan.receiver_model, plan.adapters, threads=0)
        self._primer = Primer(self._receiver.backbone)

    def hand_off(self, case: DemoCase, sampling: Sampling) -> Run:
        """Raises UnknownAdapter when there is none for the sharer."""
        stages: dict[str, float] = {}
        packed = self._share(case.context, stages)
        answer, tokens = self._answer(self._reading(packed), case.question, sampling, stages)
        seconds = sum(stages.values())
        return Run(
            answer=answer,
            tokens=tokens,
            first_token_seconds=seconds - stages["decode"],
            seconds=seconds,
            stages=stages,
        )

    def _share(self, context: str, stages: dict[str, float]) -> Packed:
        watch = Stopwatch()
        work = VectorWork(
            backbone=self._sharer.backbone,
            adapter=self._sharer.choose(""),
            means=LatentMeans(),
            context=context,
        )
        read = work.prefill(work.tokenise(), lambda _tokens: None, _never)
        stages["prefill sharer"] = watch.lap()
        packed = work.summarise(read, _never)
        stages["summarise"] = watch.lap()
        return packed

    def _reading(self, packed: Packed) -> Reading:
        assert packed.adapter is not None
        vectors = unpack(packed.stream, packed.layout, packed.codec)
        slots = Slots(adapter=self._receiver.adapters[packed.adapter], vectors=vectors)
        return reading_of("", [slots])

    def _answer(
        self, reading: Reading, question: str, sampling: Sampling, stages: dict[str, float]
    ) -> tuple[str, int]:
        watch = Stopwatch()
        primed, ids = self._primer.ready(reading, question, _never)
        stages["inject"] = watch.lap()
        wish = replace(sampling, stop=(primed.form.stop, *sampling.stop))
        steps = generate(self._receiver.backbone, primed.cache, [ids], [wish])
        pieces = [*next(steps)]
        stages["prefill receiver"] = watch.lap()
        pieces += [piece for step in steps for piece in step]
        stages["decode"] = watch.lap()
        return "".join(piece.text for piece in pieces), len(pieces)


def _never() -> bool:
    return False
