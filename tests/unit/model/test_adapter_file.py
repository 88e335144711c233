"""The adapter file: what goes in comes out, and anything wrong with it is said."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from latentflow.errors import (
    AdapterCorrupt,
    EmptyInput,
    IdentityMismatch,
    InvalidInput,
    UnknownAdapter,
)
from latentflow.latent import Digest, Method, ModelIdentity
from latentflow.model.adapter_file import (
    METADATA_KEY,
    AdapterHeader,
    Half,
    adapter_digest,
    check_identity,
    read_half,
    read_header,
    write_adapter,
)
from latentflow.model.prompt import PromptFormat

CPU = torch.device("cpu")
FIELDS = ("format_version", "method", "sharer", "receiver", "hyperparameters", "prompt", "card")


def _identity(name: str, **changed: str) -> ModelIdentity:
    digests = {part: Digest(digit * 64) for part, digit in zip(PARTS, "abc", strict=True)}
    return ModelIdentity(name=name, **(digests | changed))  # type: ignore[arg-type]


PARTS = ("weights", "tokenizer", "config")
HEADER = AdapterHeader(
    method=Method.LCF_PREFIX,
    sharer=_identity("small"),
    receiver=_identity("other", weights="d" * 64),
    hyperparameters={"heads": 4, "width": 256},
    prompt=PromptFormat(),
    card={"steps": 512, "data": {"memos": 0.55}},
)


def _tensors() -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(0)
    return {
        "encoder.down.weight": torch.randn(4, 3, generator=random),
        "decoder.up.weight": torch.randn(3, 4, generator=random),
        "decoder.up.bias": torch.zeros(3),
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "pair.safetensors"
    write_adapter(path, HEADER, _tensors())
    return path


def _header_values(path: Path) -> dict[str, object]:
    with safe_open(path, framework="pt") as file:
        values: dict[str, object] = json.loads(file.metadata()[METADATA_KEY])
    return values


def _rewrite(path: Path, header: object) -> None:
    """Replaces the header, whatever it then is."""
    save_file(load_file(path), path, metadata={METADATA_KEY: json.dumps(header)})


def test_a_header_comes_back_as_it_went_in(path: Path) -> None:
    assert read_header(path) == HEADER


def test_a_half_comes_back_in_float32_without_the_other(path: Path) -> None:
    decoder = read_half(path, Half.DECODER, device=CPU)
    assert set(decoder) == {"up.weight", "up.bias"}
    assert decoder["up.weight"].dtype == torch.float32
    torch.testing.assert_close(
        decoder["up.weight"], _tensors()["decoder.up.weight"], atol=1e-3, rtol=1e-3
    )


def test_tensors_are_stored_in_float16(path: Path) -> None:
    assert {tensor.dtype for tensor in load_file(path).values()} == {torch.float16}


def test_the_same_adapter_has_the_same_digest_and_another_has_not(path: Path) -> None:
    before = adapter_digest(path)
    assert write_adapter(path, HEADER, _tensors()) == before
    changed = _tensors() | {"decoder.up.bias": torch.ones(3)}
    assert write_adapter(path, HEADER, changed) == adapter_digest(path) != before


def test_nothing_is_left_beside_the_file(path: Path) -> None:
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field_is_named(path: Path, field: str) -> None:
    values = _header_values(path)
    del values[field]
    _rewrite(path, values)
    with pytest.raises(AdapterCorrupt, match=f"has no {field}"):
        read_header(path)


@pytest.mark.parametrize("value", [3, "x", [], {}, None], ids=str)
@pytest.mark.parametrize("field", ["format_version", "method", "sharer", "receiver", "prompt"])
def test_a_malformed_field_is_corrupt(path: Path, field: str, value: object) -> None:
    _rewrite(path, _header_values(path) | {field: value})
    with pytest.raises(AdapterCorrupt):
        read_header(path)


@pytest.mark.parametrize("value", [3, "x", [], None], ids=str)
@pytest.mark.parametrize("field", ["hyperparameters", "card"])
def test_a_field_that_is_no_object_is_corrupt(path: Path, field: str, value: object) -> None:
    _rewrite(path, _header_values(path) | {field: value})
    with pytest.raises(AdapterCorrupt):
        read_header(path)


def test_an_identity_with_a_missing_digest_is_corrupt(path: Path) -> None:
    identity = {"name": "small", "weights": "", "tokenizer": "b" * 64, "config": "c" * 64}
    _rewrite(path, _header_values(path) | {"sharer": identity})
    with pytest.raises(AdapterCorrupt):
        read_header(path)


@pytest.mark.parametrize("header", [3, "x", [], None], ids=str)
def test_a_header_that_is_no_object_is_corrupt(path: Path, header: object) -> None:
    _rewrite(path, header)
    with pytest.raises(AdapterCorrupt):
        read_header(path)


def test_a_header_that_is_no_json_is_corrupt(path: Path) -> None:
    save_file(load_file(path), path, metadata={METADATA_KEY: "{"})
    with pytest.raises(AdapterCorrupt):
        read_header(path)


def test_a_file_without_metadata_is_corrupt(path: Path) -> None:
    save_file(load_file(path), path)
    with pytest.raises(AdapterCorrupt):
        read_header(path)


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_cut_file_is_corrupt(path: Path, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(AdapterCorrupt):
        read_header(path)


def test_a_file_without_one_half_is_corrupt(path: Path) -> None:
    save_file({"decoder.w": torch.zeros(1, dtype=torch.float16)}, path)
    with pytest.raises(AdapterCorrupt, match="no encoder"):
        read_half(path, Half.ENCODER, device=CPU)


@pytest.mark.parametrize(
    "tensor",
    [torch.tensor([torch.inf], dtype=torch.float16), torch.zeros(1)],
    ids=["not finite", "not float16"],
)
def test_foreign_values_are_corrupt(path: Path, tensor: Tensor) -> None:
    save_file({"encoder.w": tensor}, path)
    with pytest.raises(AdapterCorrupt, match=r"encoder\.w"):
        read_half(path, Half.ENCODER, device=CPU)


def test_a_missing_file_is_an_unknown_adapter(tmp_path: Path) -> None:
    path = tmp_path / "none.safetensors"
    for reading in (read_header, adapter_digest):
        with pytest.raises(UnknownAdapter):
            reading(path)


def test_values_that_float16_cannot_hold_are_not_written(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(InvalidInput):
        write_adapter(path, HEADER, _tensors() | {"encoder.big": torch.tensor([1e6])})
    assert path.read_bytes() == before


def test_a_foreign_name_is_not_written(path: Path) -> None:
    with pytest.raises(InvalidInput):
        write_adapter(path, HEADER, _tensors() | {"optimizer.step": torch.zeros(1)})


def test_half_an_adapter_is_not_written(path: Path) -> None:
    with pytest.raises(EmptyInput):
        write_adapter(path, HEADER, {"encoder.w": torch.zeros(1)})


def test_text_has_no_adapter() -> None:
    with pytest.raises(InvalidInput):
        AdapterHeader(
            method=Method.TEXT,
            sharer=HEADER.sharer,
            receiver=HEADER.receiver,
            hyperparameters={},
            prompt=PromptFormat(),
            card={},
        )


def test_the_same_models_pass_whatever_their_names() -> None:
    check_identity(HEADER, sharer=_identity("renamed"))
    check_identity(HEADER, receiver=_identity("renamed", weights="d" * 64))


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("role", ["sharer", "receiver"])
def test_another_model_is_refused_by_the_field_that_differs(role: str, part: str) -> None:
    expected: ModelIdentity = getattr(HEADER, role)
    kept = {name: getattr(expected, name) for name in PARTS}
    other = _identity("other", **(kept | {part: "e" * 64}))
    with pytest.raises(IdentityMismatch) as refusal:
        check_identity(HEADER, **{role: other})
    assert refusal.value.field == f"{role}.{part}"
