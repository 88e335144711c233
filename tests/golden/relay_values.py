"""What is said to the broker, and by it, in files under v1, spelled out by hand."""

from latentflow.latent import Digest, FlowName
from latentflow.relay import (
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
    Whole,
)
from tests.golden.latent_values import COMMIT, COMMITTED, FRAME_0, FRAME_1, LATENT_ID, TEXT_OPEN

OPAQUE_OPEN = Open(manifest_bytes=b"any bytes: the broker relays them as they are")
OPAQUE_WHOLE = Whole(
    manifest_bytes=OPAQUE_OPEN.manifest_bytes, frames=(FRAME_0, FRAME_1), commit=COMMIT
)
ABORT = Abort(problem="out of memory")
PUBLISH_EVENTS = {
    "opened": Opened(acknowledged_frames=1, credit_bytes=1 << 20),
    "progress": Progress(acknowledged_frames=2, credit_bytes=1 << 33),
    "committed": Stored(latent=COMMITTED),
    "aborted": GivenUp(),
}
SUBSCRIBE = SubscribeCall(latent_id=LATENT_ID, first_frame=1)
WATCH = WatchCall(flow=FlowName("memos"), group="readers", consumer="reader-1")
DELIVERY = Delivery(delivery_id="1760000000123-0", latent=COMMITTED)
DEAD_DELIVERY = Delivery(
    delivery_id="1760000000200-0",
    latent=COMMITTED,
    dead_letter=DeadLetter(
        flow=FlowName("memos"), group="readers", deliveries=5, reason="never acknowledged"
    ),
)
ACK = AckCall(
    flow=FlowName("memos"), group="readers", delivery_ids=("1760000000123-0", "1760000000124-0")
)
LIST = ListCall(flow=FlowName("memos"), page_size=2, page_token="after-this")
FLOWS = (
    FlowInfo(
        name=FlowName("memos"),
        announced=7,
        groups=(GroupInfo(name="readers", lag=2, pending=1, consumers=3),),
    ),
    FlowInfo(name=FlowName("memos.dead"), announced=1),
)
FIND = FindCall(flow=FlowName("memos"), content_digest=Digest("d1" * 32))
RENEW = RenewCall(latent_id=LATENT_ID, expires_ms=1_760_007_200_000)
USE = UseCall(latent_id=LATENT_ID, reader="receiver-1", generation="0af7651916cd43dd")
RECEIPTS = (
    Receipt(reader="receiver-1", generation="0af7651916cd43dd", at_ms=1_760_000_000_500),
    Receipt(reader="receiver-2", generation="1", at_ms=1_760_000_001_000),
)
LINEAGE = Lineage(latent=COMMITTED, receipts=RECEIPTS)
INSPECTION = Inspection(
    version="0.1.0",
    at_ms=1_760_000_000_123,
    servers=("redis 7.0.15",),
    remarks=("maxmemory-policy is allkeys-lru: set it to noeviction",),
)
PAGE = LatentPage(latents=(COMMITTED, TEXT_OPEN), next_page_token="after-that")
