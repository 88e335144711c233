"""Manifests as a sharer of the tiny pair would write them, and what their receiver holds."""

from latentflow.latent import (
    Digest,
    FlowName,
    Manifest,
    Method,
    ModelIdentity,
    PositionPolicy,
    new_latent_id,
)
from latentflow.quantisation import Quantisation
from latentflow.vectors import Codec, ElementType, TensorLayout
from services.receiver.acceptance import Holdings
from services.receiver.resident import Resident
from tests.tiny_adapters import WIDTH
from tests.tiny_pair import TinyPair

NOW_MS = 1_700_000_000_000


def holdings(pair: TinyPair) -> Holdings:
    adapter = pair.receiver_adapter()
    return Resident(backbone=pair.receiver, adapters={adapter.digest: adapter}).holdings()


def latent(pair: TinyPair, *, slots: int = 3) -> Manifest:
    return Manifest(
        latent_id=new_latent_id(now_ms=NOW_MS, entropy=bytes(10)),
        flow=FlowName("memos"),
        method=Method.LCF_PREFIX,
        adapter=pair.digest,
        sharer=pair.sharer.identity,
        receiver=pair.receiver.identity,
        layout=TensorLayout(layers=1, slots=slots, width=WIDTH, dtype=ElementType.FLOAT32),
        codec=Codec(quantisation=Quantisation.INT8),
        position=PositionPolicy.PREFIX,
        created_ms=NOW_MS,
        expires_ms=NOW_MS + 1000,
        content_digest=Digest("c" * 64),
    )


def message(sharer: ModelIdentity, *, characters: int = 5) -> Manifest:
    return Manifest(
        latent_id=new_latent_id(now_ms=NOW_MS, entropy=bytes(10)),
        flow=FlowName("memos"),
        method=Method.TEXT,
        adapter=None,
        sharer=sharer,
        receiver=None,
        layout=TensorLayout(layers=1, slots=characters, width=1, dtype=ElementType.UTF8),
        codec=Codec(quantisation=Quantisation.NONE),
        position=PositionPolicy.PROMPT,
        created_ms=NOW_MS,
        expires_ms=NOW_MS + 1000,
        content_digest=Digest("c" * 64),
    )
