"""What a check of `latentflow doctor` found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`remedy` says how to mend it; empty when there is nothing to mend."""

    check: str
    level: Level
    told: str
    remedy: str = ""


def fine(check: str, told: str) -> Finding:
    return Finding(check=check, level=Level.OK, told=told)


def warning(check: str, told: str, remedy: str) -> Finding:
    return Finding(check=check, level=Level.WARNING, told=told, remedy=remedy)


def problem(check: str, told: str, remedy: str) -> Finding:
    return Finding(check=check, level=Level.PROBLEM, told=told, remedy=remedy)
