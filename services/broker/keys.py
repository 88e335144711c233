"""The Redis keys and what is under them.

Every key starts with the schema's version and has the part that places it in braces: all keys of
one latent are in one slot of a Redis Cluster, and no script touches two slots. Names are
percent-encoded, so no tenant can write another's key.

key                          type    owner and content                          goes
---------------------------  ------  -----------------------------------------  ------------------
lf1:{tenant/latent}:record   hash    the latent. manifest, flow, created_ms,    TOMBSTONE_MS after
                                     expires_ms, lease_until_ms, state, frames, the latent expires
                                     payload_bytes; sha256 once committed;
                                     problem once aborted by its publisher
lf1:{tenant/latent}:frames   stream  the latent. Entry 1-<index>: frame (as     READING_MS after
                                     serialised), bytes (of payload); then one  the lease ends, or
                                     of 2-0: frames, payload_bytes, sha256      after the latent
                                     (commit), 3-0: ended (abort, revocation)   expires if complete
lf1:{tenant/latent}:receipts zset    the latent. reader and generation by Unix  with the record
                                     ms of the use, the newest MAX_RECEIPTS
lf1:{tenant/flow/content}:made       the content. The id of the latent that     when that expires
                             string  is given for it
lf1:{tenant}:charged         hash    the tenant. latent -> bytes it counts for, LONGEST_KEPT_MS
                                     total                                      after the last one
lf1:{tenant}:lapsing         zset    its latents by when they count no more     likewise
lf1:{tenant}:uploads         zset    its open uploads, likewise                 likewise
lf1:{tenant}:pace            string  when its next publish is due (Unix ms)     likewise
lf1:{tenant/flow}:announced  stream  the flow. latent (its id); on a dead-      LONGEST_KEPT_MS
                                     letter flow also flow, group, deliveries,  after the last one;
                                     reason. Consumer groups                    entries by retention
lf1:{tenant}:flows           zset    the tenant's flows, by when each was last  LONGEST_KEPT_MS
                                     announced on or joined (ms)                after that, as flow
lf1:{tenant}:latents         zset    the tenant's latents, scores 0, members    LONGEST_KEPT_MS
                                     <created_ms>-<latent>: sorts by age        after the last one
lf1:{tenant}:expiring        zset    the same members by when they expire (ms)  likewise
lf1:{tenant/flow}:latents    zset    likewise, one flow's                       likewise
lf1:{tenant/flow}:expiring   zset    likewise                                   likewise
"""

from dataclasses import dataclass
from urllib.parse import quote

from latentflow.latent import FlowName, Tenant
from services.broker.record import ContentRef, FlowRef, LatentRef


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentKeys:
    record: str
    frames: str
    receipts: str


def latent_keys(ref: LatentRef) -> LatentKeys:
    place = _place(ref.tenant, ref.latent_id)
    return LatentKeys(
        record=f"{place}:record", frames=f"{place}:frames", receipts=f"{place}:receipts"
    )


def made_key(content: ContentRef) -> str:
    return f"{_place(content.tenant, content.flow, content.content_digest)}:made"


def quota_keys(tenant: Tenant) -> list[str]:
    """In the order of charge.lua."""
    return [f"{_place(tenant)}:{part}" for part in ("charged", "lapsing", "uploads", "pace")]


def announced_key(flow: FlowRef) -> str:
    return f"{_place(flow.tenant, flow.flow)}:announced"


def flows_key(tenant: Tenant) -> str:
    return f"{_place(tenant)}:flows"


def listing_keys(tenant: Tenant, flow: FlowName | None) -> list[str]:
    """In the order of list.lua."""
    place = _place(tenant) if flow is None else _place(tenant, flow)
    return [f"{place}:latents", f"{place}:expiring"]


def _place(*names: str) -> str:
    return "lf1:{" + "/".join(quote(name, safe="") for name in names) + "}"
