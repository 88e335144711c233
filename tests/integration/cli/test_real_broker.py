"""The commands and the broker itself, with its store in memory."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from latentflow.errors import (
    CallRefused,
    LatentExpired,
    LatentFlowError,
    LatentRevoked,
    UnknownLatent,
    WrongAddress,
)
from latentflow.latent import FlowName
from latentflow.relay import WatchCall
from services.broker.__main__ import system_clock_ms
from services.broker.settings import Settings
from tests.integration.broker.running import TIMEOUT, Broker, running_broker
from tests.integration.cli.conftest import Commands
from tests.keys import protected
from tests.made_latents import make_latent

FLOW = FlowName("memos")


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    settings = Settings(store_url="memory://", port=0, admin_port=0)
    async with running_broker(settings, system_clock_ms) as running:
        yield running


def at(broker: Broker) -> tuple[str, str]:
    return "--broker", f"127.0.0.1:{broker.server.port}"


def admin_at(broker: Broker) -> tuple[str, str]:
    return "--admin", f"127.0.0.1:{broker.admin_server.port}"


async def test_a_latent_is_carried_from_one_broker_to_another(
    broker: Broker, commands: Commands, tmp_path: Path
) -> None:
    made = make_latent(system_clock_ms())
    path = str(tmp_path / "memo.latent")
    await broker.publish(made)
    await commands.run("latents", "export", made.latent_id, path, *at(broker))
    settings = Settings(store_url="memory://", port=0, admin_port=0)
    async with running_broker(settings, system_clock_ms) as other:
        with pytest.raises(UnknownLatent):
            await commands.run("latents", "verify", made.latent_id, *at(other))
        for _ in range(2):
            assert made.latent_id in await commands.run("latents", "import", path, *at(other))
        assert "holds" in await commands.run("latents", "verify", made.latent_id, *at(other))
        assert made.latent_id in await commands.run("latents", "ls", *admin_at(other))


async def test_a_sealed_and_signed_latent_is_carried_over_as_it_is(
    broker: Broker, commands: Commands, tmp_path: Path
) -> None:
    made = protected(make_latent(system_clock_ms()))
    path = str(tmp_path / "memo.latent")
    await broker.client.publish(
        made.manifest_bytes, made.frames, timeout=TIMEOUT, sign=lambda _: made.commit
    )
    await commands.run("latents", "export", made.latent_id, path, *at(broker))
    settings = Settings(store_url="memory://", port=0)
    async with running_broker(settings, system_clock_ms) as other:
        await commands.run("latents", "import", path, *at(other))
        assert await other.read(made.latent_id) == await broker.read(made.latent_id)
        assert (await other.read(made.latent_id))[-1] == made.commit


async def test_an_expired_latent_is_not_imported(
    broker: Broker, commands: Commands, tmp_path: Path
) -> None:
    made = make_latent(system_clock_ms(), lifetime_seconds=3600)
    path = str(tmp_path / "memo.latent")
    await broker.publish(made)
    await commands.run("latents", "export", made.latent_id, path, *at(broker))
    settings = Settings(store_url="memory://", port=0, admin_port=0)
    async with running_broker(settings, lambda: made.manifest.expires_ms + 1) as late:
        with pytest.raises(LatentExpired, match=made.latent_id):
            await commands.run("latents", "import", path, *at(late))


async def test_what_was_withdrawn_is_not_read_any_more(
    broker: Broker, commands: Commands, tmp_path: Path
) -> None:
    made = make_latent(system_clock_ms())
    await broker.publish(made)
    path = str(tmp_path / "memo.latent")
    await commands.run("latents", "export", made.latent_id, path, *at(broker))
    assert "revoked" in await commands.run("latents", "rm", made.latent_id, *admin_at(broker))
    with pytest.raises(LatentRevoked):
        await commands.run("latents", "verify", made.latent_id, *at(broker))
    with pytest.raises(LatentFlowError, match=made.latent_id):
        await commands.run("latents", "import", path, *at(broker))


async def test_a_watch_ends_well_when_its_time_has_passed(
    broker: Broker, commands: Commands
) -> None:
    assert await commands.run("latents", "tail", FLOW, "--timeout", "0.2", *at(broker)) == ""


async def test_what_a_member_of_a_group_told_does_not_come_again(
    broker: Broker, commands: Commands
) -> None:
    member = ("--group", "desk", "--consumer", "one", "--timeout", "1")
    join = broker.client.watch(WatchCall(flow=FLOW, group="desk", consumer="two"), timeout=TIMEOUT)
    joining = asyncio.ensure_future(anext(join))
    made = make_latent(system_clock_ms())
    await broker.publish(made)
    assert (await joining).latent.manifest.latent_id == made.latent_id
    await join.aclose()
    later = make_latent(system_clock_ms())
    await broker.publish(later)
    assert later.latent_id in await commands.run("latents", "tail", FLOW, *member, *at(broker))
    assert await commands.run("latents", "tail", FLOW, *member, *at(broker)) == ""


async def test_a_reader_that_left_is_no_failure_to_speak_of(broker: Broker) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = (sys.executable, "-m", "latentflow.cli", "latents", "ls", *admin_at(broker))
    process = await asyncio.create_subprocess_exec(
        *command, stdout=writing, stderr=asyncio.subprocess.PIPE
    )
    os.close(writing)
    _, told = await process.communicate()
    assert told == b""
    assert process.returncode == 128 + signal.SIGPIPE


async def test_a_broker_is_no_sharer(broker: Broker, commands: Commands, tmp_path: Path) -> None:
    memo = tmp_path / "memo.txt"
    memo.write_text("The lamp is green.")
    address = f"127.0.0.1:{broker.server.port}"
    with pytest.raises(WrongAddress, match=f"{address} is no sharer"):
        await commands.run("share", str(memo), "--sharer", address)


async def test_the_other_port_of_a_broker_is_suspected(broker: Broker, commands: Commands) -> None:
    callers = f"127.0.0.1:{broker.server.port}"
    with pytest.raises(CallRefused, match=f"{callers} is the other of the broker's two ports"):
        await commands.run("latents", "ls", "--admin", callers)
