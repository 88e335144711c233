"""Logs to standard error: lines for people, or one JSON object a line for a collector of logs.

A line names the trace and the span in which it was written, so that the one leads to the other.
"""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

from latentflow.errors import InvalidInput

FORMAT = "LATENTFLOW_LOG_FORMAT"


def log_to_stderr(service: str, environment: Mapping[str, str]) -> None:
    """From INFO on, for the whole process. Raises InvalidInput for an unknown format."""
    formatter = _formatter(service, environment.get(FORMAT) or "text")
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class JsonFormatter(logging.Formatter):
    """One object a line. `exception` is there when there was one, the ids in a span only."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
            **_span_ids(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def _formatter(service: str, name: str) -> logging.Formatter:
    match name:
        case "text":
            return logging.Formatter("%(asctime)s %(levelname)s %(message)s")
        case "json":
            return JsonFormatter(service)
        case _:
            raise InvalidInput(field=FORMAT, problem="must be text or json")


def _span_ids() -> dict[str, str]:
    span = get_current_span().get_span_context()
    if not span.is_valid:
        return {}
    return {"trace_id": format_trace_id(span.trace_id), "span_id": format_span_id(span.span_id)}
