"""What the sharer counts and measures; knows metrics' names, and none of its callers."""

from collections.abc import Callable

from opentelemetry.metrics import Meter

from latentflow.latent import Method
from latentflow.model.footprint import allocated_bytes, weight_bytes
from latentflow.rpc import conventions, metric_names
from latentflow.rpc.instruments import gauge_by, histogram, plain_gauge
from services.sharer.resident import Resident


class SharerMetrics:
    """Each method is called in the span of what it measures."""

    def __init__(self, meter: Meter) -> None:
        self._prefill_tokens = histogram(meter, metric_names.PREFILL_TOKENS)
        self._latent_size = histogram(meter, metric_names.LATENT_SIZE)
        self._cache_ratio = histogram(meter, metric_names.CACHE_RATIO)
        self._text_ratio = histogram(meter, metric_names.TEXT_RATIO)

    def prefilled(self, tokens: int) -> None:
        self._prefill_tokens.record(tokens)

    def published(
        self, method: Method, wire_bytes: int, *, cache_bytes: int, context_bytes: int
    ) -> None:
        """A latent, and the sizes of what it stands for."""
        what = {conventions.METHOD: method.value}
        self._latent_size.record(wire_bytes, what)
        self._cache_ratio.record(wire_bytes / cache_bytes, what)
        self._text_ratio.record(wire_bytes / context_bytes, what)


def observe_memory(meter: Meter, resident: Resident, *, prefill: Callable[[], int]) -> None:
    """Weights are counted once: they stay. `prefill` counts the cache of what is read."""
    device = resident.backbone.device
    weights = weight_bytes(resident.backbone.model)
    adapters = sum(weight_bytes(adapter.encoder) for adapter in resident.adapters.values())
    used = {"weights": lambda: weights, "adapters": lambda: adapters, "prefill": prefill}
    gauge_by(meter, metric_names.MEMORY_USED, conventions.MEMORY_USE, used)
    if device.type == "cuda":
        plain_gauge(meter, metric_names.MEMORY_ALLOCATED, lambda: allocated_bytes(device))
