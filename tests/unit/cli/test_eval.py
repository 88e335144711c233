"""`latentflow eval` on tiny models: the report it writes, and what it says to bad input."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from latentflow.cli.commands import run
from latentflow.cli.settings import Settings
from latentflow.errors import (
    ContextTooLong,
    EmptyInput,
    IdentityMismatch,
    InvalidInput,
    LatentFlowError,
    UnknownAdapter,
    UnknownModel,
)
from latentflow.model.adapter_file import adapter_digest
from latentflow.model.soft_prefix import SoftPrefix, soft_spec
from latentflow.model.soft_prefix_file import SOFT_PREFIX_FILE, write_soft_prefix
from tests.tiny_pair import ADAPTER, POSITIONS, TinyPair, write_tiny_pair

ARMS = "alone,text-4,text-4-need,full-text,matched,deranged,zero,constant"
ROWS = [
    {"id": "b", "context": "Bo has tins. They are red.", "question": "Who?", "answers": ["Bo"]},
    {"id": "a", "context": "Al left at nine.", "question": "When?", "answers": ["nine", "9"]},
    {
        "id": "c",
        "context": "Cy is in.",
        "receiver_context": "Cy is a cat.",
        "question": "Is a cat in?",
        "options": ["yes", "no"],
        "answers": ["yes"],
    },
]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> TinyPair:
    return write_tiny_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.json"


def words(pair: TinyPair, data: Path | str, out: Path, /, **options: object) -> list[str]:
    given = {
        "adapter": pair.adapters / ADAPTER,
        "sharer": pair.sharer_folder,
        "receiver": pair.receiver_folder,
        "data": data,
        "json": out,
    } | options
    return ["eval", *(word for name in given for word in (f"--{name}", str(given[name])))]


def report(out: Path) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(out.read_text())
    return whole


def test_a_report_has_every_arm_and_case(
    pair: TinyPair,
    data: Path,
    out: Path,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(words(pair, data, out, arms=ARMS, times=2), settings)
    whole = report(out)
    arms = [*ARMS.split(",")[:5], "matched@1/4", *ARMS.split(",")[5:]]
    assert list(whole["arms"]) == arms
    assert [case["id"] for case in whole["cases"]] == ["b", "a", "c"]
    assert all(list(case["arms"]) == arms for case in whole["cases"])
    assert whole["arms"]["matched"]["timed_cases"] == 2
    assert whole["arms"]["matched"]["ttft_ms"]["median"] > 0
    assert whole["arms"]["matched"]["wire_bytes"] > whole["arms"]["matched@1/4"]["wire_bytes"]
    assert whole["arms"]["matched"]["option_accuracy"] in (0.0, 1.0)
    assert whole["mcnemar"]["best_text_arm"] in ("text-4", "text-4-need")
    printed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line]
    assert printed[1 : len(arms) + 1] == arms


def test_a_report_says_what_was_measured(
    pair: TinyPair, data: Path, out: Path, settings: Settings
) -> None:
    run(words(pair, data, out, arms="alone,constant", times=0, seed=3), settings)
    whole = report(out)
    path = pair.adapters / ADAPTER / "adapter.safetensors"
    assert whole["adapter"]["bytes"] == path.stat().st_size
    assert (whole["adapter"]["name"], whole["adapter"]["digest"]) == (ADAPTER, pair.digest)
    assert 0 < 2 * whole["adapter"]["parameters"] < whole["adapter"]["bytes"]
    assert whole["models"]["sharer"]["weights"] == pair.sharer.identity.weights
    assert (whole["data"], whole["seed"], whole["served"]) == ("rows.jsonl", 3, False)
    assert whole["constant_from"] == "memos"
    assert whole["versions"]["torch"] == torch.__version__
    assert whole["arms"]["alone"]["ttft_ms"] is None


def test_the_same_seed_gives_the_same_figures(
    pair: TinyPair, data: Path, out: Path, settings: Settings
) -> None:
    wholes = []
    for _ in range(2):
        run(words(pair, data, out, arms="matched,deranged", times=0), settings)
        wholes.append(report(out))
    assert wholes[0] == wholes[1]


def test_memos_need_no_file(pair: TinyPair, out: Path, settings: Settings) -> None:
    run(words(pair, "memos", out, arms="alone", times=0, limit=3), settings)
    assert [case["id"] for case in report(out)["cases"]] == ["memo-0", "memo-1", "memo-2"]


def test_the_mean_latent_may_be_of_other_contexts(
    pair: TinyPair, data: Path, out: Path, settings: Settings, tmp_path: Path
) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text(json.dumps({"text": "A lake in the hills."}))
    answers = []
    for options in ({}, {"constant-from": texts}):
        run(words(pair, data, out, arms="constant", times=0, **options), settings)
        answers.append([case["arms"]["constant"] for case in report(out)["cases"]])
    assert report(out)["constant_from"] == str(texts)
    assert answers[0] != answers[1]


def test_tuned_arms_have_a_prefix_of_their_own(
    pair: TinyPair, data: Path, out: Path, settings: Settings, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    spec = soft_spec(pair.receiver.shape, parameters=60_000)
    path = tmp_path / "tuned" / "full-text-tuned" / SOFT_PREFIX_FILE
    write_soft_prefix(path, SoftPrefix(spec), spec, pair.receiver, {})
    arms = "full-text,full-text-tuned"
    run(words(pair, data, out, arms=arms, tuned=tmp_path / "tuned", times=0), settings)
    cases = [case["arms"] for case in report(out)["cases"]]
    assert [case["full-text"] for case in cases] != [case["full-text-tuned"] for case in cases]
    assert report(out)["tuned"]["full-text-tuned"]["digest"] == adapter_digest(path)
    assert report(out)["tuned"]["full-text-tuned"]["parameters"] > 0


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"data": "none.jsonl"}, InvalidInput, "none.jsonl: No such file"),
        ({"adapter": "none"}, UnknownAdapter, "no adapter 'none'"),
        ({"sharer": "smollm9"}, UnknownModel, "smollm9"),
        ({"arms": "alone,telepathy"}, InvalidInput, "arm telepathy"),
        ({"arms": "full-text-tuned"}, InvalidInput, "--tuned"),
        ({"arms": "matched", "budget": "1,1/3"}, InvalidInput, "must be one of 1, 1/2, 1/4, 1/8"),
        ({"budget": "much"}, InvalidInput, "budget much"),
        ({"limit": 0}, InvalidInput, "limit"),
        ({"limit": 1}, InvalidInput, "needs two"),
        ({"times": -1}, InvalidInput, "times"),
        ({"seed": -1}, InvalidInput, "seed"),
        ({"timeout": "nan"}, InvalidInput, "timeout"),
        ({"timeout": 0}, InvalidInput, "timeout"),
        ({"json": "none/out.json"}, InvalidInput, "no such folder"),
        ({"constant-from": "none.jsonl", "arms": "constant"}, InvalidInput, "none.jsonl"),
        ({"tuned": "none", "arms": "full-text-tuned"}, UnknownAdapter, "none/full-text-tuned"),
    ],
    ids=str,
)
def test_bad_input_is_told_in_one_line(
    pair: TinyPair,
    data: Path,
    out: Path,
    settings: Settings,
    options: dict[str, object],
    error: type[LatentFlowError],
    told: str,
) -> None:
    with pytest.raises(error) as raised:
        run(words(pair, data, out, **options), settings)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not out.exists()


def test_a_file_of_which_nothing_is_unseen_is_refused(
    pair: TinyPair, data: Path, out: Path, settings: Settings
) -> None:
    data.write_text(json.dumps(ROWS[0]))
    with pytest.raises(EmptyInput, match="unseen"):
        run([*words(pair, data, out, arms="alone"), "--unseen"], settings)


@pytest.mark.parametrize(
    ("arms", "words_long", "told"),
    [("alone", POSITIONS // 3, "prompt of case long"), ("text-400", 600, "order of case long")],
)
def test_a_case_without_room_is_told_before_any_arm_runs(
    pair: TinyPair, data: Path, out: Path, settings: Settings, arms: str, words_long: int, told: str
) -> None:
    long = ROWS[0] | {"id": "long", "context": "tin " * words_long}
    data.write_text("\n".join(map(json.dumps, [*ROWS, long])))
    with pytest.raises(ContextTooLong, match=told):
        run(words(pair, data, out, arms=arms), settings)


def test_an_adapter_for_other_models_is_refused(
    pair: TinyPair, data: Path, out: Path, settings: Settings
) -> None:
    with pytest.raises(IdentityMismatch, match="sharer"):
        run(words(pair, data, out, sharer=pair.receiver_folder), settings)


@pytest.mark.parametrize("arm", ["zero", "constant", "full-text-tuned"])
def test_services_do_not_offer_every_arm(
    pair: TinyPair, data: Path, out: Path, settings: Settings, arm: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match="not offered by services"):
        run([*words(pair, data, out, arms=arm, tuned=tmp_path), "--serve"], settings)
