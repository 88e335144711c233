"""How a receiver is asked: what stands before the latent and what after, and the sharer's order.

Owns every word of a prompt but the order's own (`orders`); knows nothing of caches.
"""

from dataclasses import dataclass, fields

from transformers import PreTrainedTokenizerBase

from latentflow.calls import Sampling
from latentflow.errors import EmptyInput, InvalidInput
from latentflow.model.orders import BLIND_ORDER, NEEDED_ORDER, Order
from latentflow.model.tokens import begin_ids, plain_ids

FEW_SHOT_PREAMBLE = (
    "Context: Mara Lind joined the survey team in spring. Her locker code is 7714.\n"
    "Question: What is Mara Lind's locker code?\n"
    "Answer: 7714\n\n"
    "Context: The north bridge was closed for repairs and reopened on 12 May 1987.\n"
    "Question: When did the north bridge reopen?\n"
    "Answer: 12 May 1987\n\n"
    "Context: The bakery keeps its flour dry. It sold 45 loaves on Friday.\n"
    "Question: How many loaves did the bakery sell on Friday?\n"
    "Answer: 45 loaves\n\n"
)

_QUESTION = "{question}"
_PARAGRAPH_END = "\n\n"
# It ends its line: a base model would else begin with the empty line that ends its message.
_SUMMARY_LEAD = "\n\nSummary:\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptFormat:
    """A receiver's prompt: preamble, context lead | latent or text | question; then its answer.

    The answer starts with a space and ends with `stop`.
    """

    preamble: str = FEW_SHOT_PREAMBLE
    context_lead: str = "Context:"
    question_template: str = "\nQuestion: {question}\nAnswer:"
    stop: str = "\n\n"

    def __post_init__(self) -> None:
        for field in fields(self):
            if not isinstance(getattr(self, field.name), str):
                raise InvalidInput(field=f"prompt.{field.name}", problem="must be text")
        if self.question_template.count(_QUESTION) != 1:
            raise InvalidInput(field="prompt.question_template", problem=f"needs one {_QUESTION}")
        if not self.stop:
            raise EmptyInput(field="prompt.stop")


def prefix_ids(
    tokenizer: PreTrainedTokenizerBase, form: PromptFormat, *, own_context: str = ""
) -> list[int]:
    """What the receiver reads first: beginning, preamble, lead and any context of its own."""
    text = form.preamble + form.context_lead + _after_lead(own_context)
    return begin_ids(tokenizer) + plain_ids(tokenizer, text)


def message_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """A text in the latent's place: the sharer's message, or the whole context."""
    return plain_ids(tokenizer, message_text(text))


def message_text(text: str) -> str:
    """As the receiver reads it behind its lead."""
    return _after_lead(text)


def question_ids(
    tokenizer: PreTrainedTokenizerBase, form: PromptFormat, question: str
) -> list[int]:
    """What follows the latent, up to where the answer starts. Raises EmptyInput."""
    return plain_ids(tokenizer, question_text(form, question))


def question_text(form: PromptFormat, question: str) -> str:
    """Raises EmptyInput."""
    if not question.strip():
        raise EmptyInput(field="question")
    return form.question_template.replace(_QUESTION, question.strip())


def answer_ids(tokenizer: PreTrainedTokenizerBase, form: PromptFormat, answer: str) -> list[int]:
    """A complete answer as the receiver is to write it, its stop included."""
    return plain_ids(tokenizer, _after_lead(answer) + form.stop)


def summary_ids(
    tokenizer: PreTrainedTokenizerBase,
    context: str,
    *,
    max_tokens: int,
    question: str = "",
    order: Order | None = None,
) -> list[int]:
    """The sharer's order for method `text`: say in at most `max_tokens` tokens what matters.

    `order` defaults to the wording found best, with or without a question. Uses the model's chat
    template where it has one. Raises EmptyInput.
    """
    if not context.strip():
        raise EmptyInput(field="context")
    need = question.strip()
    wording = order or (NEEDED_ORDER if need else BLIND_ORDER)
    told = wording.text(context.strip(), words=max(8, max_tokens * 3 // 4), question=need)
    if tokenizer.chat_template is None:
        return begin_ids(tokenizer) + plain_ids(tokenizer, told + _SUMMARY_LEAD)
    chat = [{"role": "user", "content": told}]
    ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
    return list(map(int, ids))


def message_sampling(tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> Sampling:
    """How the sharer decodes its message: greedily, to the end of its turn or of `max_tokens`.

    A model without a chat template does not know when its message is over.
    """
    stop = (_PARAGRAPH_END,) if tokenizer.chat_template is None else ()
    return Sampling(max_tokens=max_tokens, stop=stop)


def prompt_format(values: object) -> PromptFormat:
    """From a JSON object as `dataclasses.asdict` makes it. Raises InvalidInput for any other."""
    names = {field.name for field in fields(PromptFormat)}
    if not isinstance(values, dict) or set(values) != names:
        raise InvalidInput(field="prompt", problem=f"must have {', '.join(sorted(names))}")
    return PromptFormat(**values)


def _after_lead(text: str) -> str:
    return f" {text.strip()}" if text.strip() else ""
