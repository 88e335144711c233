"""The plot of a soak: memory of broker and store over time, above what was going on."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from bench.soak.soaking import Soaked

_INCHES = (9.0, 7.0)
_DOTS_AN_INCH = 100


def draw(soaked: Soaked, path: Path) -> None:
    figure = Figure(figsize=_INCHES, dpi=_DOTS_AN_INCH, layout="constrained")
    memory, keys, latents = figure.subplots(3, 1, sharex=True, height_ratios=(2, 1, 1))
    seconds = [each.at_seconds for each in soaked.samples]
    memory.plot(seconds, [each.broker_mb for each in soaked.samples], label="broker, resident")
    memory.plot(seconds, [each.used_mb for each in soaked.samples], label="Valkey, used_memory")
    memory.set(ylabel="MB", ylim=(0, None), title=f"{soaked.course.flows} flows")
    keys.plot(seconds, [each.keys for each in soaked.samples], color="tab:green", label="keys")
    latents.plot(
        seconds, [each.committed for each in soaked.samples], color="tab:gray", label="committed"
    )
    latents.set(xlabel="seconds")
    for axes in (memory, keys, latents):
        _mark(axes, soaked)
        axes.grid(alpha=0.3)
        axes.legend(loc="center right")
    figure.savefig(path)


def _mark(axes: Any, soaked: Soaked) -> None:
    """Where traffic ends, and where a rest does."""
    for phase in soaked.phases:
        for at_seconds in (phase.traffic_ended, phase.rested):
            axes.axvline(at_seconds, color="black", linewidth=0.8, linestyle=":")
