"""What a soak has shown: its figures, and each of its promises that did not hold."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from bench.figures import Figure, Findings, figure
from bench.soak.course import BROKER_SETTINGS
from bench.soak.fates import LONGEST_LIFE_SECONDS
from bench.soak.gauges import Sample
from bench.soak.leftovers import Kind, outstaying
from bench.soak.soaking import Phase, Soaked
from services.broker.lifecycle import READING_MS

# Some live no longer than a member that was cut off keeps its deliveries from the others.
_MOST_UNREAD = 0.01
_LONGEST_LIFE_MS = 1000 * LONGEST_LIFE_SECONDS


def problems(soaked: Soaked) -> Iterator[str]:
    """A sentence each; none when the soak has passed."""
    ledger = soaked.ledger
    for when, growth in _growths(soaked).items():
        if growth > 1 + soaked.course.growth:
            yield f"the broker's memory {when} grew {growth:.2f}x from the first to the last"
    if ledger.lost:
        yield f"{ledger.lost} of {ledger.counts['uses noted']} receipts are lost"
    if ledger.strange:
        yield f"{ledger.strange} receipts are of uses that nobody began"
    if ledger.unread_share > _MOST_UNREAD:
        yield f"{100 * ledger.unread_share:.1f}% of the latents were not read: too much traffic"
    for name, count in ledger.failures.items():
        yield f"{count} lives ended with {name}"
    for phase in soaked.phases:
        yield from _unfinished(phase, is_rested=_is_rested(soaked))
    yield from outstaying(soaked.left, longest_life_ms=_LONGEST_LIFE_MS)


def _unfinished(phase: Phase, *, is_rested: bool) -> Iterator[str]:
    if not phase.has_caught_up:
        yield "some group has not been given and acknowledged everything"
    if is_rested and "frames" in phase.left:
        yield f"{phase.left['frames'].keys} latents still have frames"


def findings(soaked: Soaked) -> Findings:
    course, ledger = soaked.course, soaked.ledger
    return Findings(
        scenario="soak",
        setting={
            "flows": course.flows,
            "seconds": course.seconds,
            "phases": len(soaked.phases),
            "period_seconds": course.period_seconds,
            "rest_seconds": course.rest_seconds,
            "broker": dict(BROKER_SETTINGS),
            "did": dict(sorted(ledger.counts.items())),
            "receipts lost": ledger.lost,
            "problems": list(problems(soaked)),
            "left after each rest": [_told(phase.left) for phase in soaked.phases],
            "left once listed": _told(soaked.left),
        },
        figures=list(_figures(soaked)),
    )


def _figures(soaked: Soaked) -> Iterator[Figure]:
    yield figure("broker before anything", [soaked.samples[0].broker_mb], "MB")
    yield figure("store before anything", [soaked.samples[0].used_mb], "MB")
    for number, phase in enumerate(soaked.phases, start=1):
        for when, samples in _compared(soaked, phase).items():
            yield figure(f"broker {when} {number}", [each.broker_mb for each in samples], "MB")
            yield figure(f"store {when} {number}", [each.used_mb for each in samples], "MB")
        yield figure(f"left a latent at rest {number}", [_left_bytes(phase)], "bytes")
    most = 1 + soaked.course.growth
    for when, growth in _growths(soaked).items():
        yield figure(f"growth of the broker {when}", [growth], "x", at_most=most)
    yield figure("store, most", [max(each.used_mb for each in soaked.samples)], "MB")
    unread = 100 * soaked.ledger.unread_share
    yield figure("latents not read", [unread], "%", at_most=100 * _MOST_UNREAD)
    once_listed = 1e6 * _mb(soaked.left) / soaked.ledger.counts["latents begun"]
    yield figure("left a latent once listed", [once_listed], "bytes")
    yield figure("store at the end, neither base nor keys", [_unexplained_mb(soaked)], "MB")


def _growths(soaked: Soaked) -> Mapping[str, float]:
    """From the first phase to the last, like with like.

    The base is the first traffic and the rest after it, not the process as it started: what
    Python and gRPC have freed they keep for the next time.
    """
    first, last = (_compared(soaked, soaked.phases[place]) for place in (0, -1))
    return {when: _broker_mb(last[when]) / _broker_mb(first[when]) for when in first}


def _compared(soaked: Soaked, phase: Phase) -> Mapping[str, Sequence[Sample]]:
    return {
        "under traffic": _last_quarter(soaked, phase.began, phase.traffic_ended),
        "at rest": _last_quarter(soaked, phase.rest_began, phase.rested),
    }


def _last_quarter(soaked: Soaked, began: float, ended: float) -> Sequence[Sample]:
    """At least three samples, as there are in a short run too."""
    since = min(ended - (ended - began) / 4, ended - 3 * soaked.course.sample_seconds)
    return [each for each in soaked.samples if since <= each.at_seconds <= ended]


def _left_bytes(phase: Phase) -> float:
    return 1e6 * _mb(phase.left) / phase.begun


def _unexplained_mb(soaked: Soaked) -> float:
    first, last = soaked.samples[0], soaked.samples[-1]
    connections_mb = last.clients_mb - first.clients_mb
    return last.used_mb - first.used_mb - connections_mb - _mb(soaked.left)


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
