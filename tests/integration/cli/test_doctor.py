"""`latentflow doctor` against a whole stack of fakes, and against nothing at all."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import grpc
import pytest

from latentflow.errors import EmptyInput, InvalidInput, ProblemsFound
from latentflow.rpc.server import Registration
from latentflow.v1.receiver_pb2 import DescribeReceiverRequest, DescribeReceiverResponse
from latentflow.v1.sharer_pb2 import DescribeSharerRequest, DescribeSharerResponse
from latentflow.wire.descriptions import (
    receiver_description_to_proto,
    sharer_description_to_proto,
)
from tests.golden.latent_values import RECEIVER
from tests.integration.cli.conftest import Commands
from tests.integration.rpc.fake_broker import FakeBroker
from tests.integration.rpc.model_values import DESCRIPTION
from tests.integration.rpc.probe import served

SHARER_SERVICE = "latentflow.v1.SharerService"
RECEIVER_SERVICE = "latentflow.v1.ReceiverService"
NOWHERE = "127.0.0.1:1"


class Stack:
    """A broker, a sharer and a receiver behind one port."""

    def __init__(self, commands: Commands) -> None:
        self.broker = FakeBroker()
        self.receiver = replace(DESCRIPTION, model=RECEIVER)
        self.port = 0
        self._commands = commands

    def registrations(self) -> list[Registration]:
        return [
            self.broker.registration(),
            Registration(service=SHARER_SERVICE, add=self._add_describers),
        ]

    async def doctor(self, *words: str) -> str:
        now_ms = time.time_ns() // 1_000_000
        self.broker.inspection = replace(self.broker.inspection, at_ms=now_ms)
        at = f"127.0.0.1:{self.port}"
        where = ("--broker", at, "--admin", at, "--sharer", at, "--receiver", at)
        return await self._commands.run("doctor", *where, *words)

    async def _sharer(self, request: DescribeSharerRequest, context: Any) -> DescribeSharerResponse:
        return sharer_description_to_proto(DESCRIPTION)

    async def _receiver(
        self, request: DescribeReceiverRequest, context: Any
    ) -> DescribeReceiverResponse:
        return receiver_description_to_proto(self.receiver)

    def _add_describers(self, server: grpc.aio.Server) -> None:
        sharer = grpc.unary_unary_rpc_method_handler(
            self._sharer, DescribeSharerRequest.FromString, DescribeSharerResponse.SerializeToString
        )
        receiver = grpc.unary_unary_rpc_method_handler(
            self._receiver,
            DescribeReceiverRequest.FromString,
            DescribeReceiverResponse.SerializeToString,
        )
        handlers = (
            grpc.method_handlers_generic_handler(SHARER_SERVICE, {"DescribeSharer": sharer}),
            grpc.method_handlers_generic_handler(RECEIVER_SERVICE, {"DescribeReceiver": receiver}),
        )
        server.add_generic_rpc_handlers(handlers)


@pytest.fixture
async def stack(commands: Commands) -> AsyncIterator[Stack]:
    stack = Stack(commands)
    async with served(*stack.registrations()) as serving:
        stack.port = serving.server.port
        yield stack


async def test_a_stack_that_is_well_has_a_line_a_check(stack: Stack) -> None:
    stack.broker.inspection = replace(stack.broker.inspection, remarks=("It forgets: use Redis.",))
    lines = (await stack.doctor()).splitlines()
    assert [line.split()[1] for line in lines] == (
        "python packages broker version clock store store sharer receiver adapter".split()
    )
    assert {line.split()[0] for line in lines} == {"ok", "warning"}
    assert "It forgets: use Redis." in lines[6]
    assert lines[-1].endswith("fits both: memo (lcf-prefix)")


async def test_a_problem_is_told_with_its_remedy_and_fails(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.receiver = replace(stack.receiver, adapters=())
    with pytest.raises(ProblemsFound, match="1 of 9 checks found a problem"):
        await stack.doctor()
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith("problem  adapter")
    assert told.endswith(" -> give both the same folder of adapters")


async def test_scripts_get_one_document(stack: Stack) -> None:
    checks = json.loads(await stack.doctor("--json"))["checks"]
    assert checks[0].keys() == {"check", "level", "told", "remedy"}
    assert {check["check"]: check["level"] for check in checks}["adapter"] == "ok"


async def test_where_nothing_runs_every_service_is_missed(
    commands: Commands, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--broker", NOWHERE, "--admin", NOWHERE, "--sharer", NOWHERE, "--receiver", NOWHERE)
    with pytest.raises(ProblemsFound) as raised:
        await commands.run("doctor", *where)
    assert raised.value.problems == 3
    told = capsys.readouterr().out
    assert told.count(f"no answer from {NOWHERE} -> start `latentflow up`, or give --") == 3


async def test_what_can_not_be_asked_is_refused(commands: Commands) -> None:
    with pytest.raises(InvalidInput, match="timeout"):
        await commands.run("doctor", "--timeout", "0")
    with pytest.raises(EmptyInput, match="receiver"):
        await commands.run("doctor", "--receiver", "")
