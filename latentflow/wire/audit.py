"""Hears one latent from manifest to commit and says what held; keeps nothing of it.

Needs no keys: of a sealed latent it hears the outside.
"""

from dataclasses import dataclass

from latentflow.errors import MessageMalformed
from latentflow.latent import Commit, Frame, Manifest
from latentflow.relay import Open, StreamStep
from latentflow.wire.stream import StreamCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """A latent whose every frame and whose commit were found to be right."""

    manifest: Manifest
    commit: Commit


class Audit:
    """Takes each step once, in order."""

    def __init__(self) -> None:
        self._check: StreamCheck | None = None
        self._commit: Commit | None = None

    def hear(self, step: StreamStep) -> None:
        """Raises MessageMalformed unless the manifest comes first and once, or as `StreamCheck`."""
        match step:
            case Open():
                self._open(step.manifest_bytes)
            case Frame():
                self._opened().add(step)
            case Commit():
                self._opened().finish(step)
                self._commit = step

    def verdict(self) -> Audited:
        """Raises MessageMalformed unless the commit came."""
        if self._commit is None:
            raise MessageMalformed(field="commit", problem="never came")
        return Audited(manifest=self._opened().manifest, commit=self._commit)

    def _open(self, manifest_bytes: bytes) -> None:
        if self._check is not None:
            raise MessageMalformed(field="manifest", problem="comes twice")
        self._check = StreamCheck(manifest_bytes)

    def _opened(self) -> StreamCheck:
        if self._check is None:
            raise MessageMalformed(field="manifest", problem="does not come first")
        return self._check
