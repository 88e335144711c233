"""The receiver's prompt in its parts, and the sharer's order."""

import json
from dataclasses import asdict, replace

import pytest

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.model.prompt import (
    FEW_SHOT_PREAMBLE,
    PromptFormat,
    answer_ids,
    message_ids,
    prefix_ids,
    prompt_format,
    question_ids,
    summary_ids,
)
from tests.tiny_models import tiny_tokenizer

TOKENIZER = tiny_tokenizer()
FORMAT = PromptFormat()


def _text(*parts: list[int]) -> str:
    text = TOKENIZER.decode([token for part in parts for token in part])
    assert isinstance(text, str)
    return text


def test_the_parts_make_one_plain_prompt() -> None:
    text = _text(
        prefix_ids(TOKENIZER, FORMAT),
        message_ids(TOKENIZER, "The key is under the mat."),
        question_ids(TOKENIZER, FORMAT, "Where is the key?"),
        answer_ids(TOKENIZER, FORMAT, "under the mat"),
    )
    assert text == (
        f"<bos>{FEW_SHOT_PREAMBLE}Context: The key is under the mat.\n"
        "Question: Where is the key?\nAnswer: under the mat\n\n"
    )


def test_the_receivers_own_context_stands_before_the_latent() -> None:
    prefix = _text(prefix_ids(TOKENIZER, FORMAT, own_context="It rained."))
    assert prefix.endswith("Context: It rained.")


def test_the_examples_have_the_form_of_the_question() -> None:
    """Each example ends with the stop, so that the receiver learns where to end."""
    examples = FEW_SHOT_PREAMBLE.split(FORMAT.stop)
    assert examples.pop() == ""
    assert len(examples) == 3
    for example in examples:
        context, question, answer = example.split("\n")
        assert context.startswith(FORMAT.context_lead + " ")
        told = FORMAT.question_template.format(question=question.removeprefix("Question: "))
        assert example.startswith(context + told)
        assert answer.removeprefix("Answer: ") in context


def test_braces_in_a_question_stay() -> None:
    assert "{x} {question}?" in _text(question_ids(TOKENIZER, FORMAT, "{x} {question}?"))


def test_a_question_without_words_is_refused() -> None:
    with pytest.raises(EmptyInput):
        question_ids(TOKENIZER, FORMAT, " \n")


def test_a_format_survives_json() -> None:
    form = replace(FORMAT, preamble='é "quoted"\n', stop="\n")
    assert prompt_format(json.loads(json.dumps(asdict(form)))) == form


@pytest.mark.parametrize(
    "values",
    [None, [], {}, {"preamble": "x"}, asdict(FORMAT) | {"more": ""}, asdict(FORMAT) | {"stop": 3}],
    ids=str,
)
def test_any_other_json_is_refused(values: object) -> None:
    with pytest.raises(InvalidInput):
        prompt_format(values)


@pytest.mark.parametrize("template", ["no place", "{question} {question}"])
def test_a_question_template_needs_one_place(template: str) -> None:
    with pytest.raises(InvalidInput):
        PromptFormat(question_template=template)


def test_a_format_needs_a_stop() -> None:
    with pytest.raises(EmptyInput):
        PromptFormat(stop="")


@pytest.mark.parametrize("chat", [True, False])
def test_the_sharer_is_told_context_budget_and_question(chat: bool) -> None:
    tokenizer = tiny_tokenizer(chat=chat)
    order = _text(summary_ids(tokenizer, "A fact.", max_tokens=64, question="Which?"))
    assert order.startswith("<bos>user: A fact." if chat else "<bos>A fact.")
    assert "at most 48 words" in order
    assert "Which?" in order
    assert order.endswith("assistant:" if chat else "Summary:\n")


def test_the_sharer_may_not_know_the_question() -> None:
    order = _text(summary_ids(TOKENIZER, "A fact.", max_tokens=64))
    assert "question" not in order


def test_an_empty_context_is_refused() -> None:
    with pytest.raises(EmptyInput):
        summary_ids(TOKENIZER, " ", max_tokens=64)
