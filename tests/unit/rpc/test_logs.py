"""A line of the log as a collector of logs reads it."""

import json
import logging

import pytest
from opentelemetry.sdk.trace import TracerProvider

from latentflow.errors import InvalidInput
from latentflow.rpc.logs import JsonFormatter, log_to_stderr

FORMATTER = JsonFormatter("broker")


def record(message: str, *arguments: object, error: BaseException | None = None) -> str:
    exc_info = (type(error), error, None) if error else None
    return FORMATTER.format(
        logging.LogRecord("a.b", logging.WARNING, __file__, 1, message, arguments, exc_info)
    )


def test_a_line_is_one_json_object_with_its_message_written_out() -> None:
    line = record("%d of\n%s", 3, "four")
    assert "\n" not in line
    told = json.loads(line)
    assert told.pop("time").endswith("+00:00")
    assert told == {
        "level": "WARNING",
        "service": "broker",
        "logger": "a.b",
        "message": "3 of\nfour",
    }


def test_a_line_within_a_span_names_it() -> None:
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("s") as span:
        told = json.loads(record("anything"))
    context = span.get_span_context()
    assert told["trace_id"] == f"{context.trace_id:032x}"
    assert told["span_id"] == f"{context.span_id:016x}"


def test_an_exception_is_told_with_it() -> None:
    assert "KeyError: 'lost'" in json.loads(record("failed", error=KeyError("lost")))["exception"]


def test_another_format_is_refused() -> None:
    with pytest.raises(InvalidInput, match="LATENTFLOW_LOG_FORMAT"):
        log_to_stderr("broker", {"LATENTFLOW_LOG_FORMAT": "xml"})


def test_the_variable_chooses_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    log_to_stderr("broker", {"LATENTFLOW_LOG_FORMAT": "json"})
    logging.getLogger("latentflow.broker").info("the store answers")
    assert json.loads(capsys.readouterr().err)["message"] == "the store answers"
