"""Untrained halves of every method between tiny models, with their channels measured."""

from dataclasses import asdict

import torch

from latentflow.latent import Method
from latentflow.model.backbone import Backbone
from latentflow.model.capture import capture
from latentflow.model.halves import receiver_half, sharer_half
from latentflow.model.method import Latents, ReceiverHalf, Rows, SharerHalf
from latentflow.model.prefix import prefix_spec
from latentflow.model.residual import ResidualReceiver
from latentflow.model.residual_spec import residual_spec
from tests.unit.model.tokens_at_random import batch

WIDTH = 16
METHODS = (Method.LCF_PREFIX, Method.LCF_X, Method.LCF, Method.C2C)
RESIDUAL = METHODS[1:]
SHARED = (Method.LCF, Method.C2C)


def hyperparameters(method: Method, sharer: Backbone, receiver: Backbone) -> dict[str, object]:
    shapes = (sharer.shape, receiver.shape)
    if method is Method.LCF_PREFIX:
        return asdict(prefix_spec(*shapes, width=WIDTH, stride=1))
    return asdict(residual_spec(*shapes, width=WIDTH))


def fresh_halves(
    method: Method, sharer: Backbone, receiver: Backbone
) -> tuple[SharerHalf, ReceiverHalf]:
    """The same each time; every gate is open and every update is large."""
    values = hyperparameters(method, sharer, receiver)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs, own = (
            sharer_half(method, values, sharer),
            receiver_half(method, values, receiver),
        )
        for parameter in (*theirs.parameters(), *own.parameters()):
            torch.nn.init.normal_(parameter, std=0.15)
    if isinstance(own, ResidualReceiver):
        torch.nn.init.ones_(own.gates.logits_L2)
    return theirs.eval(), own.eval()


def latents_of(half: SharerHalf, sharer: Backbone, texts: list[list[int]]) -> Latents:
    return half.latents(capture(sharer, *batch(texts)), half.budgets[0])


def rows_of(ids: list[list[int]], *, first_slot: int = 0) -> Rows:
    """Each token stands for the slot at its own place, from `first_slot` on."""
    slots = tuple(tuple(range(first_slot, first_slot + len(row))) for row in ids)
    return Rows(ids=tuple(map(tuple, ids)), slots=slots)
