"""Plain tables: columns as wide as their widest cell, numbers to the right."""

from collections.abc import Sequence

_GAP = "  "


def render(header: Sequence[str], rows: Sequence[Sequence[str]], *, indent: str = "") -> str:
    """Lines of equal columns; one whose first row begins with a digit is set to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    right = [cell[:1].isdigit() for cell in (rows[0] if rows else header)]
    return "\n".join(_line(row, widths, right, indent) for row in (header, *rows))


def _line(row: Sequence[str], widths: list[int], right: list[bool], indent: str) -> str:
    cells = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(row, widths, right, strict=True)
    )
    return (indent + _GAP.join(cells)).rstrip()
