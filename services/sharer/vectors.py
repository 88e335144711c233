"""Means `latent`: the cache of the context, summarised by an adapter and packed."""

from dataclasses import dataclass

from latentflow.calls import LatentMeans
from latentflow.model.adapters import POSITION_OF, SharerAdapter
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache
from latentflow.model.contexts import capture_contexts, context_ids
from latentflow.vectors import Codec
from latentflow.wire.quantise import pack
from services.sharer.packed import Packed
from services.sharer.work import IsCancelled, OnTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorWork:
    backbone: Backbone
    adapter: SharerAdapter
    means: LatentMeans
    context: str

    def tokenise(self) -> list[int]:
        return context_ids(self.backbone, self.context)

    def prefill(self, ids: list[int], on_tokens: OnTokens, is_cancelled: IsCancelled) -> KVCache:
        return capture_contexts(
            self.backbone, [ids], on_tokens=on_tokens, is_cancelled=is_cancelled
        )

    def summarise(self, read: KVCache, is_cancelled: IsCancelled) -> Packed:
        vectors = self.adapter.summarise(read)
        header = self.adapter.header
        return Packed(
            method=header.method,
            adapter=self.adapter.digest,
            receiver=header.receiver,
            layout=vectors.layout,
            codec=Codec(quantisation=self.means.quantisation),
            position=POSITION_OF[header.method],
            stream=pack(vectors, self.means.quantisation),
        )
