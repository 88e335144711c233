"""Keys: apart for every tenant, together for every latent."""

import pytest

from latentflow.latent import FlowName, LatentId, Tenant
from services.broker.keys import announced_key, flows_key, latent_keys, listing_keys
from services.broker.record import FlowRef, LatentRef

LATENT = LatentId("0" * 26)


def slot_of(key: str) -> str:
    """What Redis Cluster hashes: between the first brace and the first closing one behind it."""
    return key.partition("{")[2].partition("}")[0]


@pytest.mark.parametrize("tenant", ["acme", "a/b", "a}b", "{", "a b", "a:b", "ä", "%7D"])
def test_all_keys_of_a_latent_are_in_one_slot(tenant: str) -> None:
    keys = latent_keys(LatentRef(tenant=Tenant(tenant), latent_id=LATENT))
    assert slot_of(keys.record) == slot_of(keys.frames)
    assert slot_of(keys.record).endswith(f"/{LATENT}")


def test_no_two_places_share_a_key() -> None:
    tenants = [Tenant(name) for name in ("a", "b", "a/b", "a}b", "a%2Fb", "")]
    flows = [FlowName("b"), FlowName("latents"), FlowName("flows"), FlowName("b.c")]
    keys = [key for tenant in tenants for key in listing_keys(tenant, None)]
    for tenant in tenants:
        latent = latent_keys(LatentRef(tenant=tenant, latent_id=LATENT))
        keys += [latent.record, latent.frames, flows_key(tenant)]
        for flow in flows:
            keys += [*listing_keys(tenant, flow), announced_key(FlowRef(tenant=tenant, flow=flow))]
    assert len(set(keys)) == len(keys)
