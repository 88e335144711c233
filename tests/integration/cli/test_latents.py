"""`latentflow latents`: what it tells of latents, and that nothing wrong passes as right."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from latentflow.errors import (
    FrameCorrupt,
    IdentityMismatch,
    InvalidInput,
    KeyUnknown,
    SignatureInvalid,
    SignatureMissing,
    StreamMismatch,
    UnknownLatent,
)
from latentflow.latent import Digest, FlowName
from latentflow.relay import DeadLetter, Receipt
from tests.integration.cli.conftest import There
from tests.integration.rpc.latents import sealed
from tests.keys import SIGNER, protected, signer_of
from tests.made_latents import make_latent

NOW_MS = 1_760_000_000_000
UNKNOWN = "01JD0000000000000000000000"
RECEIPT = Receipt(reader="gemma", generation="g-1", at_ms=NOW_MS + 5000)


# --- ls -------------------------------------------------------------------------------------


async def test_latents_are_listed_newest_first(there: There) -> None:
    old = there.hold(make_latent(NOW_MS))
    new = there.hold(make_latent(NOW_MS + 1000, stream_bytes=500))
    header, *lines = (await there.run("latents", "ls")).splitlines()
    assert header.split() == "latent flow state method frames bytes created expires".split()
    assert [line.split()[0] for line in lines] == [new, old]
    assert lines[1].split()[1:5] == ["memos", "committed", "text", "3"]
    assert "2025-10-09 08:53:20Z  2025-10-09 09:53:20Z" in lines[1]


async def test_pages_are_followed_up_to_the_limit(there: There) -> None:
    for number in range(510):
        there.hold(make_latent(NOW_MS + number, stream_bytes=40))
    assert len(json.loads(await there.run("latents", "ls", "--json"))["latents"]) == 50
    listed = json.loads(await there.run("latents", "ls", "--json", "--limit", "505"))
    ids = [each["manifest"]["latent_id"] for each in listed["latents"]]
    assert len(ids) == 505
    assert ids == sorted(ids, reverse=True)
    assert listed["cut"] is True
    everything = json.loads(await there.run("latents", "ls", "--json", "--limit", "5000"))
    assert (len(everything["latents"]), everything["cut"]) == (510, False)


async def test_one_flow_may_be_listed_alone(there: There) -> None:
    there.hold(make_latent(NOW_MS))
    other = there.hold(make_latent(NOW_MS, flow=FlowName("letters")))
    lines = (await there.run("latents", "ls", "--flow", "letters")).splitlines()
    assert [line.split()[0] for line in lines[1:]] == [other]


async def test_no_latents_are_a_header(there: There) -> None:
    assert (await there.run("latents", "ls")).splitlines() == [
        "latent  flow  state  method  frames  bytes  created  expires"
    ]


# --- show -----------------------------------------------------------------------------------


async def test_everything_known_of_a_latent_is_shown(there: There) -> None:
    latent = sealed(kilobytes=3, frame_bytes=1024)
    there.broker.hold(latent.manifest_bytes, latent.frames, latent.commit)
    shown = await there.run("latents", "show", latent.latent_id)
    for part in (
        *(latent.latent_id, "memos", "committed, 3 frames, ", latent.commit.sha256),
        *("lcf-prefix, position prefix", "c1" * 32, "d1" * 32),
        *("SmolLM2-135M-Instruct", "a1" * 32, "a2" * 32, "a3" * 32),
        *("gemma-3-270m", "b1" * 32, "b2" * 32, "b3" * 32),
        *("3 slots x 1 layers x 1020 wide, float32", "int8, zstd level 3"),
        *("2025-10-09 08:53:20Z", "2025-10-09 09:53:20Z"),
    ):
        assert part in shown
    assert "renewed" not in shown


async def test_a_renewed_life_is_shown_beside_the_manifests(there: There) -> None:
    latent_id = there.hold(make_latent(NOW_MS))
    there.broker.latents[latent_id].expires_ms += 3_600_000
    shown = await there.run("latents", "show", latent_id)
    assert "expires   2025-10-09 10:53:20Z" in shown
    assert "renewed; the manifest says 2025-10-09 09:53:20Z" in shown
    assert "any: a text message is for every receiver" in shown


async def test_scripts_get_one_document(there: There) -> None:
    latent_id = there.hold(make_latent(NOW_MS))
    shown: dict[str, Any] = json.loads(await there.run("latents", "show", latent_id, "--json"))
    assert shown["manifest"]["latent_id"] == latent_id
    assert shown["manifest"]["created_ms"] == NOW_MS
    assert (shown["state"], shown["frames"]) == ("committed", 3)


async def test_keys_are_shown_by_their_ids(there: There) -> None:
    made = protected(make_latent(NOW_MS))
    shown = await there.run("latents", "show", there.hold(made))
    assert "sealed    aes-256-gcm, key k1" in shown
    assert f"signed    ed25519, key {SIGNER.key_id}" in shown
    told = json.loads(await there.run("latents", "show", made.latent_id, "--json"))
    assert told["manifest"]["seal"]["key_id"] == "k1"
    assert told["commit"]["signature"]["key_id"] == SIGNER.key_id
    shown = await there.run("latents", "show", there.hold(make_latent(NOW_MS)))
    assert "sealed    no" in shown
    assert "signed    no" in shown


@pytest.mark.parametrize("action", ["show", "verify", "lineage", "rm"])
async def test_a_latent_that_is_not_there_is_named(there: There, action: str) -> None:
    with pytest.raises(UnknownLatent, match=UNKNOWN):
        await there.run("latents", action, UNKNOWN)


# --- verify ---------------------------------------------------------------------------------


async def test_a_latent_that_holds_is_said_to(there: There) -> None:
    made = make_latent(NOW_MS)
    told = await there.run("latents", "verify", there.hold(made))
    size = f"{made.commit.payload_bytes:,} bytes"
    first, *rest = told.splitlines()
    assert first == f"{made.latent_id} holds: 3 frames, {size}, sha256 {made.commit.sha256}"
    assert rest == ["sealed  no", "signed  no"]


async def test_a_frame_that_was_changed_is_found(there: There) -> None:
    made = make_latent(NOW_MS)
    latent_id = there.hold(made)
    payload = bytes([made.frames[1].payload[0] ^ 1]) + made.frames[1].payload[1:]
    there.broker.latents[latent_id].frames[1] = replace(made.frames[1], payload=payload)
    with pytest.raises(FrameCorrupt, match="frame 1"):
        await there.run("latents", "verify", latent_id)


async def test_a_commit_of_something_else_is_found(there: There) -> None:
    made = make_latent(NOW_MS)
    latent_id = there.hold(made)
    there.broker.latents[latent_id].commit = replace(made.commit, sha256=Digest("ab" * 32))
    with pytest.raises(StreamMismatch, match="sha256"):
        await there.run("latents", "verify", latent_id)


async def test_another_latent_than_was_asked_for_is_found(there: There) -> None:
    asked, given = make_latent(NOW_MS), make_latent(NOW_MS)
    there.hold(asked)
    there.hold(given)
    there.broker.latents[asked.latent_id] = there.broker.latents[given.latent_id]
    with pytest.raises(IdentityMismatch, match=f"latent_id is {given.latent_id}"):
        await there.run("latents", "verify", asked.latent_id)


@pytest.fixture
def trusted(tmp_path: Path) -> str:
    file = tmp_path / "trusted.pem"
    file.write_text(SIGNER.public_text())
    return str(file)


async def test_a_sealed_latent_is_verified_without_its_key(there: There, trusted: str) -> None:
    made = protected(make_latent(NOW_MS))
    told = await there.run("latents", "verify", there.hold(made))
    assert told.splitlines()[1:] == [
        "sealed  aes-256-gcm, key k1",
        f"signed  ed25519, key {SIGNER.key_id}",
    ]
    told = await there.run("latents", "verify", made.latent_id, "--trusted", trusted)
    assert told.endswith(f"signed  ed25519, key {SIGNER.key_id}, which holds\n")


async def test_a_signature_that_does_not_hold_is_refused(there: There, trusted: str) -> None:
    made, other = protected(make_latent(NOW_MS)), protected(make_latent(NOW_MS))
    stolen = replace(made.commit, signature=other.commit.signature)
    stranger = signer_of(b"\1" * 32)
    bare = replace(other.commit, signature=None)
    strange = stranger.sign(other.latent_id, other.manifest_bytes, bare)
    for latent, error in (
        (replace(made, commit=stolen), SignatureInvalid),
        (replace(other, commit=strange), KeyUnknown),
        (make_latent(NOW_MS), SignatureMissing),
    ):
        with pytest.raises(error):
            await there.run("latents", "verify", there.hold(latent), "--trusted", trusted)


# --- lineage and rm -------------------------------------------------------------------------


async def test_lineage_names_the_origin_and_every_reader(there: There) -> None:
    latent_id = there.hold(make_latent(NOW_MS))
    assert "nobody has used it" in await there.run("latents", "lineage", latent_id)
    there.broker.latents[latent_id].receipts.append(RECEIPT)
    told = await there.run("latents", "lineage", latent_id)
    assert "sharer   sharer" in told
    assert told.splitlines()[-1].split() == ["gemma", "g-1", "2025-10-09", "08:53:25Z"]
    document = json.loads(await there.run("latents", "lineage", latent_id, "--json"))
    assert document["receipts"] == [
        {"reader": "gemma", "generation": "g-1", "at_ms": RECEIPT.at_ms}
    ]
    assert document["latent"]["manifest"]["latent_id"] == latent_id


async def test_what_is_withdrawn_is_gone_and_whom_it_reached_is_told(there: There) -> None:
    read, unread = there.hold(make_latent(NOW_MS)), there.hold(make_latent(NOW_MS))
    there.broker.latents[read].receipts.append(RECEIPT)
    lines = (await there.run("latents", "rm", read, unread)).splitlines()
    assert lines[0] == f"{read} revoked; it had reached:"
    assert lines[2].split() == ["gemma", "g-1", "2025-10-09", "08:53:25Z"]
    assert lines[3] == f"{unread} revoked; it had reached nobody"
    assert not there.broker.latents


async def test_nothing_is_withdrawn_when_an_id_is_none(there: There) -> None:
    latent_id = there.hold(make_latent(NOW_MS))
    with pytest.raises(InvalidInput, match="ULID"):
        await there.run("latents", "rm", latent_id, "x")
    assert latent_id in there.broker.latents


# --- tail -----------------------------------------------------------------------------------


async def test_a_watcher_without_a_group_acknowledges_nothing(there: There) -> None:
    made = make_latent(NOW_MS)
    there.hold(made)
    told = await there.run("latents", "tail", "memos")
    assert told == f"{made.latent_id}  text, 3 frames, {made.commit.payload_bytes:,} bytes\n"
    assert there.broker.acknowledged == []


async def test_a_member_of_a_group_acknowledges_what_it_told(there: There) -> None:
    latent_ids = [there.hold(make_latent(NOW_MS)) for _ in range(2)]
    told = await there.run("latents", "tail", "memos", "--group", "g", "--consumer", "c")
    assert [line.split()[0] for line in told.splitlines()] == latent_ids
    assert there.broker.acknowledged == ["0", "1"]


async def test_a_dead_letter_says_why(there: There) -> None:
    there.hold(make_latent(NOW_MS, flow=FlowName("memos.dead")))
    there.broker.dead_letter = DeadLetter(
        flow=FlowName("memos"), group="g", deliveries=5, reason="never\x1b[2J acknowledged"
    )
    told = await there.run("latents", "tail", "memos.dead")
    expected = "given up for group g of flow memos after 5 attempts: never\\x1b[2J acknowledged\n"
    assert told.endswith(expected)


async def test_a_group_is_watched_under_a_name(there: There) -> None:
    with pytest.raises(InvalidInput, match="consumer"):
        await there.run("latents", "tail", "memos", "--consumer", "c")
