"""Loading a model from a folder, or saying what is wrong with it."""

from pathlib import Path

import pytest
import torch

from latentflow.errors import ModelFilesCorrupt, UnknownModel, UnsupportedModel
from latentflow.model.backbone import Backbone, load_backbone, load_sharer
from latentflow.model.identity import identify
from latentflow.model.placement import Hardware
from tests.tiny_models import write_tiny_model
from tests.unit.model.tokens_at_random import one, random_rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny", "llama")


def test_a_loaded_model_is_frozen_and_knows_who_it_is(folder: Path) -> None:
    backbone = load_backbone(folder, device=torch.device("cpu"))
    assert backbone.identity == identify(folder)
    assert backbone.identity.name == "tiny"
    assert not backbone.model.training
    assert not any(weight.requires_grad for weight in backbone.model.parameters())
    assert backbone.dtype == backbone.model.dtype == torch.float32


def test_a_dtype_can_be_chosen(folder: Path) -> None:
    backbone = load_backbone(folder, device=torch.device("cpu"), dtype=torch.bfloat16)
    assert backbone.model.dtype == torch.bfloat16


def test_the_output_head_is_the_models_own(backbone: Backbone) -> None:
    ids = one(random_rows(5)[0])
    hidden = backbone.model.base_model(ids).last_hidden_state
    torch.testing.assert_close(
        backbone.logits(hidden.flatten(0, 1)), backbone.model(ids).logits.flatten(0, 1)
    )


def test_a_missing_folder_is_an_unknown_model(tmp_path: Path) -> None:
    with pytest.raises(UnknownModel):
        load_backbone(tmp_path / "nowhere")


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_cut_file_is_corrupt(folder: Path, file: str) -> None:
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelFilesCorrupt):
        load_backbone(folder)


def test_a_model_that_cannot_take_part_is_refused_before_its_weights_load(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "gpt2"}')
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(UnsupportedModel):
        load_backbone(folder)


@pytest.mark.parametrize(
    ("has_bfloat16", "dtype"), [(True, torch.bfloat16), (False, torch.float32)]
)
def test_a_sharer_reads_in_bfloat16_where_the_cpu_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_bfloat16: bool, dtype: torch.dtype
) -> None:
    hardware = Hardware(cpu_bfloat16=has_bfloat16)
    monkeypatch.setattr("latentflow.model.backbone.found_hardware", lambda: hardware)
    folder = write_tiny_model(tmp_path, "llama")
    assert (load_sharer(folder).dtype, load_backbone(folder).dtype) == (dtype, torch.float32)
