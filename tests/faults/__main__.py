"""`python -m tests.faults`: spoils streams, breaks connections, kills parts; prints the counts.

Exits with 1 when a stream was accepted that is not the original, or a latent ended as anything but
committed at every reader or reported failed to all.
"""

import asyncio
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping

from tests.faults.mutated import read_mutated
from tests.faults.plan import Plan, Stand, draw_plan
from tests.faults.stage import open_stage
from tests.faults.stores import is_here
from tests.faults.tally import Tally, describe, mutation_table
from tests.faults.trial import run

# A few more than the 300 and 100,000 that count: some faults come too late to strike, and some
# mutations change nothing.
DEFAULT_RUNS = {Stand.VALKEY: 320, Stand.REDIS: 20, Stand.SENTINELS: 20, Stand.CLUSTER: 20}
DEFAULT_MUTATIONS = 110_000
# Stages that work side by side: most of a run is waiting.
_STAGES = 2


def main() -> int:
    arguments = _arguments()
    seed = arguments.seed
    outcomes = asyncio.run(read_mutated(range(seed, seed + arguments.mutations)))
    if arguments.mutations:
        print(mutation_table(outcomes), flush=True)
    tally = asyncio.run(_run_all(_runs(arguments), seed, say_each=arguments.each))
    if tally.runs:
        print(tally.table())
    return 1 if outcomes.violations or tally.violations else 0


def _runs(arguments: Namespace) -> Mapping[Stand, int]:
    """How many at each store. Says which it leaves out."""
    wanted = DEFAULT_RUNS if arguments.runs is None else {arguments.stand: arguments.runs}
    for stand in wanted:
        if not is_here(stand):
            print(f"no server for {stand} on this machine: {wanted[stand]} runs skipped")
    return {stand: runs for stand, runs in wanted.items() if is_here(stand)}


async def _run_all(wanted: Mapping[Stand, int], seed: int, *, say_each: bool) -> Tally:
    tally = Tally()
    for stand, runs in wanted.items():
        plans = _plans(stand, range(seed, seed + runs))
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(_STAGES, runs)):
                tasks.create_task(_run_some(stand, plans, tally, say_each=say_each))
    return tally


def _plans(stand: Stand, seeds: range) -> Iterator[Plan]:
    """Each drawn when its run begins, for its latents' times."""
    return (draw_plan(seed, time.time_ns() // 1_000_000, stand) for seed in seeds)


async def _run_some(stand: Stand, plans: Iterator[Plan], tally: Tally, *, say_each: bool) -> None:
    async with open_stage(stand) as stage:
        for plan in plans:
            report = await run(stage, plan)
            tally.add(report)
            if say_each or report.violations:
                print(describe(report), flush=True)
            if report.violations:
                print("\n".join(stage.broker.log), file=sys.stderr)


def _arguments() -> Namespace:
    parser = ArgumentParser(
        prog="faults",
        description="Breaks connections and kills parts over RUNS, and spoils MUTATIONS streams.",
        epilog="With one of --runs and --mutations the other is 0.",
    )
    usual = ", ".join(f"{runs} at {stand}" for stand, runs in DEFAULT_RUNS.items())
    parser.add_argument("--runs", type=int, help=f"{usual} unless told otherwise")
    parser.add_argument(
        "--stand",
        type=Stand,
        choices=list(Stand),
        default=Stand.VALKEY,
        help="the store of RUNS, valkey unless told otherwise",
    )
    parser.add_argument("--mutations", type=int, help=f"{DEFAULT_MUTATIONS} unless told otherwise")
    parser.add_argument("--seed", type=int, default=1, help="of the first; the next is one up")
    parser.add_argument("--each", action="store_true", help="tell of every run")
    arguments = parser.parse_args()
    if arguments.runs is None and arguments.mutations is None:
        arguments.mutations = DEFAULT_MUTATIONS
    elif arguments.runs is None:
        arguments.runs = 0
    arguments.mutations = arguments.mutations or 0
    return arguments


if __name__ == "__main__":
    sys.exit(main())
