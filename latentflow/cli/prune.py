"""`latentflow prune`: writes a smaller adapter of the layers that matter on given cases."""

import random
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from latentflow.cli.adapter_options import adapter_file, add_handoff_arguments, handoff_from
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.errors import EmptyInput, InvalidInput
from latentflow.evaluation.handoff import Handoff
from latentflow.files import make_folder
from latentflow.model.adapter_file import Half, read_half, read_header, write_adapter
from latentflow.model.adapters import ADAPTER_FILE
from latentflow.model.pruning import Choice, choose_layers, kept, only, open_layers
from latentflow.training.card import write_card
from latentflow.training.cases import Case, answerable
from latentflow.training.objective import answer_loss
from latentflow.training.pair import Pair
from latentflow.training.parts import Part
from latentflow.training.residual_learner import residual_learner
from latentflow.training.run import part_of

_BATCH = 4
_SEED = 0
_CPU = torch.device("cpu")


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    add_handoff_arguments(parser)
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help="its validation part decides"
    )
    parser.add_argument("--keep", type=int, required=True, metavar="K", help="at most so many")
    parser.add_argument(
        "--limit",
        type=int,
        default=32,
        metavar="N",
        help="questions of the data; default: %(default)s",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")


def run(arguments: Namespace, settings: Settings) -> None:
    """Raises UnsupportedMethod for an adapter without layers to drop."""
    progress, path = Progress(), adapter_file(arguments)
    cases = _cases(arguments.data, arguments.limit)
    header = read_header(path)
    handoff = handoff_from(arguments, header, settings, progress)
    choice = _choose(handoff, cases, arguments.keep, progress)
    chosen, tensors = kept(header, _tensors(path), choice)
    make_folder(arguments.out)
    write_adapter(arguments.out / ADAPTER_FILE, chosen, tensors)
    write_card(arguments.out, chosen.card)
    progress.say(f"kept layers {', '.join(map(str, choice.layers))}")
    print(arguments.out / ADAPTER_FILE)


def _choose(handoff: Handoff, cases: Sequence[Case], keep: int, progress: Progress) -> Choice:
    pair = Pair(handoff.sharer, handoff.receiver, handoff.form)
    method = handoff.decoder.header.method
    learner = residual_learner(pair, method, handoff.encoder.encoder, handoff.decoder.decoder)
    half = learner.decoder
    batches = [cases[start : start + _BATCH] for start in range(0, len(cases), _BATCH)]

    @torch.no_grad()
    def score(layers: Sequence[int]) -> float:
        """Mean log-likelihood of an answer's token with these layers alone."""
        progress.show(f"scoring {len(layers)} layers")
        with only(half, layers):
            losses = [answer_loss(learner, batch, learner.budgets[0]).answer for batch in batches]
        return -float(torch.stack(losses).mean())

    return choose_layers(open_layers(half), keep, score)


def _cases(path: Path, limit: int) -> list[Case]:
    """A question each, from all of what training keeps for validation, so that no test is spoilt.

    Raises EmptyInput when nothing is asked, InvalidInput.
    """
    if limit < 1:
        raise InvalidInput(field="limit", problem="must be at least 1")
    if not path.is_file():
        raise InvalidInput(field=str(path), problem="is no file")
    asked = [
        replace(case, questions=(question,))
        for case in map(answerable, part_of(path, Part.VALIDATION))
        for question in case.questions
    ]
    if not asked:
        raise EmptyInput(field=f"questions of {path}")
    return random.Random(_SEED).sample(asked, min(limit, len(asked)))


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    return {
        f"{half}.{name}": tensor
        for half in Half
        for name, tensor in read_half(path, half, device=_CPU).items()
    }
