"""`latentflow demo` from start to end."""

import signal
from pathlib import Path

from tests.e2e.command_line import CommandLine
from tests.processes import all_end

OWN = ("--question", "Who?", "--expect", "Bo")


def test_the_demo_runs_every_arm_on_a_text_of_the_users(
    latentflow: CommandLine, tiny_options: list[str], memo: Path
) -> None:
    done = latentflow.run("demo", *tiny_options, "--context", str(memo), *OWN)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    for arm in ("alone", "text-32", "latent"):
        answers, stages = (row for row in rows if row[:1] == [arm])
        assert answers[-6] in ("yes", "no")
        assert len([int(milliseconds) for milliseconds in stages[1:]]) == 8
    assert "every process has been stopped" in done.stderr


def test_a_demo_that_fails_says_why_in_one_line(
    latentflow: CommandLine, tiny_options: list[str], memo: Path
) -> None:
    memo.write_text("too long " * 99)
    failed = latentflow.run("demo", *tiny_options, "--context", str(memo), *OWN)
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].endswith("tokens, the model takes at most 512")


def test_a_demo_that_is_interrupted_leaves_no_process(
    latentflow: CommandLine, tiny_options: list[str], memo: Path
) -> None:
    running = latentflow.start("demo", *tiny_options, "--context", str(memo), *OWN)
    running.read_until("warm up")
    watched = running.watch_processes()
    assert running.signal(signal.SIGINT) == 130
    assert all_end(watched)
