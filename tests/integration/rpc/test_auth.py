"""The tenant comes from the credential, and each call has its own."""

import asyncio

import grpc
import pytest

from latentflow.errors import AccessDenied
from latentflow.latent import Tenant
from latentflow.rpc.auth_interceptor import current_tenant
from latentflow.rpc.handlers import ServedCall
from tests.integration.rpc.probe import (
    METHODS,
    Context,
    ask,
    call,
    probe,
    served,
    silent,
)


async def tell(context: Context) -> bytes:
    return current_tenant().encode()


@pytest.mark.parametrize("method", METHODS)
async def test_without_authenticator_everybody_is_the_default_tenant(method: str) -> None:
    async with served(probe(tell)) as there:
        assert (await call(there.channel, method))[-1] == b"default"


@pytest.mark.parametrize("method", METHODS)
async def test_the_authenticator_decides_from_the_metadata(method: str) -> None:
    def by_token(call: ServedCall) -> Tenant:
        return Tenant(call.metadata()["authorization"].removeprefix("Bearer "))

    async with served(probe(tell), authenticator=by_token) as there:
        assert (await call(there.channel, method))[-1] == b"probe"


@pytest.mark.parametrize("method", METHODS)
async def test_a_refused_credential_reaches_no_work(method: str) -> None:
    def deny(call: ServedCall) -> Tenant:
        raise AccessDenied

    worked: list[Context] = []

    async def work(context: Context) -> bytes:
        worked.append(context)
        return b""

    async with served(probe(work), authenticator=deny) as there:
        with pytest.raises(AccessDenied):
            await ask(there.channel, method)
    assert not worked


@pytest.mark.parametrize("method", METHODS)
async def test_who_is_refused_need_not_be_heard_out(method: str) -> None:
    """Else calls without a credential could wait without an end, at the server's cost."""

    def deny(call: ServedCall) -> Tenant:
        raise AccessDenied

    async with served(probe(tell), authenticator=deny) as there:
        assert await silent(there.channel, method).code() is grpc.StatusCode.UNAUTHENTICATED


async def test_calls_at_the_same_time_keep_their_tenants() -> None:
    names = iter(["a", "b", "c"])
    together = asyncio.Barrier(3)

    async def meet(context: Context) -> bytes:
        await together.wait()
        return current_tenant().encode()

    async with served(probe(meet), authenticator=lambda _: Tenant(next(names))) as there:
        answers = await asyncio.gather(*(call(there.channel, METHODS[0]) for _ in range(3)))
    assert sorted(answer for (answer,) in answers) == [b"a", b"b", b"c"]


def test_outside_of_a_call_there_is_no_tenant() -> None:
    with pytest.raises(AccessDenied):
        current_tenant()
