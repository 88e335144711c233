"""The slot where a credential becomes a tenant, and the only place that a tenant comes from.

Knows no credential format: an `Authenticator` does. Health checks carry none and need none.
A service that calls another one in a call's course says for whom: `acting_metadata`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from latentflow.errors import AccessDenied
from latentflow.latent import Tenant
from latentflow.rpc.handlers import CallInterceptor, Proceed, ServedCall
from latentflow.rpc.methods import HEALTH_PREFIX
from latentflow.rpc.refusals import Refusals

Authenticator = Callable[[ServedCall], Tenant]
"""Raises AccessDenied for whom the call is not; its notes are for the log only."""

TENANT_KEY = "latentflow-tenant"
"""Metadata by which a service names the tenant it acts for; of others it counts for nothing."""

DEFAULT_TENANT = Tenant("default")

_tenant: ContextVar[Tenant] = ContextVar("tenant")


def admit_all(call: ServedCall) -> Tenant:
    """The authenticator of a deployment without credentials: one tenant for everybody."""
    return DEFAULT_TENANT


def current_tenant() -> Tenant:
    """The tenant of the call being served. Raises AccessDenied outside of an authenticated call."""
    tenant = _tenant.get(None)
    if tenant is None:
        raise AccessDenied()
    return tenant


def acting_metadata() -> tuple[tuple[str, str], ...]:
    """For a call to another service: whom it is made for; empty outside of a call being served."""
    tenant = _tenant.get(None)
    return () if tenant is None else ((TENANT_KEY, tenant),)


@contextmanager
def acting_for(tenant: Tenant) -> Iterator[None]:
    """For what a service does of its own accord: in the block, `tenant` is the call's."""
    outside = _tenant.set(tenant)
    try:
        yield
    finally:
        _tenant.reset(outside)


class AuthInterceptor(CallInterceptor):
    """Asks the authenticator, which raises AccessDenied, before any other work is done."""

    def __init__(self, authenticator: Authenticator, refusals: Refusals) -> None:
        self._authenticator = authenticator
        self._refusals = refusals

    async def around(self, call: ServedCall, proceed: Proceed) -> Any:
        if not call.method.startswith(HEALTH_PREFIX):
            _tenant.set(self._authenticated(call))
        return await proceed()

    def _authenticated(self, call: ServedCall) -> Tenant:
        try:
            return self._authenticator(call)
        except AccessDenied as denied:
            self._refusals.tell(call, denied)
            raise
