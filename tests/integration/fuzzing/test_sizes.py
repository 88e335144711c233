"""Metadata and messages beyond the limits are refused, odd ones do no harm."""

import grpc
import pytest

from latentflow.rpc.methods import ENDLESS
from tests.integration.fuzzing.asking import Metadata, Target, ask, full_name

TOO_LARGE = 5 * 1024 * 1024
# A stream may be denied for its port before anything of it is read.
REFUSED = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAUTHENTICATED)

ODD: list[Metadata] = [
    (("authorization", "Bearer"),),
    (("authorization", "Basic ~!@#$%^&*()"),),
    (("latentflow-tenant", "../other:{tag}"), ("latentflow-tenant", "")),
    (("traceparent", "00-zz-zz-zz"), ("tracestate", "=,=,;"), ("baggage", "%%%,=")),
    (("grpc-trace-bin", bytes(range(256))), ("x-bin", b"\xff" * 1000)),
    (("user-agent", "Traceback"), ("x" * 500, "")),
]


@pytest.mark.parametrize("kilobytes", [20])
async def test_oversized_metadata_is_refused(target: Target, kilobytes: int) -> None:
    for method in target.methods():
        if full_name(method) in ENDLESS:
            continue  # asked too briefly to tell
        metadata = (("x-large", "a" * kilobytes * 1024),)
        answer = await ask(target.channel, full_name(method), b"", metadata)
        assert answer.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "a" * 100 not in answer.told
    await target.require_working()


async def test_odd_metadata_is_survived(target: Target) -> None:
    for method in target.methods():
        for metadata in ODD:
            (await ask(target.channel, full_name(method), b"\xff", metadata)).require_clean()
    await target.require_working()


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_oversized_message_is_refused_also_when_it_is_small_on_its_way(
    target: Target, compression: grpc.Compression
) -> None:
    for method in target.methods():
        name = full_name(method)
        if name.startswith("/grpc.") or name in ENDLESS:
            continue
        answer = await ask(target.channel, name, bytes(TOO_LARGE), compression=compression)
        assert answer.code in REFUSED, (name, answer)
    await target.require_working()
