"""The clock and the order of the work, with a clock that counts how often it was asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from latentflow.evaluation.arms import Arm
from latentflow.evaluation.cases import Asked
from latentflow.evaluation.handoff import Handoff
from latentflow.evaluation.measuring import measure
from latentflow.evaluation.sending import Nothing, Parcel

CASES = [
    Asked(case_id=str(number), context=f"c{number}", question="q", answers=("a",))
    for number in range(11)
]


@dataclass(frozen=True, eq=False)
class Noting:
    """Sends nothing, and notes for whom."""

    name: str
    notes: list[tuple[str, list[str]]] = field(default_factory=list)

    def send(self, handoff: Handoff, cases: Sequence[Asked]) -> list[Parcel]:
        self.notes.append((self.name, [case.case_id for case in cases]))
        return [Parcel(wire_bytes=int(case.case_id)) for case in cases]


def test_timed_cases_run_alone_and_arm_after_arm_after_a_warm_up(handoff: Handoff) -> None:
    notes: list[tuple[str, list[str]]] = []
    arms = [Arm(name=name, sending=Noting(name, notes)) for name in ("x", "y")]
    measure(handoff, arms, CASES[:2], timed=2)
    warm_up, first, second = ([("x", [case]), ("y", [case])] for case in "001")
    assert notes == [*warm_up, *first, *second]


def test_the_rest_runs_in_batches_without_times(handoff: Handoff) -> None:
    notes: list[tuple[str, list[str]]] = []
    replies = measure(handoff, [Arm(name="x", sending=Noting("x", notes))], CASES, timed=2)["x"]
    assert [len(cases) for _, cases in notes] == [1, 1, 1, 8, 1]
    assert [reply.wire_bytes for reply in replies] == list(range(len(CASES)))
    assert [reply.times is not None for reply in replies] == [True] * 2 + [False] * 9


def test_nothing_is_warmed_up_when_nothing_is_timed(handoff: Handoff) -> None:
    notes: list[tuple[str, list[str]]] = []
    measure(handoff, [Arm(name="x", sending=Noting("x", notes))], CASES[:3])
    assert len(notes) == 1


def test_what_arms_send_alike_is_made_once_a_batch(handoff: Handoff) -> None:
    notes: list[tuple[str, list[str]]] = []
    shared = Noting("x", notes)
    measure(handoff, [Arm(name=name, sending=shared) for name in "xy"], CASES[:3])
    assert len(notes) == 1


def test_times_count_from_the_start_to_the_first_token_and_to_the_end(handoff: Handoff) -> None:
    ticks = count()
    arm = Arm(name="x", sending=Nothing())
    (reply,) = measure(handoff, [arm], CASES[:1], timed=1, clock=lambda: float(next(ticks)))["x"]
    assert reply.times is not None
    assert reply.times.first_token_seconds == 1
    assert reply.times.answer_seconds == 2


def test_progress_is_told(handoff: Handoff) -> None:
    heard: list[int] = []
    measure(handoff, [Arm(name="x", sending=Nothing())], CASES, timed=2, heard=heard.append)
    assert heard == [1, 2, 10, 11]
