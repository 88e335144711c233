"""In which order the receiver reads."""

import torch

from latentflow.evaluation.cases import Asked
from latentflow.evaluation.handoff import Handoff
from latentflow.evaluation.receiving import prepare
from latentflow.evaluation.sending import Parcel
from latentflow.model.capture import KVCache
from latentflow.model.injection import inject_prefix
from latentflow.model.prompt import message_ids
from latentflow.model.reading import continue_from

CASE = Asked(context="Bo.", receiver_context="Al has tins.", question="Who?", answers=("Bo",))


def test_a_tuned_prefix_stands_in_front_of_the_receivers_own_context(handoff: Handoff) -> None:
    """There it was trained."""
    shape = handoff.receiver.shape
    torch.manual_seed(0)
    keys, values = torch.randn(2, shape.layers, 1, shape.kv_heads, 3, shape.head_dim)
    tuned = KVCache(
        keys_LBHTD=keys, values_LBHTD=values, mask_BT=torch.ones(1, 3, dtype=torch.bool)
    )
    ready = prepare(handoff, CASE, Parcel(), tuned)
    own = torch.tensor([message_ids(handoff.receiver.tokenizer, CASE.receiver_context)])
    with torch.no_grad():
        behind = inject_prefix(handoff.receiver, handoff.preamble, tuned)
        _, expected = continue_from(handoff.receiver, behind, own)
    for got, wanted in zip(ready.cache.keys, expected.keys, strict=True):
        torch.testing.assert_close(got, wanted)
