"""What a process tells of its work: a tracer, a meter, and how both end.

Handed on from the composition root; knows no exporter.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from opentelemetry.metrics import Meter, NoOpMeter
from opentelemetry.trace import NoOpTracer, Tracer

SCOPE = "latentflow"

Closer = Callable[[], object]
Closers = tuple[Closer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """`closers` send what is left. By default nothing is recorded."""

    tracer: Tracer = field(default_factory=NoOpTracer)
    meter: Meter = field(default_factory=lambda: NoOpMeter(SCOPE))
    closers: Closers = ()

    @property
    def is_metered(self) -> bool:
        """Whether anybody reads the metrics."""
        return not isinstance(self.meter, NoOpMeter)

    def shutdown(self) -> None:
        """Blocks for the longest of the closers: all close at once."""
        with ThreadPoolExecutor(max_workers=len(self.closers) or 1) as threads:
            for closed in [threads.submit(close) for close in self.closers]:
                closed.result()


SILENT = Telemetry()
