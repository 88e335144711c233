"""No spoilt stream is taken for the original; `make faults` spoils a hundred thousand."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from tests.faults.mutated import Outcomes, read_mutated, read_protected
from tests.faults.mutation import MUTATIONS

SEEDS = range(3000)


@pytest.mark.parametrize("read", [read_mutated, read_protected], ids=["plain", "protected"])
async def test_spoilt_streams_are_refused_by_errors_of_ours(
    read: Callable[[Sequence[int]], Awaitable[Outcomes]],
) -> None:
    outcomes = await read(SEEDS)
    assert outcomes.violations == []
    assert outcomes.count == len(SEEDS)
    assert {kind for kind, _ in outcomes.refused} == set(MUTATIONS)
    assert outcomes.unchanged.total() < len(SEEDS) // 10
