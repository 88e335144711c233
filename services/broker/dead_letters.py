"""When a delivery is given no more, where its latent goes instead, and what is said of it.

Pure: knows no store and no clock.
"""

from datetime import UTC, datetime

from latentflow.latent import FlowName
from latentflow.relay import DeadLetter
from services.broker.record import Exhausted, FlowRef, GroupMember

NO_LIMIT = 2**31 - 1
_SUFFIX = ".dead"
_KEPT_CHARACTERS = 58


def is_dead_letter_flow(flow: FlowName) -> bool:
    return flow.endswith(_SUFFIX)


def dead_letter_flow(flow: FlowRef) -> FlowRef:
    """Long names that begin alike share one; each letter says where it came from."""
    return FlowRef(tenant=flow.tenant, flow=FlowName(flow.flow[:_KEPT_CHARACTERS] + _SUFFIX))


def most_deliveries_on(flow: FlowRef, most_deliveries: int) -> int:
    """A dead letter is delivered until somebody acknowledges it: there is no flow behind."""
    return NO_LIMIT if is_dead_letter_flow(flow.flow) else most_deliveries


def write_letter(member: GroupMember, exhausted: Exhausted, now_ms: int) -> DeadLetter:
    """Of a delivery that `member` found exhausted in its group."""
    since = datetime.fromtimestamp((now_ms - exhausted.idle_ms) / 1000, UTC)
    return DeadLetter(
        flow=member.flow.flow,
        group=member.group,
        deliveries=exhausted.deliveries,
        reason=f"given {exhausted.deliveries} times, last to {exhausted.consumer} at "
        f"{since.isoformat(timespec='seconds')}, and never acknowledged",
    )
