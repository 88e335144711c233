from latentflow.cli.table import render


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    lines = render(("a", "name"), [("long cell", "x"), ("b", "y")]).splitlines()
    assert lines == ["a          name", "long cell  x", "b          y"]


def test_columns_named_so_are_set_to_the_right() -> None:
    lines = render(("arm", "bytes"), [("x", "7"), ("y", "1,024")], right=("bytes",)).splitlines()
    assert lines == ["arm  bytes", "x        7", "y    1,024"]


def test_every_line_is_indented() -> None:
    assert render(("a",), [("b",)], indent="  ").splitlines() == ["  a", "  b"]


def test_a_table_without_rows_is_its_header() -> None:
    assert render(("a", "b"), []) == "a  b"
