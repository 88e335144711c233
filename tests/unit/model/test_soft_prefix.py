"""A content-free prefix: its size, what it starts as, and its file."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from latentflow.errors import AdapterCorrupt, IdentityMismatch, InvalidInput, UnknownAdapter
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache, capture
from latentflow.model.injection import inject_prefix
from latentflow.model.reading import read
from latentflow.model.soft_prefix import SoftPrefix, SoftSpec, soft_spec
from latentflow.model.soft_prefix_file import (
    SOFT_PREFIX_FILE,
    load_soft_prefix,
    write_soft_prefix,
)
from tests.unit.model.tokens_at_random import one, random_rows

PARAMETERS = 60_000


@pytest.fixture
def spec(gemma: Backbone) -> SoftSpec:
    return soft_spec(gemma.shape, parameters=PARAMETERS)


def _text(backbone: Backbone, tokens: int) -> KVCache:
    return capture(backbone, one(*random_rows(tokens)))


def test_it_has_nearly_the_parameters_asked_for(spec: SoftSpec) -> None:
    count = sum(parameter.numel() for parameter in SoftPrefix(spec).parameters())
    one_unit = spec.width + 1 + spec.targets
    assert PARAMETERS - one_unit < count <= PARAMETERS


def test_too_few_parameters_are_refused(gemma: Backbone) -> None:
    with pytest.raises(InvalidInput):
        soft_spec(gemma.shape, parameters=100)


def test_it_starts_as_the_text_it_begins_as(gemma: Backbone, spec: SoftSpec) -> None:
    prefix, text = SoftPrefix(spec), _text(gemma, spec.slots)
    prefix.begin_as(text)
    slots = prefix()
    torch.testing.assert_close(slots.keys_LBHTD, text.keys_LBHTD)
    torch.testing.assert_close(slots.values_LBHTD, text.values_LBHTD)


def test_a_short_text_is_repeated_to_fill_it(gemma: Backbone, spec: SoftSpec) -> None:
    prefix, text = SoftPrefix(spec), _text(gemma, 5)
    prefix.begin_as(text)
    keys = prefix().keys_LBHTD
    torch.testing.assert_close(keys[..., 5:10, :], text.keys_LBHTD)


def test_it_goes_before_what_the_receiver_reads(gemma: Backbone, spec: SoftSpec) -> None:
    own = read(gemma, one(*random_rows(4)))
    longer = inject_prefix(gemma, own, SoftPrefix(spec)())
    assert longer.mask_BK.shape == (1, 4 + spec.slots)


def test_a_written_one_loads_again(gemma: Backbone, spec: SoftSpec, tmp_path: Path) -> None:
    prefix = SoftPrefix(spec)
    prefix.begin_as(_text(gemma, 7))
    torch.nn.init.normal_(prefix.up.weight, std=0.1)  # as learnt: not only what it starts as
    write_soft_prefix(tmp_path / SOFT_PREFIX_FILE, prefix, spec, gemma, {"steps": 3})
    loaded = load_soft_prefix(tmp_path / SOFT_PREFIX_FILE, gemma)
    torch.testing.assert_close(loaded().keys_LBHTD, prefix().keys_LBHTD, atol=1e-2, rtol=1e-2)


def test_another_receiver_is_refused(
    gemma: Backbone, llama: Backbone, spec: SoftSpec, tmp_path: Path
) -> None:
    path = tmp_path / SOFT_PREFIX_FILE
    write_soft_prefix(path, SoftPrefix(spec), spec, gemma, {})
    with pytest.raises(IdentityMismatch):
        load_soft_prefix(path, llama)


def test_a_missing_file_and_a_foreign_one_are_told_apart(gemma: Backbone, tmp_path: Path) -> None:
    with pytest.raises(UnknownAdapter):
        load_soft_prefix(tmp_path / SOFT_PREFIX_FILE, gemma)
    (tmp_path / SOFT_PREFIX_FILE).write_bytes(b"something else")
    with pytest.raises(AdapterCorrupt):
        load_soft_prefix(tmp_path / SOFT_PREFIX_FILE, gemma)


@pytest.mark.parametrize("wrong", [{"colour": 1}, {"hidden": 0}, {"slots": 2.5}], ids=str)
def test_a_file_with_foreign_sizes_is_corrupt(
    gemma: Backbone, spec: SoftSpec, tmp_path: Path, wrong: dict[str, object]
) -> None:
    path = tmp_path / SOFT_PREFIX_FILE
    write_soft_prefix(path, SoftPrefix(spec), spec, gemma, {})
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["latentflow"])
    about["spec"] |= wrong
    save_file(load_file(path), path, metadata={"latentflow": json.dumps(about)})
    with pytest.raises(AdapterCorrupt):
        load_soft_prefix(path, gemma)
