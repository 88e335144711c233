"""No spoilt stream is taken for the original; `make faults` spoils a hundred thousand."""

from tests.faults.mutated import read_mutated
from tests.faults.mutation import MUTATIONS

SEEDS = range(3000)


async def test_spoilt_streams_are_refused_by_errors_of_ours() -> None:
    outcomes = await read_mutated(SEEDS)
    assert outcomes.violations == []
    assert outcomes.count == len(SEEDS)
    assert {kind for kind, _ in outcomes.refused} == set(MUTATIONS)
    assert outcomes.unchanged.total() < len(SEEDS) // 10
