"""What a PromQL expression names, read by regular expressions: enough for the rules we write."""

import re

_GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
_MATCHERS = re.compile(r"\{([^}]*)\}")
_LABEL = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)")
_RANGE = re.compile(r"\[[^\]]*\]")
# Functions and aggregations are followed by a bracket.
_NAME = re.compile(r"\b[a-z][a-z0-9_]*\b(?!\s*\()")
_OPERATORS = {"and", "or", "unless"}


def metrics_of(expression: str) -> set[str]:
    for apart in (_MATCHERS, _RANGE, _GROUPING):
        expression = apart.sub(" ", expression)
    return set(_NAME.findall(expression)) - _OPERATORS


def labels_of(expression: str) -> set[str]:
    grouped = (name.strip() for found in _GROUPING.findall(expression) for name in found.split(","))
    matched = (label for found in _MATCHERS.findall(expression) for label in _LABEL.findall(found))
    return {*grouped, *matched}
