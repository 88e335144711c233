"""What a sharer holds after loading, and which adapter a call gets."""

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from latentflow.errors import AdapterCorrupt, InvalidInput, UnknownAdapter, UnknownModel
from latentflow.latent import Method
from latentflow.model.adapters import ADAPTER_FILE
from services.sharer.resident import Resident, load
from tests.tiny_adapters import write_tiny_adapter
from tests.tiny_pair import ADAPTER, POSITIONS, TinyPair
from tests.tiny_residuals import write_tiny_residual


@pytest.fixture
def resident(pair: TinyPair) -> Resident:
    return Resident(backbone=pair.sharer, adapters={ADAPTER: pair.sharer_adapter()})


def with_two(resident: Resident) -> Resident:
    adapter = resident.adapters[ADAPTER]
    return replace(resident, adapters={ADAPTER: adapter, "second": replace(adapter, name="second")})


def test_it_loads_the_model_and_the_adapters_made_for_it(pair: TinyPair) -> None:
    loaded = load(pair.sharer_folder, pair.adapters, threads=0)
    assert loaded.backbone.identity == pair.sharer.identity
    assert [adapter.digest for adapter in loaded.adapters.values()] == [pair.digest]


def test_loading_draws_no_bar_into_the_log(
    pair: TinyPair, capfd: pytest.CaptureFixture[str]
) -> None:
    load(pair.sharer_folder, pair.adapters, threads=0)
    assert capfd.readouterr().err == ""


def test_it_describes_model_window_and_adapters(resident: Resident, pair: TinyPair) -> None:
    description = resident.describe()
    assert (description.model, description.max_tokens) == (pair.sharer.identity, POSITIONS)
    (adapter,) = description.adapters
    assert (adapter.name, adapter.digest) == (ADAPTER, pair.digest)
    assert (adapter.sharer, adapter.receiver) == (pair.sharer.identity, pair.receiver.identity)


def test_the_only_adapter_needs_no_name(resident: Resident) -> None:
    assert resident.choose("") is resident.choose(ADAPTER)


def test_an_unknown_adapter_is_refused(resident: Resident) -> None:
    with pytest.raises(UnknownAdapter) as refusal:
        resident.choose("nobody")
    assert refusal.value.adapter == "nobody"


def test_of_several_adapters_one_must_be_named(resident: Resident) -> None:
    with pytest.raises(InvalidInput, match=r"latent\.adapter: name one of several: tiny, second"):
        with_two(resident).choose("")
    assert with_two(resident).choose("second").name == "second"


def test_without_any_adapter_none_is_known(resident: Resident) -> None:
    with pytest.raises(UnknownAdapter):
        replace(resident, adapters={}).choose("")


def test_an_adapter_of_a_method_that_is_not_served_is_a_remark(
    pair: TinyPair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(pair.adapters / ADAPTER, tmp_path / "fitting")
    write_tiny_residual(tmp_path / "other", Method.LCF, pair.sharer, pair.receiver)
    with caplog.at_level(logging.INFO):
        load(pair.sharer_folder, tmp_path, threads=0)
    (remark,) = [record for record in caplog.records if record.name.startswith("latentflow")]
    assert remark.levelname == "INFO"
    assert remark.getMessage() == "adapter other is of the method lcf, which is not served"


def test_an_adapter_for_another_sharer_is_skipped_with_the_field_that_differs(
    pair: TinyPair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(pair.adapters / ADAPTER, tmp_path / "fitting")
    write_tiny_adapter(tmp_path / "foreign", pair.receiver, pair.sharer)
    with caplog.at_level(logging.WARNING):
        loaded = load(pair.sharer_folder, tmp_path, threads=0)
    assert list(loaded.adapters) == ["fitting"]
    assert "foreign" in caplog.text
    assert "sharer.weights" in caplog.text


def test_a_corrupt_adapter_is_not_skipped(pair: TinyPair, tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / ADAPTER_FILE).write_bytes(b"no safetensors")
    with pytest.raises(AdapterCorrupt):
        load(pair.sharer_folder, tmp_path, threads=0)


def test_an_unknown_model_is_refused(pair: TinyPair, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel):
        load(tmp_path / "nothing", pair.adapters, threads=0)
