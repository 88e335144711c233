"""How values of a broker are shown: to people in plain text, to scripts as one JSON document."""

import json
from argparse import ArgumentParser


def add_json_argument(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one document, for scripts")


def print_json(document: object) -> None:
    """Of dicts, lists and plain values; in ASCII, whatever the terminal takes."""
    print(json.dumps(document, indent=2))


def plain(text: str) -> str:
    """On one line, with nothing in it that a terminal would obey."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def counted(number: int, noun: str) -> str:
    """`1 frame`, `2,000 frames`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
