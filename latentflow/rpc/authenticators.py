"""Who calls: a tenant by its bearer token, or a service by its certificate, for a tenant it names.

Which calls a port takes is said by `without_admin` and `admin_only` around any of them.
"""

from collections.abc import Callable

from latentflow.errors import AccessDenied
from latentflow.latent import Tenant
from latentflow.rpc.auth_interceptor import TENANT_KEY, Authenticator
from latentflow.rpc.handlers import ServedCall
from latentflow.rpc.rights import RIGHT_OF_SERVICE, is_admin, is_for_any_tenant, require_right
from latentflow.tenants import Entry, Right, Tenants

_BEARER = "Bearer "


def by_credential(tenants: Callable[[], Tenants]) -> Authenticator:
    """Admits who has the right to the call. A peer with a certificate is never taken for a caller
    with a token: where certificates are asked for, nobody else gets in.
    """

    def authenticate(call: ServedCall) -> Tenant:
        peers = call.peer_uris()
        entry = _told(call, peers, tenants()) if peers is not None else _held(call, tenants())
        _require_entitled(entry, call.method)
        return entry.tenant

    return authenticate


def without_admin(authenticator: Authenticator) -> Authenticator:
    """For a public port."""

    def authenticate(call: ServedCall) -> Tenant:
        if is_admin(call.method):
            raise AccessDenied
        return authenticator(call)

    return authenticate


def admin_only(authenticator: Authenticator) -> Authenticator:
    """For an admin port, whose methods can be listed there too."""

    def authenticate(call: ServedCall) -> Tenant:
        if not (is_admin(call.method) or is_for_any_tenant(call.method)):
            raise AccessDenied
        return authenticator(call)

    return authenticate


def _require_entitled(entry: Entry, method: str) -> None:
    try:
        require_right(entry.rights, method)
    except AccessDenied as denied:
        denied.add_note(f"tenant {entry.tenant} has no right to it")
        raise


def _held(call: ServedCall, tenants: Tenants) -> Entry:
    authorization = call.metadata().get("authorization", "")
    if not authorization.startswith(_BEARER):
        raise AccessDenied
    return tenants.holding(authorization.removeprefix(_BEARER))


def _told(call: ServedCall, peers: frozenset[str], tenants: Tenants) -> Entry:
    """The tenant that a service acts for: in what is its own to do only."""
    require_right(_rights_of(peers), call.method)
    return tenants.named(Tenant(call.metadata().get(TENANT_KEY, "")))


def _rights_of(peers: frozenset[str]) -> frozenset[Right]:
    return frozenset(RIGHT_OF_SERVICE[peer] for peer in peers if peer in RIGHT_OF_SERVICE)
