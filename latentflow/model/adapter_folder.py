"""Every adapter of a folder that a loaded model can use, and why it can't use the others.

Knows neither halves nor methods: what loads one adapter is handed in.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from latentflow.calls import AdapterInfo
from latentflow.errors import IdentityMismatch, UnsupportedMethod
from latentflow.latent import Digest
from latentflow.model.adapter_file import AdapterHeader
from latentflow.model.adapters import find_adapters

_log = logging.getLogger(__name__)


class Adapter(Protocol):
    """What the two halves have in common."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> Digest: ...
    @property
    def header(self) -> AdapterHeader: ...


Half = TypeVar("Half", bound=Adapter)


def load_fitting(folder: Path, load: Callable[[str, Path], Half]) -> dict[str, Half]:
    """The adapters under `folder` by name; one made for another model is skipped with a warning,
    one of a method that is not served with a remark.

    Raises UnknownAdapter without such a folder, AdapterCorrupt.
    """
    loaded = {}
    for name, path in find_adapters(folder).items():
        try:
            loaded[name] = load(name, path)
        except UnsupportedMethod as error:
            _log.info("adapter %s is of the method %s, which is not served", name, error.method)
        except IdentityMismatch as error:
            _log.warning("adapter %s is not for this model: %s", name, error)
    return loaded


def describe_adapter(adapter: Adapter) -> AdapterInfo:
    """What a service tells of an adapter it holds."""
    header = adapter.header
    return AdapterInfo(
        name=adapter.name,
        digest=adapter.digest,
        method=header.method,
        sharer=header.sharer,
        receiver=header.receiver,
    )
