"""Reads cases from JSONL, one a line, and says of a bad one which line and field it is.

Owns the fields' names and forms (docs/evaluation.md).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from latentflow.errors import EmptyInput, InvalidInput
from latentflow.evaluation.cases import Asked, Span
from latentflow.files import read_json_lines

Row = Mapping[str, object]


def read_asked(path: Path) -> list[Asked]:
    """The cases of a file. Raises InvalidInput naming file, line and field; EmptyInput."""
    cases = [_case(row, where) for where, row in read_json_lines(path)]
    if not cases:
        raise EmptyInput(field=str(path))
    return cases


def _case(row: Row, where: str) -> Asked:
    try:
        return _asked(row, where)
    except EmptyInput as error:
        raise InvalidInput(field=f"{where} {error.field}", problem="is empty") from error
    except InvalidInput as error:
        raise InvalidInput(field=f"{where} {error.field}", problem=error.problem) from error


def _asked(row: Row, where: str) -> Asked:
    context = _text(row, "context")
    return Asked(
        case_id=str(_present(row, "id", where)),
        context=context,
        question=_text(row, "question"),
        answers=_texts(row, "answers"),
        receiver_context=_text(row, "receiver_context", default=""),
        options=_texts(row, "options", default=()),
        spans=_spans(row, context),
    )


def _text(row: Row, field: str, default: str | None = None) -> str:
    value = _present(row, field, default)
    if not isinstance(value, str):
        raise InvalidInput(field=field, problem="must be text")
    return value


def _texts(row: Row, field: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
    value = _present(row, field, default)
    if not isinstance(value, list | tuple) or not all(isinstance(text, str) for text in value):
        raise InvalidInput(field=field, problem="must be a list of texts")
    return tuple(value)


def _present(row: Row, field: str, default: object) -> object:
    """A field that is null is one that is not there."""
    value = row.get(field)
    if value is None and default is None:
        raise InvalidInput(field=field, problem="is missing")
    return default if value is None else value


def _spans(row: Row, context: str) -> tuple[Span, ...]:
    """[start, end) of each span, which a row names by its characters or by its text."""
    given = _present(row, "spans", ())
    if not isinstance(given, list | tuple):
        raise InvalidInput(field="spans", problem="must be a list")
    spans: list[Span] = []
    for each in given:
        spans.append(_span(each, context, after=spans[-1][1] if spans else 0))
    return tuple(spans)


def _span(given: object, context: str, *, after: int) -> Span:
    match given:
        case str() if given and (start := context.find(given, after)) >= 0:
            return start, start + len(given)
        case [int(start), int(end)]:
            return start, end
        case _:
            problem = "must be [start, end] or texts of the context in their order"
            raise InvalidInput(field="spans", problem=problem)
