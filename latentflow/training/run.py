"""One training run from plan to adapter file: closed form, end to end, measure, card.

Owns the order and the folder of a run; each step is a module of its own.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from latentflow.errors import InvalidInput
from latentflow.latent import Method
from latentflow.model.adapter_file import AdapterHeader, write_adapter
from latentflow.model.adapters import ADAPTER_FILE
from latentflow.model.attention import use_grouped_attention
from latentflow.model.backbone import Backbone, load_backbone
from latentflow.model.prefix import PrefixDecoder, PrefixEncoder, PrefixSpec, prefix_spec
from latentflow.model.prompt import PromptFormat
from latentflow.training.cases import Case, read_cases, split_cases
from latentflow.training.closed_form import aligned_tokens, fisher_weights, solve
from latentflow.training.loop import Schedule, Trainee, train
from latentflow.training.mixture import Mixture, Source, file_source, memo_source
from latentflow.training.pair import Pair

MEMOS = "memos"
TEST_SHARE = 0.3
_FISHER_BATCHES, _FISHER_CASES = 14, 4
_START_FILE = "start.pt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to train on what. `mix` names `memos` or a file, each with its weight."""

    sharer: Path
    receiver: Path
    mix: tuple[tuple[str, float], ...]
    schedule: Schedule
    prompt: PromptFormat = field(default_factory=PromptFormat)
    closed_form_tokens: int = 24_000
    width: int = 256

    def __post_init__(self) -> None:
        if self.closed_form_tokens < 1:
            raise InvalidInput(field="closed_form_tokens", problem="must be at least 1")


def load_pair(plan: Plan) -> Pair:
    """Both models in bfloat16: four times the speed of float32 where the CPU has AMX."""
    sharer = load_backbone(plan.sharer, dtype=torch.bfloat16)
    receiver = load_backbone(plan.receiver, dtype=torch.bfloat16)
    if receiver.device.type == "cpu":
        use_grouped_attention(receiver)
    return Pair(sharer, receiver, plan.prompt)


def run(plan: Plan, folder: Path, say: Callable[[str], None]) -> Trainee:
    """Trains, or goes on where `folder` was left; `say` hears what happens."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.schedule.seed)
    pair = load_pair(plan)
    trainee = _trainee(plan, pair)
    _start(plan, trainee, folder, say)
    mixture = Mixture(sources(plan), seed=plan.schedule.seed)
    for progress in train(trainee, mixture.draw, plan.schedule, folder):
        if progress.step % 10 == 0 or progress.step + 1 == plan.schedule.steps:
            left = progress.seconds / (progress.step + 1) * (plan.schedule.steps - progress.step)
            say(
                f"step {progress.step:4d}/{plan.schedule.steps} "
                f"loss {progress.loss:.3f}  about {left / 60:.0f} min left"
            )
    return trainee


def sources(plan: Plan) -> list[Source]:
    """The training part of everything the plan mixes; files lose their test part."""
    seed = plan.schedule.seed
    return [
        memo_source(weight, seed=seed)
        if name == MEMOS
        else file_source(Path(name).stem, weight, _training_part(Path(name)), seed=seed)
        for name, weight in plan.mix
    ]


def export(plan: Plan, trainee: Trainee, card: dict[str, object], folder: Path) -> Path:
    """Writes the adapter file and returns its path."""
    halves = {"encoder": trainee.encoder, "decoder": trainee.decoder}
    tensors = {
        f"{half}.{name}": tensor
        for half, module in halves.items()
        for name, tensor in module.state_dict().items()
    }
    header = AdapterHeader(
        method=Method.LCF_PREFIX,
        sharer=trainee.pair.sharer.identity,
        receiver=trainee.pair.receiver.identity,
        hyperparameters=asdict(_spec(plan, trainee.pair.sharer, trainee.pair.receiver)),
        prompt=trainee.pair.form,
        card=card,
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ADAPTER_FILE
    write_adapter(path, header, tensors)
    return path


def _training_part(path: Path) -> list[Case]:
    training, _ = split_cases(read_cases(path), test_share=TEST_SHARE, seed=0)
    return training


def _spec(plan: Plan, sharer: Backbone, receiver: Backbone) -> PrefixSpec:
    return prefix_spec(sharer.shape, receiver.shape, width=plan.width)


def _trainee(plan: Plan, pair: Pair) -> Trainee:
    spec = _spec(plan, pair.sharer, pair.receiver)
    device = pair.receiver.device
    return Trainee(
        pair=pair, encoder=PrefixEncoder(spec).to(device), decoder=PrefixDecoder(spec).to(device)
    )


def _start(plan: Plan, trainee: Trainee, folder: Path, say: Callable[[str], None]) -> None:
    """The closed form, solved once a run."""
    path = folder / _START_FILE
    if path.exists():
        encoder, decoder = torch.load(path, weights_only=True)
        trainee.encoder.load_state_dict(encoder)
        trainee.decoder.load_state_dict(decoder)
        return
    began = time.monotonic()
    mixture = Mixture(sources(plan), seed=plan.schedule.seed + 1)
    say("closed form: the receiver's Fisher information")
    batches = [[mixture.draw() for _ in range(_FISHER_CASES)] for _ in range(_FISHER_BATCHES)]
    weights_G = fisher_weights(trainee.pair, batches)
    say(f"closed form: {plan.closed_form_tokens} aligned tokens")
    tokens = aligned_tokens(trainee.pair, _texts(plan, trainee.pair, mixture))
    r2 = solve(tokens, weights_G, trainee.encoder, trainee.decoder)
    torch.save((trainee.encoder.state_dict(), trainee.decoder.state_dict()), path)
    record = {"weighted_r2": round(r2, 4), "seconds": round(time.monotonic() - began, 1)}
    (folder / "closed_form.json").write_text(json.dumps(record) + "\n", encoding="utf-8")
    say(f"closed form: R2 {r2:.2f} in {record['seconds']} s")


def _texts(plan: Plan, pair: Pair, mixture: Mixture) -> Iterator[str]:
    """Contexts until they hold the planned number of sharer tokens."""
    left = plan.closed_form_tokens
    while left > 0:
        text = mixture.draw().context
        left -= len(pair.sharer.tokenizer(text)["input_ids"])
        yield text
