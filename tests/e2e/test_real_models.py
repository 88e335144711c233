"""The demo as its users run it: the catalogue's models, the checkout's adapter, three memos.

Models are taken from the user's cache, and pulled into it where they are missing.
"""

import os
import re

import pytest

from tests.e2e.command_line import CommandLine

PULL_AND_RUN_SECONDS = 1200.0


@pytest.fixture(scope="module")
def output() -> str:
    done = CommandLine(os.environ).run("demo", seconds=PULL_AND_RUN_SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def right_answers(output: str) -> dict[str, int]:
    """By arm, out of three."""
    return {arm: int(count) for arm, count in re.findall(r"(\S+) (\d) of 3", output)}


def test_the_latent_answers_memos_that_the_receiver_alone_can_not(output: str) -> None:
    right = right_answers(output)
    assert right["alone"] == 0
    assert right["latent"] > 0
