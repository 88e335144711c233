"""Bytes that were once on the wire keep their meaning, and the same meaning the same bytes."""

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from latentflow.latent import Commit
from latentflow.v1 import latent_pb2
from latentflow.wire.guard import WITHOUT_KEYS, Guard
from latentflow.wire.latents import commit_from_proto, frame_from_proto
from latentflow.wire.quantise import unpack
from latentflow.wire.stream import StreamReader
from latentflow.wire.text import read_text
from tests.golden.latent_values import LATENT_ID, SECRET, SIGNING_SEED, STREAM, TEXT, VECTORS
from tests.golden.messages import GOLDEN
from tests.keys import guard_of, signer_of

FOLDER = Path(__file__).parent / "v1"


def golden_bytes(name: str) -> bytes:
    return (FOLDER / f"{name}.bin").read_bytes()


def reader_of(manifest: str, frames: list[str], guard: Guard = WITHOUT_KEYS) -> StreamReader:
    reader = StreamReader(golden_bytes(manifest), guard)
    for name in frames:
        reader.add(frame_from_proto(latent_pb2.Frame.FromString(golden_bytes(name))))
    return reader


def commit_of(name: str) -> Commit:
    return commit_from_proto(latent_pb2.Commit.FromString(golden_bytes(name)))


def test_every_golden_file_is_read_here() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.bin" for name in GOLDEN}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_bytes_decode_to_what_they_said(name: str) -> None:
    assert GOLDEN[name].decode(golden_bytes(name)) == GOLDEN[name].value


@pytest.mark.parametrize("name", GOLDEN)
def test_what_they_said_encodes_to_the_golden_bytes(name: str) -> None:
    assert GOLDEN[name].encode(GOLDEN[name].value) == golden_bytes(name)


def test_the_golden_latent_reads_to_its_vectors() -> None:
    reader = reader_of("manifest_lcf_prefix", ["frame_0", "frame_1"])
    stream = reader.finish(commit_of("commit"))
    assert stream == STREAM
    unpacked = unpack(stream, reader.manifest.layout, reader.manifest.codec)
    assert struct.unpack("<8f", unpacked.values) == VECTORS


def test_the_golden_text_reads_to_its_words() -> None:
    reader = reader_of("manifest_text", ["frame_text"])
    assert read_text(reader.finish(commit_of("commit_text"))) == TEXT


def test_the_golden_sealed_latent_reads_to_the_same_stream() -> None:
    guard = guard_of({"2026-11": SECRET}, signers=[signer_of(SIGNING_SEED)])
    reader = reader_of("manifest_sealed", ["frame_sealed_0", "frame_sealed_1"], guard)
    assert reader.finish(commit_of("commit_signed")) == STREAM


def test_the_golden_signature_is_made_again_alike() -> None:
    signed = commit_of("commit_signed")
    bare = replace(signed, signature=None)
    signer = signer_of(SIGNING_SEED)
    assert signer.sign(LATENT_ID, golden_bytes("manifest_sealed"), bare) == signed
