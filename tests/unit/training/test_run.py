"""A run on a tiny pair: it learns, resumes where it stopped, and writes a file that loads."""

import json
from pathlib import Path

import pytest
import torch

from latentflow.errors import InvalidInput
from latentflow.evaluation.arms import Handoff
from latentflow.evaluation.trial import try_arms
from latentflow.model.adapters import load_receiver_adapter, load_sharer_adapter
from latentflow.model.backbone import load_backbone
from latentflow.model.contexts import capture_contexts, context_ids
from latentflow.model.prefix import PrefixDecoder, PrefixEncoder, prefix_spec
from latentflow.model.prompt import PromptFormat
from latentflow.training.card import card_of, with_results, write_card
from latentflow.training.cases import Case, Question
from latentflow.training.closed_form import aligned_tokens, fisher_weights, solve
from latentflow.training.examination import examinations
from latentflow.training.loop import Schedule, Trainee, train
from latentflow.training.objective import answer_loss, imitation_loss
from latentflow.training.pair import Pair
from latentflow.training.run import Plan, export, run
from tests.tiny_models import write_tiny_model

CASE = Case(context="the tin is in her hat", questions=(Question(text="where", answers=("hat",)),))
OTHER = Case(context="a hen", questions=(Question(text="who", answers=("hen",)),) * 2)


def _trainee(pair: Pair) -> Trainee:
    torch.manual_seed(0)
    spec = prefix_spec(pair.sharer.shape, pair.receiver.shape, width=16)
    return Trainee(pair=pair, encoder=PrefixEncoder(spec), decoder=PrefixDecoder(spec))


def _schedule(steps: int) -> Schedule:
    return Schedule(
        steps=steps,
        imitation_steps=2,
        warmup_steps=2,
        contexts_a_step=2,
        encoder_rate=1e-3,
        decoder_rate=1e-2,
        block_rate=1e-2,
        window_shares=((1, 1.0),),
    )


def _losses(folder: Path) -> list[float]:
    lines = (folder / "progress.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def test_training_lowers_the_loss(pair: Pair, tmp_path: Path) -> None:
    for _ in train(_trainee(pair), lambda: CASE, _schedule(30), tmp_path):
        pass
    losses = _losses(tmp_path)
    assert losses[-1] < 0.7 * losses[0]


def test_a_stopped_run_goes_on_as_if_it_had_not(pair: Pair, tmp_path: Path) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    for folder in (whole, halves):
        folder.mkdir()
    for _ in train(_trainee(pair), lambda: CASE, _schedule(120), whole):
        pass
    for progress in train(_trainee(pair), lambda: CASE, _schedule(120), halves):
        if progress.step == 105:
            break
    for _ in train(_trainee(pair), lambda: CASE, _schedule(120), halves):
        pass
    assert _losses(halves)[-1] == pytest.approx(_losses(whole)[-1], abs=1e-3)


def test_only_the_adapter_learns(pair: Pair) -> None:
    trainee = _trainee(pair)
    loss = imitation_loss(pair, trainee.encoder, trainee.decoder, [CASE, OTHER], 2)
    loss.total.backward()  # type: ignore[no-untyped-call]
    for module in (trainee.encoder, trainee.decoder):
        assert all(parameter.grad is not None for parameter in module.parameters())
    for model in (pair.sharer.model, pair.receiver.model):
        assert not any(parameter.requires_grad for parameter in model.parameters())


def test_a_batch_is_judged_like_its_cases_alone(pair: Pair) -> None:
    trainee = _trainee(pair)
    alone = [
        answer_loss(pair, trainee.encoder, trainee.decoder, [case], 1).answer.item()
        for case in (CASE, OTHER)
    ]
    tokens = torch.tensor([5.0, 2 * 5.0])  # three letters and a two-token stop, twice in OTHER
    together = answer_loss(pair, trainee.encoder, trainee.decoder, [CASE, OTHER], 1).answer.item()
    assert together == pytest.approx(float((torch.tensor(alone) * tokens).sum() / 15), rel=0.05)


def test_the_closed_form_predicts_better_than_the_mean(pair: Pair) -> None:
    trainee = _trainee(pair)
    texts = [f"the hen number {n} is in her tin" for n in range(40)]
    weights_G = fisher_weights(pair, [[CASE, OTHER]])
    assert float(weights_G.min()) >= 0
    assert float(weights_G.max()) > 0
    r2 = solve(aligned_tokens(pair, texts), weights_G, trainee.encoder, trainee.decoder)
    assert 0 < r2 <= 1


def test_an_exported_adapter_translates_like_the_trained_one(pair: Pair, tmp_path: Path) -> None:
    trainee = _trainee(pair)
    path = export(_plan(tmp_path, mix=(("memos", 1.0),)), trainee, {}, tmp_path)
    encoder = load_sharer_adapter("tiny", path, pair.sharer)
    decoder = load_receiver_adapter("tiny", path, pair.receiver)
    cache = capture_contexts(pair.sharer, [context_ids(pair.sharer, CASE.context)])
    with torch.no_grad():
        expected = trainee.decoder(*trainee.encoder(cache, 2))
    slots = decoder.translate(encoder.summarise(cache, window=2))
    torch.testing.assert_close(slots.keys_LBHTD, expected.keys_LBHTD, atol=0.05, rtol=0.05)
    with pytest.raises(InvalidInput, match="window"):
        encoder.summarise(cache, window=3)


def test_a_run_trains_measures_and_tells(tmp_path: Path) -> None:
    for name, family in (("sharer", "llama"), ("receiver", "qwen3")):
        write_tiny_model(tmp_path / name, family)
    rows = tmp_path / "rows.jsonl"
    rows.write_text("\n".join(json.dumps(_row(number)) for number in range(12)))
    plan = _plan(tmp_path, mix=((str(rows), 1.0),))
    said: list[str] = []
    trainee = run(plan, tmp_path / "run", said.append)
    card = card_of(plan, trainee, tmp_path / "run", "latentflow train")
    assert said[-1].startswith("step    3/4")
    assert json.loads((tmp_path / "run" / "closed_form.json").read_text())["weighted_r2"] > 0
    assert card["mix"] == {"rows.jsonl": 1.0}
    cases = examinations(plan, 3)["rows"]
    handoff = _handoff(export(plan, trainee, card, tmp_path / "out"), plan)
    results = {"rows": try_arms(handoff, cases, said.append)}
    whole = with_results(card, results, {"rows": len(cases)})
    write_card(tmp_path / "README.md", "tiny", whole, results)
    assert "| deranged |" in (tmp_path / "README.md").read_text()


def _row(number: int) -> dict[str, object]:
    return {"context": f"the hen has {number} tins", "question": "tins", "answers": [f"{number}"]}


def _plan(folder: Path, mix: tuple[tuple[str, float], ...]) -> Plan:
    return Plan(
        sharer=folder / "sharer",
        receiver=folder / "receiver",
        mix=mix,
        schedule=_schedule(4),
        prompt=PromptFormat(preamble="Q: hi\nA: ho\n\n"),
        closed_form_tokens=100,
        width=16,
    )


def _handoff(adapter: Path, plan: Plan) -> Handoff:
    sharer, receiver = load_backbone(plan.sharer), load_backbone(plan.receiver)
    return Handoff(
        sharer=sharer,
        receiver=receiver,
        encoder=load_sharer_adapter("tiny", adapter, sharer),
        decoder=load_receiver_adapter("tiny", adapter, receiver),
    )


def test_a_schedule_without_sense_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Schedule(steps=10, imitation_steps=11)
