"""Reports of evaluations are read whole or refused, and shown as tables and plots."""

from pathlib import Path

import pytest
import torch
from matplotlib.image import imread

from latentflow.cli.commands import run
from latentflow.cli.plots import CONTROLS_FILE, TIMES_FILE
from latentflow.cli.result_tables import results_markdown
from latentflow.cli.results import read_result
from latentflow.cli.settings import Settings
from latentflow.errors import IdentityMismatch, InvalidInput
from latentflow.latent import Digest, Method, ModelIdentity
from latentflow.model.adapter_file import AdapterHeader, adapter_digest, write_adapter
from latentflow.model.adapters import ADAPTER_FILE
from latentflow.model.prompt import PromptFormat
from tests.unit.cli.made_results import made_report, write_report


def test_a_report_keeps_its_figures(tmp_path: Path) -> None:
    result = read_result(write_report(tmp_path / "memos.json", made_report()))
    arms = {arm.name.text: arm for arm in result.arms}
    assert (result.data, result.cases, result.best_text) == ("memos", 1, "text-64")
    assert arms["matched@1/4"].name.budget == 0.25
    assert arms["matched"].scored.em.high == pytest.approx(0.75)
    assert arms["matched"].first_token_ms == 100.0
    assert arms["deranged"].first_token_ms is None
    assert set(result.gains) == {"system_gain", "pairing_gain"}


def test_a_report_without_text_arms_has_no_test(tmp_path: Path) -> None:
    report = made_report() | {"mcnemar": None}
    assert read_result(write_report(tmp_path / "r.json", report)).p is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"arms": 5}'])
def test_a_file_that_is_no_report_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=r"other\.json: is no report"):
        read_result(path)


@pytest.mark.parametrize(
    "change",
    [{"format_version": 2}, {"arms": {"telepathy": {}}}],
    ids=str,
)
def test_a_report_of_another_version_or_with_a_foreign_arm_is_named(
    tmp_path: Path, change: dict[str, object]
) -> None:
    path = write_report(tmp_path / "other.json", made_report() | change)
    with pytest.raises(InvalidInput, match=r"other\.json: (format_version|arm telepathy)"):
        read_result(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"none\.json"):
        read_result(tmp_path / "none.json")


def test_a_table_has_a_row_an_arm_and_what_follows(tmp_path: Path) -> None:
    text = results_markdown([read_result(write_report(tmp_path / "r.json", made_report()))])
    assert "### memos (1 cases)" in text
    assert "| matched | 0.700 [0.65, 0.75] | 0.700 [0.65, 0.75] |  | 100 | 100 | 1,234 |" in text
    assert "McNemar against *text-64* p = 0.032." in text


def test_results_of_several_adapters_are_told_apart(tmp_path: Path) -> None:
    reports = [made_report(), made_report() | {"adapter": {"name": "other", "digest": "b" * 64}}]
    results = [read_result(write_report(tmp_path / "r.json", report)) for report in reports]
    text = results_markdown(results)
    assert "### memos, tiny" in text
    assert "### memos, other" in text


def test_plot_writes_tables_and_both_plots(settings: Settings, tmp_path: Path) -> None:
    files = [
        str(write_report(tmp_path / f"{name}.json", made_report(name))) for name in ("one", "two")
    ]
    out = tmp_path / "results"
    run(["plot", *files, "--out", str(out)], settings)
    tables = (out / "README.md").read_text()
    assert "### one" in tables
    assert "### two" in tables
    for name in (TIMES_FILE, CONTROLS_FILE):
        assert f"({name})" in tables
        assert imread(out / name).std() > 0


def test_without_times_there_is_no_plot_of_them(settings: Settings, tmp_path: Path) -> None:
    report = made_report()
    for arm in report["arms"].values():
        arm["ttft_ms"] = arm["ttea_ms"] = None
    run(["plot", str(write_report(tmp_path / "r.json", report)), "--out", str(tmp_path)], settings)
    assert not (tmp_path / TIMES_FILE).exists()
    assert TIMES_FILE not in (tmp_path / "README.md").read_text()
    assert (tmp_path / CONTROLS_FILE).exists()


def test_an_arm_that_is_not_there_leaves_its_bar_out(settings: Settings, tmp_path: Path) -> None:
    report = made_report()
    del report["arms"]["deranged"]
    file = write_report(tmp_path / "r.json", report)
    run(["plot", str(file), "--out", str(tmp_path)], settings)
    assert (tmp_path / CONTROLS_FILE).exists()


def test_a_card_shows_the_results_of_its_adapter(settings: Settings, tmp_path: Path) -> None:
    adapter = _adapter(tmp_path / "mine")
    report = made_report(digest=adapter_digest(adapter))
    file = write_report(tmp_path / "r.json", report)
    run(["card", str(file), "--adapter", str(adapter.parent)], settings)
    card = (adapter.parent / "README.md").read_text()
    assert card.startswith("# mine\n")
    assert "| matched | 0.700" in card
    assert "latentflow train --seed 3" in card
    assert (adapter.parent / CONTROLS_FILE).exists()
    assert adapter_digest(adapter) == report["adapter"]["digest"]


def test_a_result_of_another_adapter_is_refused(settings: Settings, tmp_path: Path) -> None:
    adapter = _adapter(tmp_path / "mine")
    file = write_report(tmp_path / "r.json", made_report())
    with pytest.raises(IdentityMismatch, match="digest"):
        run(["card", str(file), "--adapter", str(adapter.parent)], settings)
    assert not (adapter.parent / "README.md").exists()


def _adapter(folder: Path) -> Path:
    identity = ModelIdentity(
        name="m", weights=Digest("c" * 64), tokenizer=Digest("d" * 64), config=Digest("e" * 64)
    )
    header = AdapterHeader(
        method=Method.LCF_PREFIX,
        sharer=identity,
        receiver=identity,
        hyperparameters={},
        prompt=PromptFormat(),
        card={"command": "latentflow train --seed 3"},
    )
    folder.mkdir()
    tensors = {"encoder.w": torch.ones(1), "decoder.w": torch.ones(1)}
    write_adapter(folder / ADAPTER_FILE, header, tensors)
    return folder / ADAPTER_FILE


def test_a_place_that_can_not_be_written_is_told(settings: Settings, tmp_path: Path) -> None:
    report = write_report(tmp_path / "memos.json", made_report())
    with pytest.raises(InvalidInput, match=r"memos\.json/beneath: can't be written"):
        run(["plot", str(report), "--out", str(report / "beneath")], settings)


def test_a_report_may_be_published_without_its_cases(tmp_path: Path) -> None:
    report = made_report() | {"case_count": 7}
    report.pop("cases", None)
    assert read_result(write_report(tmp_path / "r.json", report)).cases == 7


def test_what_is_not_timed_has_no_panel(settings: Settings, tmp_path: Path) -> None:
    untimed = made_report("two")
    for arm in untimed["arms"].values():
        arm["ttft_ms"] = None
    both = [made_report("one"), untimed]
    files = [str(write_report(tmp_path / f"{n}.json", report)) for n, report in enumerate(both)]
    run(["plot", *files, "--out", str(tmp_path / "both")], settings)
    run(["plot", files[0], "--out", str(tmp_path / "one")], settings)
    heights = [imread(tmp_path / name / TIMES_FILE).shape[0] for name in ("both", "one")]
    assert heights[0] == heights[1]
