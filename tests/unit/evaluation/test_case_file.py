import json
from pathlib import Path

import pytest

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.evaluation.case_file import read_asked
from latentflow.evaluation.cases import Asked, sample

ROW = {"id": "r1", "context": "Bo has tins.", "question": "Who?", "answers": ["Bo"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def write(path: Path, *rows: object) -> None:
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")


def test_a_row_may_have_only_what_is_needed(path: Path) -> None:
    write(path, ROW)
    expected = Asked(case_id="r1", context="Bo has tins.", question="Who?", answers=("Bo",))
    assert read_asked(path) == [expected]


def test_everything_else_is_used_where_it_is_there(path: Path) -> None:
    write(path, ROW | {"receiver_context": "Al.", "options": ["Bo", "Al"], "spans": [[0, 2]]})
    (case,) = read_asked(path)
    assert (case.receiver_context, case.options, case.spans) == ("Al.", ("Bo", "Al"), ((0, 2),))


def test_spans_may_be_texts_of_the_context_in_their_order(path: Path) -> None:
    write(path, ROW | {"context": "A tin. A tin. B.", "spans": ["A tin.", "A tin.", "B."]})
    assert read_asked(path)[0].spans == ((0, 6), (7, 13), (14, 16))


def test_what_is_null_is_not_there(path: Path) -> None:
    write(path, ROW | {"receiver_context": None, "options": None, "spans": None})
    assert read_asked(path)[0].options == ()


def test_a_row_without_an_id_is_named_after_its_line(path: Path) -> None:
    write(path, ROW, {key: ROW[key] for key in ROW if key != "id"})
    assert [case.case_id for case in read_asked(path)] == ["r1", "rows.jsonl:2"]


def test_empty_lines_are_passed_over_and_counted(path: Path) -> None:
    path.write_text("\n" + json.dumps(ROW | {"id": None}) + "\n\n" + json.dumps(ROW) + "\n")
    assert [case.case_id for case in read_asked(path)] == ["rows.jsonl:2", "r1"]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ([], "rows.jsonl:2"),
        ({key: ROW[key] for key in ROW if key != "context"}, "rows.jsonl:2 context"),
        ({key: ROW[key] for key in ROW if key != "question"}, "rows.jsonl:2 question"),
        ({key: ROW[key] for key in ROW if key != "answers"}, "rows.jsonl:2 answers"),
        (ROW | {"context": " "}, "rows.jsonl:2 context"),
        (ROW | {"question": 3}, "rows.jsonl:2 question"),
        (ROW | {"answers": "Bo"}, "rows.jsonl:2 answers"),
        (ROW | {"answers": []}, "rows.jsonl:2 answers"),
        (ROW | {"answers": [3]}, "rows.jsonl:2 answers"),
        (ROW | {"options": [""]}, "rows.jsonl:2 options"),
        (ROW | {"receiver_context": ["Al"]}, "rows.jsonl:2 receiver_context"),
        (ROW | {"spans": "Bo"}, "rows.jsonl:2 spans"),
        (ROW | {"spans": ["Al"]}, "rows.jsonl:2 spans"),
        (ROW | {"spans": [[3, 99]]}, "rows.jsonl:2 spans"),
    ],
    ids=str,
)
def test_a_bad_row_is_named_with_its_field(path: Path, row: object, field: str) -> None:
    write(path, ROW, row)
    with pytest.raises(InvalidInput) as raised:
        read_asked(path)
    assert raised.value.field == field


def test_a_line_that_is_no_json_is_named(path: Path) -> None:
    path.write_text('{"context"\n')
    with pytest.raises(InvalidInput, match=r"rows\.jsonl:1: is not a JSON object"):
        read_asked(path)


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file") as raised:
        read_asked(path)
    assert raised.value.field == str(path)


def test_a_file_without_rows_is_refused(path: Path) -> None:
    path.write_text("\n")
    with pytest.raises(EmptyInput):
        read_asked(path)


def test_a_sample_comes_from_everywhere_in_order() -> None:
    cases = [
        Asked(case_id=f"{number:03}", context="c", question="q", answers=("a",))
        for number in range(200)
    ]
    ids = [case.case_id for case in sample(cases, 20, seed=0)]
    assert len(ids) == 20
    assert ids == sorted(ids)
    assert ids[-1] > "100"
    assert sample(cases, 20, seed=0) != sample(cases, 20, seed=1)
    assert sample(cases, 300, seed=0) == sample(cases, None, seed=0) == cases


def test_half_of_a_surrogate_pair_is_named_before_hours_of_work(path: Path) -> None:
    path.write_text(json.dumps(ROW | {"answers": ["\ud83d"]}) + "\n")
    with pytest.raises(InvalidInput, match=r"rows\.jsonl:1: has half of a surrogate pair"):
        read_asked(path)
