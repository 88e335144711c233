"""The wire codec alone: packing, framing and zstd, opening and verifying, unpacking.

MB/s of pack and unpack count float32 values, those of frames and open the packed stream.
"""

from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.figures import Figure, Findings, Stopwatch, figure, throughput
from bench.latents import manifest_for, unit_vectors
from latentflow.cli.settings import Settings
from latentflow.latent import Commit, Frame, Manifest
from latentflow.quantisation import Quantisation
from latentflow.vectors import Vectors
from latentflow.wire.manifests import manifest_to_bytes
from latentflow.wire.quantise import pack, unpack
from latentflow.wire.stream import StreamReader, seal

_SLOTS = (95, 1000)
_WIDTH = 256
_QUANTISATIONS = (Quantisation.INT8, Quantisation.FLOAT16, Quantisation.GRADED2)
_RUNS = 200
_WARM_UP_RUNS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One latent in every form it takes on its way."""

    manifest: Manifest
    manifest_bytes: bytes
    vectors: Vectors
    stream: bytes
    frames: list[Frame]
    commit: Commit

    @property
    def name(self) -> str:
        layout = self.manifest.layout
        return f"{self.manifest.codec.quantisation} {layout.slots}x{layout.width}"

    @property
    def payload_bytes(self) -> int:
        return self.commit.payload_bytes


def run(_arguments: Namespace, _settings: Settings) -> Findings:
    subjects = [_subject(slots, kind) for slots in _SLOTS for kind in _QUANTISATIONS]
    return Findings(
        scenario="codec",
        setting={
            "values": "standard normal, float32",
            "zstd_level": subjects[0].manifest.codec.zstd_level,
            "pack, unpack": "MB/s of float32 values",
            "frames+zstd, open+verify": "MB/s of the packed stream",
        },
        figures=[each for subject in subjects for each in _figures(subject)],
    )


def _subject(slots: int, quantisation: Quantisation) -> Subject:
    vectors = unit_vectors(slots, _WIDTH)
    manifest = manifest_for(vectors.layout, quantisation)
    manifest_bytes = manifest_to_bytes(manifest)
    stream = pack(vectors, quantisation)
    frames, commit = seal(manifest_bytes, [stream])
    return Subject(
        manifest=manifest,
        manifest_bytes=manifest_bytes,
        vectors=vectors,
        stream=stream,
        frames=frames,
        commit=commit,
    )


def _figures(subject: Subject) -> Iterator[Figure]:
    values_bytes, stream_bytes = len(subject.vectors.values), len(subject.stream)
    for step, work, amount_bytes in (
        ("pack", _pack, values_bytes),
        ("frames+zstd", _seal, stream_bytes),
        ("open+verify", _open, stream_bytes),
        ("unpack", _unpack, values_bytes),
    ):
        yield throughput(f"{subject.name}: {step}", _timed(work, subject), amount_bytes)
    zstd, whole = subject.payload_bytes / stream_bytes, subject.payload_bytes / values_bytes
    yield figure(f"{subject.name}: payload to packed", [zstd], "x")
    yield figure(f"{subject.name}: payload to float32", [whole], "x")


def _timed(work: Callable[[Subject], object], subject: Subject) -> list[float]:
    seconds = []
    for _ in range(_WARM_UP_RUNS + _RUNS):
        watch = Stopwatch()
        work(subject)
        seconds.append(watch.lap())
    return seconds[_WARM_UP_RUNS:]


def _pack(subject: Subject) -> object:
    return pack(subject.vectors, subject.manifest.codec.quantisation)


def _seal(subject: Subject) -> object:
    return seal(subject.manifest_bytes, [subject.stream])


def _open(subject: Subject) -> object:
    """As a receiver does: CRC-32C of each frame, zstd, then the commit's counts and SHA-256."""
    reader = StreamReader(subject.manifest_bytes)
    for frame in subject.frames:
        reader.add(frame)
    return reader.finish(subject.commit)


def _unpack(subject: Subject) -> object:
    return unpack(subject.stream, subject.manifest.layout, subject.manifest.codec)
