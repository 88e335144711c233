"""Where the command line keeps and finds things, read from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import latentflow

_CHECKOUT = Path(latentflow.__file__).parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`cache` is LATENTFLOW_CACHE, `adapters` LATENTFLOW_ADAPTERS; `environment` the children's."""

    cache: Path
    adapters: Path
    environment: Mapping[str, str]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        cache = environment.get("LATENTFLOW_CACHE") or Path.home() / ".cache" / "latentflow"
        adapters = environment.get("LATENTFLOW_ADAPTERS") or _CHECKOUT / "adapters"
        return cls(
            cache=Path(cache).absolute(),
            adapters=Path(adapters).absolute(),
            environment=dict(environment),
        )

    @property
    def models(self) -> Path:
        return self.cache / "models"

    @property
    def stack_file(self) -> Path:
        """Tells other terminals where the stack of `latentflow up` listens."""
        return self.cache / "stack.json"
