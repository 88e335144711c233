"""Plain tables: columns as wide as their widest cell."""

from collections.abc import Collection, Sequence

_GAP = "  "

Row = Sequence[str]


def render(
    header: Row, rows: Sequence[Row], *, right: Collection[str] = (), indent: str = ""
) -> str:
    """Lines of equal columns; those whose header is in `right` are set to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    to_right = [name in right for name in header]
    return "\n".join(_line(row, widths, to_right, indent) for row in (header, *rows))


def _line(row: Row, widths: list[int], to_right: list[bool], indent: str) -> str:
    cells = (
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(row, widths, to_right, strict=True)
    )
    return (indent + _GAP.join(cells)).rstrip()
