"""Latents that are on their way, complete, or ended in any way, for the suites of the stores."""

from latentflow.latent import Commit, Tenant
from services.broker.record import LatentRecord, LatentRef, StreamEntry
from services.broker.store import LatentStore
from tests.contract.samples import TENANT, new_commit, new_frame, new_opening, new_ref
from tests.manual_clock import ManualClock

ENDINGS = ("abort", "abandon", "revoke")


async def uploading(
    latents: LatentStore, clock: ManualClock, *, frames: int = 1, tenant: Tenant = TENANT
) -> LatentRecord:
    ref = new_ref(tenant)
    await latents.open(ref, new_opening(clock()), now_ms=clock())
    for index in range(frames):
        await latents.append(ref, [new_frame(index)], now_ms=clock())
    return await latents.find(ref)


async def committed(latents: LatentStore, clock: ManualClock) -> LatentRef:
    ref = (await uploading(latents, clock)).ref
    await latents.commit(ref, new_commit(new_frame(0)), now_ms=clock())
    return ref


async def read_whole(
    latents: LatentStore, ref: LatentRef, *, first_frame: int = 0
) -> list[StreamEntry]:
    """All that is there now: a store gives some entries at a time."""
    found: list[StreamEntry] = []
    while entries := await latents.read(ref, first_frame=first_frame + len(found), wait_ms=0):
        found += entries
        if isinstance(found[-1], Commit):
            break
    return found


async def end(latents: LatentStore, record: LatentRecord, ending: str, *, now_ms: int) -> None:
    """By one of ENDINGS."""
    match ending:
        case "abort":
            await latents.abort(record.ref, "problem", now_ms=now_ms)
        case "abandon":
            await latents.abandon(record)
        case "revoke":
            await latents.revoke(record.ref)
