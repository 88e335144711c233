"""What a soak has shown: its figures, and each of its promises that did not hold."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from bench.figures import Figure, Findings, figure
from bench.soak.course import BROKER_SETTINGS
from bench.soak.fates import LONGEST_LIFE_SECONDS
from bench.soak.gauges import Sample
from bench.soak.leftovers import Kind, outstaying
from bench.soak.soaking import Soaked
from services.broker.lifecycle import READING_MS

_LONGEST_LIFE_MS = 1000 * LONGEST_LIFE_SECONDS


def problems(soaked: Soaked) -> Iterator[str]:
    """A sentence each; none when the soak has passed."""
    ledger = soaked.ledger
    growth = _growth(soaked)
    if growth > 1 + soaked.course.growth:
        yield f"the broker's memory grew {growth:.2f}x from its warm-up to the end of traffic"
    if ledger.lost:
        yield f"{ledger.lost} of {ledger.counts['uses noted']} receipts are lost"
    if ledger.strange:
        yield f"{ledger.strange} receipts are of uses that nobody began"
    if not soaked.has_caught_up:
        yield "some group has not been given and acknowledged everything"
    for name, count in ledger.failures.items():
        yield f"{count} lives ended with {name}"
    yield from outstaying(soaked.left, longest_life_ms=_LONGEST_LIFE_MS)
    if _is_rested(soaked) and "frames" in soaked.left:
        yield f"{soaked.left['frames'].keys} latents still have frames"


def findings(soaked: Soaked) -> Findings:
    course, ledger = soaked.course, soaked.ledger
    return Findings(
        scenario="soak",
        setting={
            "flows": course.flows,
            "seconds": course.seconds,
            "warm_up_seconds": course.warm_up_seconds,
            "rest_seconds": course.rest_seconds,
            "broker": dict(BROKER_SETTINGS),
            "did": dict(sorted(ledger.counts.items())),
            "receipts lost": ledger.lost,
            "problems": list(problems(soaked)),
            "left after the rest": _told(soaked.rested_with),
            "left once listed": _told(soaked.left),
        },
        figures=list(_figures(soaked)),
    )


def _figures(soaked: Soaked) -> Iterator[Figure]:
    for name, samples in (
        ("after warm-up", _after_warm_up(soaked)),
        ("at the end of traffic", _at_end_of_traffic(soaked)),
        ("at the end", _at_end(soaked)),
    ):
        yield figure(f"broker {name}", [each.broker_mb for each in samples], "MB")
        yield figure(f"store {name}", [each.used_mb for each in samples], "MB")
    most = 1 + soaked.course.growth
    yield figure("growth of the broker", [_growth(soaked)], "x", at_most=most)
    yield figure("store before anything", [soaked.samples[0].used_mb], "MB")
    yield figure("store, most", [max(each.used_mb for each in soaked.samples)], "MB")
    begun = soaked.ledger.counts["latents begun"]
    for name, kinds in (("after the rest", soaked.rested_with), ("once listed", soaked.left)):
        yield figure(f"left a latent {name}", [1e6 * _mb(kinds) / begun], "bytes")
    yield figure("store at the end, neither base nor keys", [_unexplained_mb(soaked)], "MB")


def _growth(soaked: Soaked) -> float:
    """Under the same traffic at both ends: at rest it holds less anyway."""
    return _broker_mb(_at_end_of_traffic(soaked)) / _broker_mb(_after_warm_up(soaked))


def _unexplained_mb(soaked: Soaked) -> float:
    first, last = soaked.samples[0], soaked.samples[-1]
    connections_mb = last.clients_mb - first.clients_mb
    return last.used_mb - first.used_mb - connections_mb - _mb(soaked.left)


def _after_warm_up(soaked: Soaked) -> Sequence[Sample]:
    return _window(soaked, until=soaked.course.warm_up_seconds + soaked.course.window_seconds)


def _at_end_of_traffic(soaked: Soaked) -> Sequence[Sample]:
    return _window(soaked, until=soaked.traffic_ended)


def _at_end(soaked: Soaked) -> Sequence[Sample]:
    return _window(soaked, until=soaked.samples[-1].at_seconds)


def _window(soaked: Soaked, *, until: float) -> Sequence[Sample]:
    since = until - soaked.course.window_seconds
    return [each for each in soaked.samples if since <= each.at_seconds <= until]


def _is_rested(soaked: Soaked) -> bool:
    return 1000 * soaked.course.rest_seconds > _LONGEST_LIFE_MS + READING_MS


def _broker_mb(samples: Sequence[Sample]) -> float:
    return median(each.broker_mb for each in samples)


def _mb(kinds: Mapping[str, Kind]) -> float:
    return sum(kind.mb for kind in kinds.values())


def _told(kinds: Mapping[str, Kind]) -> Mapping[str, object]:
    return {
        name: {
            "keys": kind.keys,
            "mb": round(kind.mb, 3),
            "gone within seconds": round(kind.longest_ms / 1000),
        }
        for name, kind in kinds.items()
    }
