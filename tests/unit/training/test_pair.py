"""An exam: many questions in a row, each judged as if it stood there alone."""

from collections import Counter

import torch

from latentflow.model.prompt import answer_ids, question_ids
from latentflow.training.cases import Case, Question
from latentflow.training.pair import Pair, exam, take

QUESTIONS = (
    Question(text="where is the tin", answers=("in her hat", "hat")),
    Question(text="who", answers=("hen",)),
    Question(text="what is in her hat", answers=("the tin",)),
)
CASE = Case(context="the tin is in her hat", questions=QUESTIONS)
OTHER = Case(context="a hen", questions=QUESTIONS[1:2])


def _alone(case: Case) -> list[Case]:
    return [Case(context=case.context, questions=(question,)) for question in case.questions]


def test_questions_lie_side_by_side_each_with_its_first_answer(pair: Pair) -> None:
    tokenizer, paper = pair.receiver.tokenizer, exam(pair, [CASE])
    parts = [
        question_ids(tokenizer, pair.form, question.text)
        + answer_ids(tokenizer, pair.form, question.answers[0])
        for question in QUESTIONS
    ]
    together = [token for part in parts for token in part]
    assert paper.ids_BT[0, : len(together)].tolist() == together
    assert paper.mask_BT.sum() == len(together)


def test_a_token_knows_where_its_question_starts(pair: Pair) -> None:
    paper = exam(pair, [CASE])
    starts = paper.starts_BT[0][paper.mask_BT[0]].tolist()
    lengths = [int(exam(pair, [case]).mask_BT.sum()) for case in _alone(CASE)]
    expected = [0, lengths[0], sum(lengths[:2])]
    assert starts == sorted(starts)
    assert Counter(starts) == Counter(dict(zip(expected, lengths, strict=True)))


def test_every_place_predicts_the_next_token_of_an_answer(pair: Pair) -> None:
    paper = exam(pair, [CASE, OTHER])
    answers = [
        token
        for question in (*QUESTIONS, *OTHER.questions)
        for token in answer_ids(pair.receiver.tokenizer, pair.form, question.answers[0])
    ]
    assert paper.vocabulary_V[paper.targets_A].tolist() == answers
    assert paper.ids_BT.flatten()[paper.places_A + 1].tolist() == answers


def test_a_long_answer_weighs_no_more_than_a_few_words(pair: Pair) -> None:
    passage = Question(text="all of it", answers=("the tin is in her hat " * 6,))
    paper = exam(pair, [Case(context="a hen", questions=(*QUESTIONS, passage))])
    short = len(exam(pair, [CASE]).targets_A)
    assert (paper.weights_A[:short] == 1).all()
    assert len(paper.weights_A) - short > 12
    torch.testing.assert_close(paper.weights_A[short:].sum(), torch.tensor(12.0))


def test_a_case_fits_while_both_models_have_positions(pair: Pair) -> None:
    assert pair.fits(CASE)
    limit = min(pair.sharer.shape.max_positions, pair.receiver.shape.max_positions)
    contexts = ["tin " * count for count in range(1, limit)]
    fitting = [pair.fits(Case(context=text, questions=QUESTIONS)) for text in contexts]
    longest = fitting.index(False)
    assert not any(fitting[longest:])
    asked = Question(text=contexts[longest - 1], answers=("hen",))
    assert not pair.fits(Case(context=contexts[longest - 1], questions=(asked,)))


def test_the_vocabulary_is_sorted_and_holds_every_token_met(pair: Pair) -> None:
    paper = exam(pair, [CASE, OTHER])
    vocabulary = paper.vocabulary_V.tolist()
    assert vocabulary == sorted(set(vocabulary))
    assert set(paper.ids_BT.flatten().tolist()) <= set(vocabulary)


def test_a_question_among_others_is_judged_as_alone(pair: Pair) -> None:
    together = take(pair, pair.read_contexts([CASE.context]), exam(pair, [CASE]))
    alone = [
        take(pair, pair.read_contexts([case.context]), exam(pair, [case])) for case in _alone(CASE)
    ]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-4, rtol=1e-4)


def test_a_case_in_a_batch_is_judged_as_alone(pair: Pair) -> None:
    cases = [CASE, OTHER]
    contexts = [case.context for case in cases]
    together = take(pair, pair.read_contexts(contexts), exam(pair, cases))
    alone = [take(pair, pair.read_contexts([case.context]), exam(pair, [case])) for case in cases]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-4, rtol=1e-4)


def test_what_was_read_once_serves_every_case(pair: Pair) -> None:
    paper = exam(pair, [OTHER, OTHER])
    first, second = take(pair, pair.own, paper).chunk(2)
    torch.testing.assert_close(first, second)
