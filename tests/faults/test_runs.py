"""A few runs with faults; `make faults` does the hundreds that count."""

import time

from tests.faults.plan import Stand, draw_plan
from tests.faults.stage import open_stage
from tests.faults.trial import run

# One each: a store that is killed, a bit that is flipped, a publisher that is killed, a connection
# that is cut, a broker that is killed.
SEEDS = (1, 5, 12, 15, 25)


async def test_every_latent_is_committed_everywhere_or_failed_for_all() -> None:
    async with open_stage() as stage:
        for seed in SEEDS:
            report = await run(stage, draw_plan(seed, time.time_ns() // 1_000_000))
            assert not report.violations, report.plan


async def test_so_it_is_when_a_replica_that_lags_takes_over() -> None:
    async with open_stage(Stand.CLUSTER) as stage:
        plan = draw_plan(8, time.time_ns() // 1_000_000, Stand.CLUSTER)
        assert not (await run(stage, plan)).violations, plan
