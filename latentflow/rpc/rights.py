"""Which right each call needs, and what the services themselves may do for a tenant.

A method that is missing here is nobody's: a test sees to it that none is.
"""

from collections.abc import Mapping

from latentflow.errors import AccessDenied
from latentflow.tenants import Right

_BROKER = "/latentflow.v1.BrokerService/"
_SHARER = "/latentflow.v1.SharerService/"
_RECEIVER = "/latentflow.v1.ReceiverService/"
_REFLECTION = "/grpc.reflection."

RIGHT_OF: Mapping[str, Right] = {
    f"{_BROKER}Publish": Right.SHARE,
    f"{_BROKER}FindLatent": Right.SHARE,
    f"{_BROKER}RenewLatent": Right.SHARE,
    f"{_BROKER}Subscribe": Right.ASK,
    f"{_BROKER}Watch": Right.ASK,
    f"{_BROKER}Ack": Right.ASK,
    f"{_BROKER}GetLatent": Right.ASK,
    f"{_BROKER}RecordUse": Right.ASK,
    f"{_BROKER}ListLatents": Right.ADMIN,
    f"{_BROKER}ListFlows": Right.ADMIN,
    f"{_BROKER}GetLineage": Right.ADMIN,
    f"{_BROKER}RevokeLatent": Right.ADMIN,
    f"{_BROKER}Inspect": Right.ADMIN,
    f"{_SHARER}Share": Right.SHARE,
    f"{_RECEIVER}Generate": Right.ASK,
    f"{_RECEIVER}Score": Right.ASK,
    f"{_RECEIVER}OpenSession": Right.ASK,
    f"{_RECEIVER}CloseSession": Right.ASK,
}

# What tells of no tenant: any tenant may ask.
OPEN_TO_TENANTS = frozenset({f"{_SHARER}DescribeSharer", f"{_RECEIVER}DescribeReceiver"})

# By the URI in its certificate; `scripts/make_certs.sh` writes them.
RIGHT_OF_SERVICE: Mapping[str, Right] = {
    "spiffe://latentflow/sharer": Right.SHARE,
    "spiffe://latentflow/receiver": Right.ASK,
}


def is_admin(method: str) -> bool:
    return RIGHT_OF.get(method) is Right.ADMIN


def is_for_any_tenant(method: str) -> bool:
    return method in OPEN_TO_TENANTS or method.startswith(_REFLECTION)


def require_right(rights: frozenset[Right], method: str) -> None:
    """Raises AccessDenied."""
    if not is_for_any_tenant(method) and RIGHT_OF.get(method) not in rights:
        raise AccessDenied
