"""Metadata and messages beyond the limits are refused, odd ones do no harm."""

import grpc
import pytest

from tests.integration.fuzzing.asking import LARGEST, Metadata, Target, ask, full_name
from tests.integration.services.callers import TIMEOUT

# A stream may be denied for its port before anything of it is read.
REFUSED = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAUTHENTICATED)
READ = (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNAUTHENTICATED)

ODD: list[Metadata] = [
    (("authorization", "Bearer"),),
    (("authorization", "Basic ~!@#$%^&*()"),),
    (("latentflow-tenant", "../other:{tag}"), ("latentflow-tenant", "")),
    (("traceparent", "00-zz-zz-zz"), ("tracestate", "=,=,;"), ("baggage", "%%%,=")),
    (("grpc-trace-bin", bytes(range(256))), ("x-bin", b"\xff" * 1000)),
    (("user-agent", "Traceback"), ("x" * 500, "")),
]


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param((("x-large", "a" * 20 * 1024),), id="20 KiB"),
        pytest.param((("x-large", "a" * 1024 * 1024),), id="1 MiB"),
        pytest.param(tuple((f"x-{index}", "a") for index in range(5000)), id="5,000 keys"),
    ],
)
async def test_oversized_metadata_is_refused(target: Target, metadata: Metadata) -> None:
    for method in target.methods():
        answer = await ask(target.channel, full_name(method), b"", metadata, seconds=TIMEOUT)
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
        name, too_large = full_name(method), bytes(LARGEST[target.name] + 1)
        answer = await ask(
            target.channel, name, too_large, seconds=TIMEOUT, compression=compression
        )
        assert answer.code in REFUSED, (name, answer)
    await target.require_working()


async def test_the_largest_message_is_read(target: Target) -> None:
    """It is no message, which is how it is known to have been read."""
    for method in target.methods():
        largest = b"\xff" * LARGEST[target.name]
        answer = await ask(target.channel, full_name(method), largest, seconds=TIMEOUT)
        assert answer.code in READ, answer
    await target.require_working()
