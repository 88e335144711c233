"""`python -m bench.soak`: soaks a broker over a Valkey, writes figures and plot. Linux only.

Ends with 1 when the broker grew, a receipt was lost, or anything else was promised in vain.
"""

import asyncio
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path

import grpc

from bench.figures import RESULTS, table, write
from bench.machine import facts
from bench.soak.course import BROKER_SETTINGS, Course
from bench.soak.plot import draw
from bench.soak.soaking import Soaked, soak
from bench.soak.verdict import findings, problems
from bench.stand import Stand, broker_stand
from latentflow.cli.progress import Progress
from latentflow.errors import LatentFlowError

_READY_SECONDS = 30.0
_REST_SECONDS = 110.0
# On one core that others use too, readers keep up with it. With 5 s they came too late for many.
_PERIOD_SECONDS = 20.0


def main() -> int:
    arguments = _arguments()
    here = facts()
    try:
        with broker_stand(os.environ, BROKER_SETTINGS) as stand:
            soaked = asyncio.run(_soak(_course(arguments), stand))
    except LatentFlowError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return _told(soaked, arguments, here)


def _told(soaked: Soaked, arguments: Namespace, here: Mapping[str, object]) -> int:
    found = findings(soaked)
    write(found, here, arguments.results)
    draw(soaked, arguments.plot)
    print(table([found]))
    failed = list(problems(soaked))
    for problem in failed:
        print(f"soak: {problem}", file=sys.stderr)
    return 1 if failed else 0


async def _soak(course: Course, stand: Stand) -> Soaked:
    async with grpc.aio.insecure_channel(stand.address) as channel:
        await asyncio.wait_for(channel.channel_ready(), _READY_SECONDS)
    return await soak(course, stand, Progress())


def _course(arguments: Namespace) -> Course:
    seconds: float = arguments.seconds
    return Course(
        flows=arguments.flows,
        seconds=seconds,
        rest_seconds=arguments.rest,
        period_seconds=arguments.period,
        sample_seconds=min(2.0, seconds / 20),
        growth=arguments.growth,
        seed=arguments.seed,
    )


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="soak", description="Soaks a broker over a Valkey.")
    add = parser.add_argument
    add("--flows", type=int, default=200)
    add("--seconds", type=float, default=600.0, help="of traffic, in two halves")
    add("--rest", type=float, default=_REST_SECONDS, help="seconds without traffic after each half")
    add("--period", type=float, default=_PERIOD_SECONDS, help="seconds from latent to latent")
    add("--growth", type=float, default=0.1, help="share by which the broker may grow")
    add("--seed", type=int, default=20)
    add("--plot", type=Path, default=Path("docs/soak.png"))
    add("--results", type=Path, default=RESULTS, help="folder for soak.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
