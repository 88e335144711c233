"""`latentflow up` in one terminal, `share` and `ask` in others."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine, Running
from tests.processes import all_end

UP = "Ctrl-C stops it"
UNKNOWN = "01JD0000000000000000000000"


@contextmanager
def stack(latentflow: CommandLine, options: list[str]) -> Iterator[Running]:
    running = latentflow.start("up", *options)
    running.read_until(UP)
    yield running


def test_what_one_terminal_shares_another_asks_about(
    latentflow: CommandLine, tiny_options: list[str], memo: Path
) -> None:
    with stack(latentflow, tiny_options) as running:
        shared = latentflow.run("share", str(memo))
        assert shared.returncode == 0, shared.stderr
        latent_id = shared.stdout.strip()
        asked = latentflow.run("ask", "Who?", "--latent", latent_id, "--max-tokens", "4")
        assert asked.returncode == 0, asked.stderr
        assert f"{latent_id}: latent, " in asked.stderr
        assert "4 tokens" in asked.stderr
        verified = latentflow.run("latents", "verify", latent_id)
        assert verified.stdout.startswith(f"{latent_id} holds: "), verified.stderr
        assert_failures_are_told_in_one_line(latentflow, memo)
        assert_a_second_stack_is_refused(latentflow, tiny_options, running)
        watched = running.watch_processes()
        assert running.signal(signal.SIGINT) == 130
    assert all_end(watched)
    assert latentflow.run("ask", "Who?", "--latent", latent_id).returncode == 1


def assert_failures_are_told_in_one_line(latentflow: CommandLine, memo: Path) -> None:
    unknown = latentflow.run("ask", "Who?", "--latent", UNKNOWN)
    assert unknown.returncode == 1
    assert unknown.stderr.splitlines() == [
        f"{UNKNOWN}: failed (UNKNOWN_LATENT), 0 bytes",
        f"latentflow: no latent {UNKNOWN}",
    ]
    memo.write_text("too long " * 99)
    too_long = latentflow.run("share", str(memo))
    assert too_long.returncode == 1
    assert "tokens, the model takes at most 512" in too_long.stderr
    assert too_long.stderr.count("\n") == 1


def assert_a_second_stack_is_refused(
    latentflow: CommandLine, options: list[str], running: Running
) -> None:
    second = latentflow.run("up", *options)
    assert second.returncode == 1
    assert f"process {running.process.pid} already runs" in second.stderr


def test_a_stack_that_is_asked_to_end_leaves_no_process(
    latentflow: CommandLine, tiny_options: list[str]
) -> None:
    with stack(latentflow, tiny_options) as running:
        watched = running.watch_processes()
        assert running.signal(signal.SIGTERM) == 143
    assert all_end(watched)


def test_a_stack_whose_owner_is_killed_leaves_no_process(
    latentflow: CommandLine, tiny_options: list[str]
) -> None:
    with stack(latentflow, tiny_options) as running:
        watched = running.watch_processes()
        assert running.signal(signal.SIGKILL) == -signal.SIGKILL
    assert all_end(watched)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stack_that_is_interrupted_while_it_loads_leaves_no_process(
    latentflow: CommandLine, tiny_options: list[str], number: signal.Signals
) -> None:
    running = latentflow.start("up", *tiny_options)
    running.read_until("broker ready")
    watched = running.watch_processes()
    assert running.signal(number) == 128 + number
    assert all_end(watched)


def test_a_process_that_dies_ends_the_stack_and_is_named(
    latentflow: CommandLine, tiny_options: list[str]
) -> None:
    with stack(latentflow, tiny_options) as running:
        watched = running.watch_processes()
        running.kill_process("receiver")
        assert running.await_end() == 1
    assert running.lines[-1] == "latentflow: the receiver was ended by SIGKILL\n"
    assert all_end(watched)


@pytest.mark.parametrize("name", ["store", "sharer"])
def test_a_process_that_dies_while_others_load_ends_the_stack_and_is_named(
    latentflow: CommandLine, tiny_options: list[str], name: str
) -> None:
    running = latentflow.start("up", *tiny_options)
    running.read_until("broker ready")
    watched = running.watch_processes()
    running.kill_process(name)
    assert running.await_end() == 1
    assert running.lines[-1] == f"latentflow: the {name} was ended by SIGKILL\n"
    assert all_end(watched)


def test_a_service_that_can_not_start_is_told_with_its_last_lines(
    latentflow: CommandLine, tiny_options: list[str], tmp_path: Path
) -> None:
    failed = latentflow.run("up", *tiny_options, "--adapters", str(tmp_path / "none"))
    assert failed.returncode == 1
    assert f"no adapter '{tmp_path / 'none'}'" in failed.stderr
    assert failed.stderr.splitlines()[-1].endswith("ended with exit code 1")
