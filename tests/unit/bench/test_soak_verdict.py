"""What a soak's samples and ledger are taken for."""

from bench.soak.gauges import Sample
from bench.soak.ledger import Ledger
from bench.soak.soaking import Phase, Soaked
from bench.soak.verdict import problems
from latentflow.latent import LatentId
from tests.unit.bench.soak_course import COURSE


def test_a_broker_that_is_larger_than_when_it_started_has_not_grown() -> None:
    assert not list(problems(soaked(start=58, traffic=(100, 101), rest=(98, 99))))


def test_a_broker_that_needs_more_for_the_same_traffic_has_grown() -> None:
    (problem,) = problems(soaked(start=58, traffic=(100, 120), rest=(98, 99)))
    assert problem == "the broker's memory under traffic grew 1.20x from the first to the last"


def test_a_broker_that_rests_with_more_than_the_first_time_has_grown() -> None:
    (problem,) = problems(soaked(start=58, traffic=(100, 101), rest=(80, 96)))
    assert problem == "the broker's memory at rest grew 1.20x from the first to the last"


def test_traffic_that_nobody_came_to_read_is_told() -> None:
    ledger = Ledger()
    for number in range(10):
        ledger.to_read(LatentId(f"latent-{number}"))
    for number in range(9):
        ledger.read(LatentId(f"latent-{number}"))
    (problem,) = problems(soaked(start=58, traffic=(100, 100), rest=(90, 90), ledger=ledger))
    assert problem == "10.0% of the latents were not read: too much traffic"


def soaked(
    *,
    start: float,
    traffic: tuple[float, float],
    rest: tuple[float, float],
    ledger: Ledger | None = None,
) -> Soaked:
    """One second of start, then traffic and rest of 100 s each, twice."""
    levels = [start] * 2
    for under_traffic, at_rest in zip(traffic, rest, strict=True):
        levels += [under_traffic] * 100 + [at_rest] * 100
    return Soaked(
        course=COURSE,
        ledger=ledger or Ledger(),
        samples=[sample(second, mb) for second, mb in enumerate(levels)],
        phases=[phase(began=2.0), phase(began=202.0)],
        left={},
    )


def phase(*, began: float) -> Phase:
    return Phase(
        began=began,
        traffic_ended=began + 99.5,
        rest_began=began + 100.0,
        rested=began + 199.5,
        begun=10,
        has_caught_up=True,
        left={},
    )


def sample(second: int, broker_mb: float) -> Sample:
    return Sample(
        at_seconds=float(second),
        broker_mb=broker_mb,
        used_mb=1.0,
        clients_mb=0.0,
        keys=0,
        connections=1,
        committed=0,
    )
