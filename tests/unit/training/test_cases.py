"""Files become cases, bad rows are named, and a split keeps groups whole."""

import json
from pathlib import Path

import pytest

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.training.cases import Case, Question, read_cases, split_cases


def _file(folder: Path, *rows: object) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    return path


def test_rows_of_one_context_are_one_case(tmp_path: Path) -> None:
    rows = [{"context": "c", "question": f"q{n}", "answers": ["a"], "title": "t"} for n in (1, 2)]
    [case] = read_cases(_file(tmp_path, *rows))
    assert [question.text for question in case.questions] == ["q1", "q2"]
    assert case.group == "t"


def test_a_row_without_question_is_text_to_learn_from(tmp_path: Path) -> None:
    [case] = read_cases(_file(tmp_path, {"text": "only text"}))
    assert (case.context, case.questions) == ("only text", ())


def test_a_line_separator_inside_a_text_does_not_end_its_row(tmp_path: Path) -> None:
    [case] = read_cases(_file(tmp_path, {"text": "one\u2028two"}))
    assert case.context == "one\u2028two"


def test_plain_text_gives_its_long_paragraphs(tmp_path: Path) -> None:
    path = tmp_path / "plain.txt"
    path.write_text("= Title =\n" + "a word , " * 15 + "\n\nshort\n")
    [case] = read_cases(path)
    assert case.context.startswith("a word, a word,")


def test_wikitexts_marks_are_undone(tmp_path: Path) -> None:
    path = tmp_path / "wiki.txt"
    text = "The ship ( built in 1848 ) lost 1 @,@ 200 men ; it 's well @-@ known , isn n't it ? "
    path.write_text(text + "and so on " * 5)
    [case] = read_cases(path)
    assert case.context.startswith(
        "The ship (built in 1848) lost 1,200 men; it's well-known, isnn't it? and"
    )


@pytest.mark.parametrize(("holes", "paragraphs"), [(3, 1), (4, 0)])
def test_a_paragraph_full_of_holes_is_left_out_and_fewer_are_closed(
    tmp_path: Path, holes: int, paragraphs: int
) -> None:
    path = tmp_path / "wiki.txt"
    path.write_text("word " * 30 + "<unk> " * holes + "end")
    contexts = [case.context for case in read_cases(path)]
    assert contexts == [" ".join(["word"] * 30 + ["end"])] * paragraphs


def test_a_hole_beside_punctuation_is_one_too(tmp_path: Path) -> None:
    path = tmp_path / "wiki.txt"
    path.write_text("word " * 30 + "<unk> , ( <unk> ) end")
    assert [case.context for case in read_cases(path)] == [" ".join(["word"] * 30) + ", () end"]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("{", "rows.jsonl:1"),
        ('{"question": "q", "answers": ["a"]}', "rows.jsonl:1 context"),
        ('{"context": "c", "question": "q"}', "rows.jsonl:1 answers"),
        ('{"context": "c", "question": "q", "answers": 5}', "rows.jsonl:1 answers"),
        ('{"context": "c", "question": "q", "answers": "abc"}', "rows.jsonl:1 answers"),
        ('{"context": "c", "question": "q", "answers": []}', "rows.jsonl:1 answers"),
        ('{"context": "c", "question": " ", "answers": ["a"]}', "rows.jsonl:1 question"),
        ('{"context": 5}', "rows.jsonl:1 context"),
        ('{"context": "c", "title": 5}', "rows.jsonl:1 title"),
        ('{"context": "c", "question": 5, "answers": ["a"]}', "rows.jsonl:1 question"),
        ('{"context": "c", "question": "q", "answers": [5]}', "rows.jsonl:1 answers"),
        (
            '{"context": "c", "question": "q", "answers": ["a"], "options": [1]}',
            "rows.jsonl:1 options",
        ),
        (
            '{"context": "c", "question": "q", "answers": ["a"], "receiver_context": 5}',
            "rows.jsonl:1 receiver_context",
        ),
        ('{"context": "\\ud83d"}', "rows.jsonl:1"),
        ("[1]", "rows.jsonl:1"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, row: str, field: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(row)
    with pytest.raises(InvalidInput) as refusal:
        read_cases(path)
    assert refusal.value.field == field


@pytest.mark.parametrize("name", ["missing.jsonl", "latin.txt"])
def test_a_file_that_is_no_text_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "latin.txt").write_bytes("caf\u00e9".encode("latin-1"))
    with pytest.raises(InvalidInput, match=name):
        read_cases(tmp_path / name)


def test_a_question_without_answer_is_refused() -> None:
    with pytest.raises(EmptyInput):
        Question(text="q", answers=())


def test_a_group_lies_on_one_side_of_a_split() -> None:
    cases = [Case(context=f"{n}", questions=(), group=f"article {n % 5}") for n in range(50)]
    training, test = split_cases(cases, test_share=0.4, seed=0)
    assert len(training) == 30
    assert len(test) == 20
    assert {case.group for case in training}.isdisjoint(case.group for case in test)


def test_empty_lines_and_null_fields_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    row = '{"context": "%s", "title": null, "options": null}'
    path.write_text(f"{row % 'one'}\n\n{row % 'two'}\n\n")
    assert read_cases(path) == [
        Case(context="one", questions=()),
        Case(context="two", questions=()),
    ]
