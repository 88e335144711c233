"""What the broker counts; knows metrics' names, and none of its callers."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from opentelemetry.metrics import Meter

from latentflow.rpc import conventions, metric_names
from latentflow.rpc.instruments import counter, plain_gauge, up_down_counter

_INCOMING = {conventions.IO_DIRECTION: conventions.INCOMING}
_OUTGOING = {conventions.IO_DIRECTION: conventions.OUTGOING}
_COMMITTED = {conventions.LATENT_STATE: "committed"}
_ABORTED = {conventions.LATENT_STATE: "aborted"}
_ABANDONED = {conventions.LATENT_STATE: "abandoned"}
_NEW = {conventions.DELIVERY: "new"}
_AGAIN = {conventions.DELIVERY: "again"}


class BrokerMetrics:
    """Of this process alone, whichever brokers share its store."""

    def __init__(self, meter: Meter) -> None:
        self._io = counter(meter, metric_names.BROKER_IO)
        self._latents = counter(meter, metric_names.LATENTS)
        self._uploads = up_down_counter(meter, metric_names.UPLOADS)
        self._deliveries = counter(meter, metric_names.DELIVERIES)
        self._dead_letters = counter(meter, metric_names.DEAD_LETTERS)
        # From 0 on: Prometheus sees no increase in a counter that begins at 1.
        self._dead_letters.add(0)

    def received(self, amount: int) -> None:
        """Bytes from a publisher."""
        self._io.add(amount, _INCOMING)

    def sent(self, amount: int) -> None:
        """Bytes on their way to a reader."""
        self._io.add(amount, _OUTGOING)

    @contextmanager
    def upload(self) -> Iterator[None]:
        """For as long as a publisher's call lasts."""
        self._uploads.add(1)
        try:
            yield
        finally:
            self._uploads.add(-1)

    def committed(self) -> None:
        self._latents.add(1, _COMMITTED)

    def aborted(self) -> None:
        """Its publisher said so."""
        self._latents.add(1, _ABORTED)

    def abandoned(self) -> None:
        """Its publisher says nothing any more."""
        self._latents.add(1, _ABANDONED)

    def given(self, deliveries: int) -> None:
        """To a member of a group, for the first time."""
        self._deliveries.add(deliveries, _NEW)

    def given_again(self, deliveries: int) -> None:
        self._deliveries.add(deliveries, _AGAIN)

    def dead_letter(self) -> None:
        self._dead_letters.add(1)


def observe_breaker(meter: Meter, is_open: Callable[[], bool]) -> None:
    plain_gauge(meter, metric_names.BREAKER_OPEN, is_open)
