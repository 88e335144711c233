"""What the receiver counts and measures; knows metrics' names, and none of its callers."""

from collections.abc import Callable, Mapping
from functools import partial

from opentelemetry.metrics import Meter

from latentflow.calls import LatentOutcome
from latentflow.model.footprint import allocated_bytes, weight_bytes
from latentflow.rpc import conventions, metric_names
from latentflow.rpc.instruments import counter, gauge_by, histogram, plain_gauge
from services.receiver.budget import MemoryBudget
from services.receiver.fidelity import Fidelity
from services.receiver.resident import Resident


class ReceiverMetrics:
    """Of the answers of one model. Each method is called in the span of what it measures; `batch`,
    which measures several calls, in that of one of them.
    """

    def __init__(self, meter: Meter, *, model: str) -> None:
        self._known = {
            conventions.GEN_AI_OPERATION: conventions.TEXT_COMPLETION,
            conventions.GEN_AI_PROVIDER: conventions.LATENTFLOW,
            conventions.GEN_AI_REQUEST_MODEL: model,
        }
        self._outcomes = counter(meter, metric_names.OUTCOMES)
        self._latent_size = histogram(meter, metric_names.LATENT_SIZE)
        self._batch_size = histogram(meter, metric_names.BATCH_SIZE)
        self._prefill_tokens = histogram(meter, metric_names.PREFILL_TOKENS)
        self._first_token = histogram(meter, metric_names.TIME_TO_FIRST_TOKEN)
        self._output_token = histogram(meter, metric_names.TIME_PER_OUTPUT_TOKEN)

    def latent(self, outcome: LatentOutcome) -> None:
        """What became of one; its bytes, where it was fetched."""
        what = {conventions.OUTCOME: outcome.outcome.value}
        if outcome.wire_bytes:
            self._latent_size.record(outcome.wire_bytes, what)
        if outcome.reason:
            what[conventions.ERROR_REASON] = outcome.reason
        self._outcomes.add(1, what)

    def batch(self, rows: int) -> None:
        self._batch_size.record(rows)

    def prefilled(self, tokens: int) -> None:
        self._prefill_tokens.record(tokens)

    def first_token(self, seconds: float) -> None:
        """`seconds` since the call began."""
        self._first_token.record(seconds, self._known)

    def last_token(self, seconds: float, *, tokens: int) -> None:
        """`seconds` since the first of `tokens`."""
        if tokens > 1:
            self._output_token.record(seconds / (tokens - 1), self._known)


class ShadowMetrics:
    """Of the comparisons of answers by latent with answers by text."""

    def __init__(self, meter: Meter) -> None:
        self._agreement = histogram(meter, metric_names.AGREEMENT)
        self._failures = counter(meter, metric_names.SHADOW_FAILURES)

    def compared(self, adapter: str, agreement: float) -> None:
        """Called in the span of the shadow."""
        self._agreement.record(agreement, {conventions.ADAPTER: adapter})

    def failed(self, reason: str) -> None:
        self._failures.add(1, {conventions.ERROR_REASON: reason})


def observe_routes(meter: Meter, fidelity: Fidelity) -> None:
    demoted = {each: partial(fidelity.is_demoted, each) for each in fidelity.adapters}
    gauge_by(meter, metric_names.ROUTE_DEMOTED, conventions.ADAPTER, demoted)


def observe_memory(
    meter: Meter,
    resident: Resident,
    budgets: Mapping[str, MemoryBudget],
    *,
    answers: Callable[[], int],
) -> None:
    """Weights are counted once: they stay. `budgets` are by what is held; `answers` counts the
    caches of what is answered.
    """
    device = resident.backbone.device
    weights = weight_bytes(resident.backbone.model)
    adapters = sum(weight_bytes(adapter.decoder) for adapter in resident.adapters.values())
    used: dict[str, Callable[[], float]] = {
        "weights": lambda: weights,
        "adapters": lambda: adapters,
        "answers": answers,
        **{use: partial(_taken, budget) for use, budget in budgets.items()},
    }
    limits = {use: partial(_limit, budget) for use, budget in budgets.items()}
    gauge_by(meter, metric_names.MEMORY_USED, conventions.MEMORY_USE, used)
    gauge_by(meter, metric_names.MEMORY_LIMIT, conventions.MEMORY_USE, limits)
    if device.type == "cuda":
        plain_gauge(meter, metric_names.MEMORY_ALLOCATED, lambda: allocated_bytes(device))


def _taken(budget: MemoryBudget) -> int:
    return budget.taken_bytes


def _limit(budget: MemoryBudget) -> int:
    return budget.limit_bytes
