import io
import time

import pytest

from latentflow.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_what_changes_on_one_line() -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    progress.show("one")
    progress.show("two")
    assert "\n" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[Ktwo")


def test_a_line_that_stays_replaces_the_one_that_changes() -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    progress.show("loading")
    progress.say("ready")
    assert terminal.getvalue().endswith("\r\x1b[Kready\n")


def test_a_file_gets_only_the_lines_that_stay() -> None:
    file = io.StringIO()
    progress = Progress(file)
    progress.show("loading")
    progress.say("ready")
    progress.clear()
    assert file.getvalue() == "ready\n"


def test_a_file_hears_of_long_work_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    file, now = io.StringIO(), [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    progress = Progress(file)
    for now[0] in (10.0, 40.0, 50.0, 80.0):
        progress.show(f"at {now[0]:.0f}")
    assert file.getvalue() == "at 40\nat 80\n"
