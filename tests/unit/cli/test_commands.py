"""What the command line says to words that lead nowhere. Nothing here starts a process."""

from pathlib import Path

import pytest

from latentflow.cli.commands import COMMANDS, run
from latentflow.cli.settings import Settings
from latentflow.cli.stack import StackAddresses
from latentflow.cli.stack_file import announced
from latentflow.errors import EmptyInput, InvalidInput, StackMissing, UnknownModel

LATENT_ID = "01JD0000000000000000000000"
NO_SERVICE = "127.0.0.1:1"


@pytest.fixture
def memo(tmp_path: Path) -> Path:
    path = tmp_path / "memo.txt"
    path.write_text("The lamp is green.")
    return path


def test_the_help_tells_of_every_command(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        run(["--help"], settings)
    assert raised.value.code == 0
    printed = capsys.readouterr().out
    assert all(f"    {command.name} " in printed for command in COMMANDS)


@pytest.mark.parametrize("name", [command.name for command in COMMANDS])
def test_every_command_has_a_help_of_its_own(
    settings: Settings, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        run([name, "--help"], settings)
    assert raised.value.code == 0
    assert f"usage: latentflow {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "actions"),
    [
        ("latents", "ls show verify tail rm lineage export import"),
        ("flows", "ls lag"),
        ("keys", "new revoke"),
        ("tenants", "token check"),
    ],
)
def test_the_help_of_a_command_tells_of_its_actions(
    settings: Settings, name: str, actions: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        run([name, "--help"], settings)
    assert raised.value.code == 0
    printed = capsys.readouterr().out
    assert all(f"    {action} " in printed for action in actions.split())


@pytest.mark.parametrize(
    "words",
    [[], ["fly"], ["ask"], ["models"], ["share"], ["latents"], ["latents", "fly"], ["flows"]],
)
def test_a_misuse_is_exit_code_2(settings: Settings, words: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        run(words, settings)
    assert raised.value.code == 2


def test_a_file_that_is_not_there_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as raised:
        run(["share", str(tmp_path / "none.txt")], settings)
    assert raised.value.field == str(tmp_path / "none.txt")


def test_a_file_that_is_no_text_is_named(settings: Settings, memo: Path) -> None:
    memo.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="UTF-8"):
        run(["share", str(memo)], settings)


def test_an_empty_file_is_refused(settings: Settings, memo: Path) -> None:
    memo.write_text(" \n")
    with pytest.raises(EmptyInput, match="context"):
        run(["share", str(memo)], settings)


@pytest.mark.parametrize("quantisation", ["none", "int5"])
def test_a_packing_that_latents_do_not_travel_in_is_refused(
    settings: Settings, memo: Path, quantisation: str
) -> None:
    with pytest.raises(InvalidInput, match="quantisation"):
        run(["share", str(memo), "--quantisation", quantisation], settings)


def test_a_message_is_not_quantised(settings: Settings, memo: Path) -> None:
    with pytest.raises(InvalidInput, match="quantisation"):
        run(["share", str(memo), "--text", "8", "--quantisation", "int8"], settings)


def test_an_empty_question_is_refused(settings: Settings) -> None:
    with pytest.raises(EmptyInput, match="the question is empty"):
        run(["ask", " "], settings)


def test_an_id_that_is_none_is_refused(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="ULID"):
        run(["ask", "What?", "--latent", "x"], settings)


def test_too_many_latents_are_refused(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match=r"inputs\.latents"):
        run(["ask", "What?", *["--latent", LATENT_ID] * 9], settings)


def test_an_empty_address_is_refused(settings: Settings) -> None:
    with pytest.raises(EmptyInput, match="receiver"):
        run(["ask", "What?", "--receiver", ""], settings)


def test_sharing_without_a_sharer_says_where_it_looked(settings: Settings, memo: Path) -> None:
    with pytest.raises(StackMissing) as raised:
        run(["share", str(memo), "--sharer", NO_SERVICE], settings)
    assert (raised.value.service, raised.value.address) == ("sharer", NO_SERVICE)


def test_asking_without_a_receiver_says_where_it_looked(settings: Settings) -> None:
    with pytest.raises(StackMissing) as raised:
        run(["ask", "What?", "--receiver", NO_SERVICE], settings)
    assert (raised.value.service, raised.value.address) == ("receiver", NO_SERVICE)


OVERSEEING = [["ls"], ["lineage", LATENT_ID], ["rm", LATENT_ID]]
READING = [
    *([action, LATENT_ID] for action in ("show", "verify")),
    ["tail", "memos"],
    ["export", LATENT_ID, "out.latent"],
]


OF_PORT = [
    *(("broker", ["latents", *each]) for each in READING),
    *(("admin", ["latents", *each]) for each in OVERSEEING),
    ("admin", ["flows", "ls"]),
]


@pytest.mark.parametrize(("port", "words"), OF_PORT)
def test_without_a_broker_it_is_said_where_it_was_looked_for(
    settings: Settings,
    port: str,
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StackMissing) as raised:
        run([*words, f"--{port}", NO_SERVICE], settings)
    assert (raised.value.service, raised.value.address) == (port, NO_SERVICE)
    assert list(tmp_path.iterdir()) == []


def test_the_broker_of_the_running_stack_is_found(settings: Settings) -> None:
    running = StackAddresses(broker="h:1", sharer="h:2", receiver="h:3", admin=NO_SERVICE)
    with announced(settings.stack_file, running), pytest.raises(StackMissing) as raised:
        run(["flows", "ls"], settings)
    assert raised.value.address == NO_SERVICE


@pytest.mark.parametrize("action", ["show", "verify", "lineage", "rm", "export"])
def test_an_id_that_is_none_is_refused_by_every_action(settings: Settings, action: str) -> None:
    with pytest.raises(InvalidInput, match="ULID"):
        run(["latents", action, "x", *(["f"] if action == "export" else [])], settings)


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["latents", "ls", "--limit", "0"], "limit"),
        (["latents", "ls", "--flow", "No Flow"], "flow"),
        (["latents", "ls", "--timeout", "0"], "timeout"),
        (["latents", "ls", "--timeout", "nan"], "timeout"),
        (["latents", "tail", "No Flow"], "flow"),
        (["flows", "lag", "--timeout", "-1"], "timeout"),
    ],
)
def test_what_can_not_be_asked_of_a_broker_is_refused(
    settings: Settings, words: list[str], field: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        run(words, settings)
    assert raised.value.field == field


def test_a_group_is_watched_by_a_consumer_of_some_name(settings: Settings) -> None:
    with pytest.raises(EmptyInput, match="consumer"):
        run(["latents", "tail", "memos", "--group", "g"], settings)


def test_an_empty_brokers_address_is_refused(settings: Settings) -> None:
    with pytest.raises(EmptyInput, match="admin"):
        run(["flows", "ls", "--admin", ""], settings)
    with pytest.raises(EmptyInput, match="broker"):
        run(["latents", "show", LATENT_ID, "--broker", ""], settings)


@pytest.mark.parametrize("given", ["--context", "--question"])
def test_half_a_case_is_refused(settings: Settings, memo: Path, given: str) -> None:
    missing = {"--context": "--question", "--question": "--context"}[given]
    with pytest.raises(InvalidInput, match=f"{given}: needs {missing} as well"):
        run(["demo", given, str(memo)], settings)


@pytest.mark.parametrize("command", ["demo", "up"])
def test_a_model_of_no_name_and_no_folder_is_unknown(settings: Settings, command: str) -> None:
    with pytest.raises(UnknownModel, match="smollm9"):
        run([command, "--sharer-model", "smollm9"], settings)


def test_pulling_a_model_of_no_name_is_refused(settings: Settings) -> None:
    with pytest.raises(UnknownModel, match="smollm9"):
        run(["models", "pull", "smollm9"], settings)


def test_models_that_were_never_pulled_are_listed_so(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["models", "list"], settings)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["model", "smollm2-135m", "gemma3-270m"]
    assert all("not pulled" in line for line in lines[1:])


def test_a_folder_that_is_not_what_was_pulled_is_listed_as_corrupt(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    (settings.models / "smollm2-135m").mkdir(parents=True)
    run(["models", "list"], settings)
    assert "corrupt" in capsys.readouterr().out.splitlines()[1]
