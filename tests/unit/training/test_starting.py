"""Going on from an adapter: its halves, and no other's."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from latentflow.errors import (
    AdapterCorrupt,
    IdentityMismatch,
    InvalidInput,
    UnknownAdapter,
    UnsupportedMethod,
)
from latentflow.model.adapter_file import adapter_digest
from latentflow.model.adapters import ADAPTER_FILE
from latentflow.model.soft_prefix import SoftSpec
from latentflow.training.control_learner import ControlLearner
from latentflow.training.loop import Schedule
from latentflow.training.pair import Pair
from latentflow.training.plan import MEMOS, Plan
from latentflow.training.run import export
from latentflow.training.starting import begin_from
from tests.unit.training.learning import quick_learner


@pytest.fixture(scope="module")
def adapter(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("adapter")
    nowhere = Path("unused")
    plan = Plan(sharer=nowhere, receiver=nowhere, mix=((MEMOS, 1.0),), schedule=Schedule())
    export(plan, quick_learner(pair), {"steps": 7}, folder)
    return folder


def test_a_learner_begins_as_the_adapter_is(pair: Pair, adapter: Path) -> None:
    trained, learner = quick_learner(pair), quick_learner(pair, seed=9)
    told = begin_from(learner, adapter)
    assert told == {"from": adapter_digest(adapter / ADAPTER_FILE), "card": {"steps": 7}}
    for name, module in trained.modules.items():
        for key, tensor in module.state_dict().items():
            mine = learner.modules[name].state_dict()[key]
            torch.testing.assert_close(mine, tensor, atol=1e-3, rtol=1e-3)


def test_an_adapter_of_another_size_is_refused(pair: Pair, adapter: Path) -> None:
    learner = quick_learner(pair)
    wider = replace(learner, spec=replace(learner.spec, decoder_blocks=5))
    with pytest.raises(InvalidInput, match="other decoder_blocks"):
        begin_from(wider, adapter)


def test_an_adapter_of_other_models_is_refused(pair: Pair, adapter: Path) -> None:
    turned = replace(quick_learner(pair), pair=Pair(pair.receiver, pair.sharer, pair.form))
    with pytest.raises(IdentityMismatch):
        begin_from(turned, adapter)


def test_an_adapter_of_another_prompt_is_refused(pair: Pair, adapter: Path) -> None:
    other = replace(pair, form=replace(pair.form, context_lead="Note:"))
    with pytest.raises(InvalidInput, match="other context_lead"):
        begin_from(replace(quick_learner(pair), pair=other), adapter)


def test_a_control_begins_from_no_adapter(pair: Pair, adapter: Path) -> None:
    spec = SoftSpec(layers=1, kv_heads=1, head_dim=8, hidden=8)
    with pytest.raises(UnsupportedMethod):
        begin_from(ControlLearner(pair, spec, 0), adapter)


def test_a_folder_without_an_adapter_and_a_broken_one_are_named(pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(UnknownAdapter):
        begin_from(quick_learner(pair), tmp_path)
    (tmp_path / ADAPTER_FILE).write_bytes(b"not safetensors")
    with pytest.raises(AdapterCorrupt):
        begin_from(quick_learner(pair), tmp_path)
