"""Hypothesis strategies for what is said to the broker, and by it."""

from hypothesis import strategies as st

from latentflow.relay import (
    MAX_PAGE_SIZE,
    Abort,
    AckCall,
    DeadLetter,
    Delivery,
    FindCall,
    FlowInfo,
    GivenUp,
    GroupInfo,
    Inspection,
    LatentPage,
    Lineage,
    ListCall,
    Open,
    Opened,
    Progress,
    Receipt,
    RenewCall,
    Stored,
    SubscribeCall,
    UseCall,
    WatchCall,
)
from tests.unit.wire.any_fields import (
    digests,
    flow_names,
    latent_ids,
    names,
    plain_names,
    times_ms,
    uint32s,
    uint64s,
    words,
)
from tests.unit.wire.any_latents import commits, few_infos, frames, latent_infos

opens = st.builds(Open, manifest_bytes=st.binary(min_size=1, max_size=64))
aborts = st.builds(Abort, problem=st.text("abc .", max_size=20))
publish_steps = st.one_of(opens, frames, commits, aborts)
publish_events = st.one_of(
    st.builds(Opened, acknowledged_frames=uint32s, credit_bytes=uint64s),
    st.builds(Progress, acknowledged_frames=uint32s, credit_bytes=uint64s),
    st.builds(Stored, latent=latent_infos),
    st.builds(GivenUp),
)
subscribe_calls = st.builds(SubscribeCall, latent_id=latent_ids, first_frame=uint32s)
stream_steps = st.one_of(opens, frames, commits)
watch_calls = st.builds(WatchCall, flow=flow_names) | st.builds(
    WatchCall, flow=flow_names, group=plain_names, consumer=plain_names
)
dead_letters = st.builds(DeadLetter, flow=flow_names, group=words, deliveries=uint32s, reason=words)
deliveries = st.builds(
    Delivery, delivery_id=words, latent=latent_infos, dead_letter=st.none() | dead_letters
)
ack_calls = st.builds(
    AckCall,
    flow=flow_names,
    group=plain_names,
    delivery_ids=st.lists(names, max_size=5).map(tuple),
)
list_calls = st.builds(
    ListCall,
    flow=st.none() | flow_names,
    page_size=st.integers(1, MAX_PAGE_SIZE),
    page_token=words,
)
latent_pages = st.builds(LatentPage, latents=few_infos, next_page_token=words)
receipts = st.lists(
    st.builds(Receipt, reader=plain_names, generation=plain_names, at_ms=times_ms), max_size=3
).map(tuple)
find_calls = st.builds(FindCall, flow=flow_names, content_digest=digests)
renew_calls = st.builds(RenewCall, latent_id=latent_ids, expires_ms=times_ms)
use_calls = st.builds(UseCall, latent_id=latent_ids, reader=plain_names, generation=plain_names)
lineages = st.builds(Lineage, latent=latent_infos, receipts=receipts)
group_infos = st.builds(GroupInfo, name=words, lag=uint64s, pending=uint64s, consumers=uint32s)
flow_infos = st.lists(
    st.builds(
        FlowInfo,
        name=flow_names,
        announced=uint64s,
        groups=st.lists(group_infos, max_size=2).map(tuple),
    ),
    max_size=2,
).map(tuple)
inspections = st.builds(
    Inspection,
    version=words,
    at_ms=times_ms,
    servers=st.lists(words, max_size=2).map(tuple),
    remarks=st.lists(words, max_size=2).map(tuple),
)
