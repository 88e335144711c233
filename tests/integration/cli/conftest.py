"""Commands as `latentflow` runs them, each with an event loop of its own, against a fake broker."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from latentflow.cli.commands import run
from latentflow.cli.settings import Settings
from latentflow.latent import LatentId
from tests.integration.rpc.fake_broker import FakeBroker
from tests.integration.rpc.probe import served
from tests.made_latents import MadeLatent

_OVERSEE = {"flows", "ls", "rm", "lineage"}
"""What goes to the admin port; the fake broker has one port for all."""


class Commands:
    """What a command prints is pytest's to capture."""

    def __init__(self, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
        self._settings = settings
        self._capsys = capsys

    async def run(self, *words: str) -> str:
        """The standard output. Raises what the command raised."""
        self._capsys.readouterr()
        await asyncio.to_thread(run, words, self._settings)
        return self._capsys.readouterr().out


class There:
    """A broker and the commands that look for it there."""

    def __init__(self, broker: FakeBroker, address: str, commands: Commands) -> None:
        self.broker = broker
        self.address = address
        self._commands = commands

    async def run(self, *words: str) -> str:
        port = "--admin" if _OVERSEE & set(words[:2]) else "--broker"
        return await self._commands.run(*words, port, self.address)

    def hold(self, made: MadeLatent) -> LatentId:
        return self.broker.hold(made.manifest_bytes, made.frames, made.commit)


@pytest.fixture
def commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    cache = {"LATENTFLOW_CACHE": str(tmp_path / "cache")}
    return Commands(Settings.from_environment(cache), capsys)


@pytest.fixture
async def there(commands: Commands) -> AsyncIterator[There]:
    broker = FakeBroker()
    async with served(broker.registration()) as serving:
        yield There(broker, f"127.0.0.1:{serving.server.port}", commands)
