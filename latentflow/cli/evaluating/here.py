"""`latentflow eval` in one process: loads both models and the adapter, and runs every arm."""

from latentflow.cli.adapter_options import handoff_from
from latentflow.cli.evaluating.cases import contexts_of
from latentflow.cli.evaluating.exam import Exam
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.evaluation.arm_names import Kind
from latentflow.evaluation.arms import Arm, Surroundings, build_arm, no_tuned_slots
from latentflow.evaluation.controls import Repeated, mean_slot
from latentflow.evaluation.handoff import Handoff
from latentflow.evaluation.measuring import measure
from latentflow.evaluation.report import Outcome
from latentflow.evaluation.room import require_room
from latentflow.evaluation.tuned import tuned_slots_in


def measured_here(exam: Exam, settings: Settings, progress: Progress) -> Outcome:
    """Raises IdentityMismatch for an adapter of other models, ContextTooLong, as loading does."""
    handoff = handoff_from(exam.arguments, exam.header, settings, progress)
    # First of all: a context that is too long is told before hours of work.
    for case in exam.cases:
        require_room(handoff, case, exam.arms)
    cache_bytes = [handoff.cache_bytes(handoff.sharers_text(case)) for case in exam.cases]
    replies = measure(
        handoff,
        _arms(exam, handoff, progress),
        exam.cases,
        timed=min(exam.arguments.times, len(exam.cases)),
        heard=lambda done: progress.show(f"{done} of {len(exam.cases)} cases"),
    )
    return exam.outcome(
        replies,
        cache_bytes=cache_bytes,
        precision={
            side: str(model.dtype).removeprefix("torch.")
            for side, model in (("sharer", handoff.sharer), ("receiver", handoff.receiver))
        },
    )


def _arms(exam: Exam, handoff: Handoff, progress: Progress) -> list[Arm]:
    folder = exam.arguments.tuned
    around = Surroundings(
        header=exam.header,
        others=exam.others,
        mean=_mean(exam, handoff, progress) if exam.has(Kind.CONSTANT) else None,
        tuned_slots=tuned_slots_in(folder, handoff.receiver) if folder else no_tuned_slots,
    )
    return [build_arm(arm, around) for arm in exam.arms]


def _mean(exam: Exam, handoff: Handoff, progress: Progress) -> Repeated:
    texts = contexts_of(exam.arguments.constant_from, seed=exam.arguments.seed)
    progress.show(f"the mean latent of {len(texts)} texts")
    return mean_slot(handoff, texts)
