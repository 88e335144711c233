from latentflow.cli.shown import counted, plain, utc


def test_nothing_that_a_terminal_would_obey_is_shown() -> None:
    assert plain("two\nlines \x1b[31m \u202e käse") == "two\\nlines \\x1b[31m \\u202e käse"


def test_times_are_shown_in_utc() -> None:
    assert utc(1_760_000_000_999) == "2025-10-09 08:53:20Z"
    assert utc(253_402_300_799_999) == "9999-12-31 23:59:59Z"


def test_numbers_are_grouped_and_agree_with_their_noun() -> None:
    assert (counted(1, "frame"), counted(1234, "byte")) == ("1 frame", "1,234 bytes")
