"""`python -m tests.faults`: spoils streams, breaks connections, kills parts; prints the counts.

Exits with 1 when a stream was accepted that is not the original, or a latent ended as anything but
committed at every reader or reported failed to all.
"""

import asyncio
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from tests.faults.mutated import read_mutated, read_protected
from tests.faults.plan import Plan, draw_plan
from tests.faults.stage import open_stage
from tests.faults.tally import Tally, describe, mutation_table
from tests.faults.trial import run

# A few more than the 300 and 100,000 that count: some faults come too late to strike, and some
# mutations change nothing.
DEFAULT_RUNS = 320
DEFAULT_MUTATIONS = 110_000
# Stages that work side by side: most of a run is waiting.
_STAGES = 2


def main() -> int:
    arguments = _arguments()
    seed = arguments.seed
    seeds = range(seed, seed + arguments.mutations)
    plain, protected = asyncio.run(read_mutated(seeds)), asyncio.run(read_protected(seeds))
    if arguments.mutations:
        print(mutation_table(plain), flush=True)
        print(f"sealed and signed\n{mutation_table(protected)}", flush=True)
    tally = asyncio.run(_run_all(arguments.runs, seed, say_each=arguments.each))
    if arguments.runs:
        print(tally.table())
    return 1 if plain.violations or protected.violations or tally.violations else 0


async def _run_all(runs: int, seed: int, *, say_each: bool) -> Tally:
    tally = Tally()
    plans = (draw_plan(each, time.time_ns() // 1_000_000) for each in range(seed, seed + runs))
    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(_STAGES, runs)):
            tasks.create_task(_run_some(plans, tally, say_each=say_each))
    return tally


async def _run_some(plans: Iterator[Plan], tally: Tally, *, say_each: bool) -> None:
    async with open_stage() as stage:
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
    parser.add_argument("--runs", type=int, help=f"{DEFAULT_RUNS} unless told otherwise")
    parser.add_argument("--mutations", type=int, help=f"{DEFAULT_MUTATIONS} unless told otherwise")
    parser.add_argument("--seed", type=int, default=1, help="of the first; the next is one up")
    parser.add_argument("--each", action="store_true", help="tell of every run")
    arguments = parser.parse_args()
    if arguments.runs is None and arguments.mutations is None:
        arguments.runs, arguments.mutations = DEFAULT_RUNS, DEFAULT_MUTATIONS
    arguments.runs, arguments.mutations = arguments.runs or 0, arguments.mutations or 0
    return arguments


if __name__ == "__main__":
    sys.exit(main())
