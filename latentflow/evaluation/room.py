"""Whether both models have positions for a case in every arm, asked before hours of work."""

from collections.abc import Sequence

from latentflow.evaluation.arm_names import ArmName, Kind
from latentflow.evaluation.cases import Asked
from latentflow.evaluation.handoff import Handoff
from latentflow.evaluation.receiving import ANSWER_TOKENS
from latentflow.model.contexts import context_ids
from latentflow.model.prompt import message_ids, prefix_ids, question_ids, summary_ids
from latentflow.model.reading import require_fit


def require_room(handoff: Handoff, case: Asked, arms: Sequence[ArmName]) -> None:
    """Raises ContextTooLong, EmptyInput."""
    needed = _prompt_tokens(handoff, case) + ANSWER_TOKENS
    require_fit(handoff.receiver, needed, field=f"prompt of case {case.case_id}")
    for arm in arms:
        if arm.kind is Kind.TEXT:
            order = summary_ids(
                handoff.sharer.tokenizer,
                case.context,
                max_tokens=arm.tokens,
                question=case.question if arm.need else "",
            )
            field = f"order of case {case.case_id}"
            require_fit(handoff.sharer, len(order) + arm.tokens, field=field)


def _prompt_tokens(handoff: Handoff, case: Asked) -> int:
    """The receiver's longest prompt: the context as text, or a slot for each sharer's token."""
    if handoff.is_shared:
        return len(handoff.shared_prompt(case).receiver_ids)
    tokenizer, form = handoff.receiver.tokenizer, handoff.form
    own = prefix_ids(tokenizer, form, own_context=case.receiver_context)
    text = message_ids(tokenizer, case.context)
    slots = context_ids(handoff.sharer, case.context)
    question = question_ids(tokenizer, form, case.question)
    return len(own) + max(len(text), len(slots)) + len(question)
