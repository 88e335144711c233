from latentflow.cli.shown import counted, plain


def test_nothing_that_a_terminal_would_obey_is_shown() -> None:
    assert plain("two\nlines \x1b[31m \u202e käse") == "two\\nlines \\x1b[31m \\u202e käse"


def test_numbers_are_grouped_and_agree_with_their_noun() -> None:
    assert (counted(1, "frame"), counted(1234, "byte")) == ("1 frame", "1,234 bytes")
