"""`latents export` and `latents import`: one file that carries a latent to another broker."""

from dataclasses import replace
from pathlib import Path

import pytest

from latentflow.errors import (
    FrameCorrupt,
    InvalidInput,
    LatentExpired,
    LatentFlowError,
    MessageMalformed,
    StreamMismatch,
)
from tests.integration.cli.conftest import There
from tests.made_latents import MadeLatent, make_latent

NOW_MS = 1_760_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "memo.latent"


def read(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


async def export(there: There, path: Path) -> MadeLatent:
    """The latent in the file; the broker has forgotten it."""
    made = make_latent(NOW_MS)
    await there.run("latents", "export", there.hold(made), str(path))
    there.broker.latents.clear()
    return made


async def test_a_latent_is_carried_over_as_it_was(there: There, path: Path) -> None:
    made = await export(there, path)
    assert await there.run("latents", "import", str(path)) == f"{made.latent_id}\n"
    there_now = there.broker.latents[made.latent_id]
    assert there_now.manifest_bytes == made.manifest_bytes
    assert (there_now.frames, there_now.commit) == (made.frames, made.commit)


async def test_importing_twice_changes_nothing(there: There, path: Path) -> None:
    made = await export(there, path)
    await there.run("latents", "import", str(path))
    await there.run("latents", "import", str(path))
    assert there.broker.latents[made.latent_id].frames == made.frames


async def test_exporting_tells_what_was_written(there: There, path: Path) -> None:
    made = make_latent(NOW_MS)
    told = await there.run("latents", "export", there.hold(made), str(path))
    assert told.startswith(f"{made.latent_id} exported: 3 frames, ")
    assert told.endswith(f"sha256 {made.commit.sha256}\n")
    assert [each.name for each in path.parent.iterdir()] == ["memo.latent"]


async def test_a_file_is_overwritten_only_by_force(there: There, path: Path) -> None:
    latent_id = there.hold(make_latent(NOW_MS))
    write(path, b"before")
    with pytest.raises(InvalidInput, match="is there already"):
        await there.run("latents", "export", latent_id, str(path))
    assert read(path) == b"before"
    await there.run("latents", "export", latent_id, str(path), "--force")
    assert read(path).startswith(b"latentflow latent 1\n")


@pytest.mark.parametrize("force", [(), ("--force",)])
async def test_a_latent_that_does_not_hold_leaves_no_file(
    there: There, path: Path, force: tuple[str, ...]
) -> None:
    made = make_latent(NOW_MS)
    latent_id = there.hold(made)
    there.broker.latents[latent_id].frames[2] = replace(made.frames[2], crc32c=1)
    with pytest.raises(FrameCorrupt, match="frame 2"):
        await there.run("latents", "export", latent_id, str(path), *force)
    assert list(path.parent.iterdir()) == []


async def test_no_changed_file_is_published(there: There, path: Path) -> None:
    await export(there, path)
    whole = read(path)
    for place in range(0, len(whole), 97):
        for changed in (
            whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :],
            whole[:place],
            whole[:place] + whole[place + 1 :],
        ):
            write(path, changed)
            with pytest.raises(LatentFlowError):
                await there.run("latents", "import", str(path))
    assert there.broker.ledger.opened == 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not a latent's file"),
        (b"PK\x03\x04" + bytes(100), "not a latent's file"),
        (b"latentflow latent 7\n" + bytes(100), "of version 7, not 1"),
        (b"latentflow latent 1\n", "cut short"),
    ],
)
async def test_a_file_of_something_else_says_what_it_is(
    there: There, path: Path, content: bytes, problem: str
) -> None:
    write(path, content)
    with pytest.raises(MessageMalformed, match=rf"memo\.latent can't be read: .*{problem}"):
        await there.run("latents", "import", str(path))


async def test_a_file_that_is_not_there_is_named(there: There, path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"memo\.latent: No such file"):
        await there.run("latents", "import", str(path))


async def test_a_latent_that_the_broker_refuses_is_told(there: There, path: Path) -> None:
    made = await export(there, path)
    expired = LatentExpired(latent_id=made.latent_id, expired_ms=made.manifest.expires_ms)
    there.broker.ledger.failures = [expired]
    with pytest.raises(LatentExpired, match=made.latent_id):
        await there.run("latents", "import", str(path))


async def test_a_broker_that_holds_it_otherwise_is_told(there: There, path: Path) -> None:
    made = await export(there, path)
    there.broker.hold(made.manifest_bytes, [replace(made.frames[0], payload=b"x")], None)
    with pytest.raises(StreamMismatch):
        await there.run("latents", "import", str(path))
