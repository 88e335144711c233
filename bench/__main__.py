"""`python -m bench [SCENARIO...]`: measures, writes bench/results, prints one table. Linux only."""

import os
import sys
from argparse import ArgumentParser, Namespace
from importlib import import_module
from typing import Protocol, cast

from bench.figures import RESULTS, Findings, table, write
from bench.machine import facts
from latentflow.cli.plan import add_plan_arguments
from latentflow.cli.progress import Progress
from latentflow.cli.settings import Settings
from latentflow.errors import LatentFlowError

# Imported when it is run, not before: torch comes into this process with the last one only.
SCENARIOS = ("codec", "broker", "relay", "start", "together", "handoff")


class Scenario(Protocol):
    """What the module of a scenario offers. `run` raises LatentFlowError when it can't measure."""

    def run(self, arguments: Namespace, settings: Settings) -> Findings: ...


def main() -> int:
    settings = Settings.from_environment(os.environ)
    arguments = _arguments(settings)
    findings: list[Findings] = []
    try:
        names = arguments.scenarios or SCENARIOS
        findings.extend(_measured(name, arguments, settings) for name in names)
    except LatentFlowError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        print(table(findings))
    return 0


def _measured(name: str, arguments: Namespace, settings: Settings) -> Findings:
    """Leaves its file. The machine's facts are those from before it began."""
    here = facts()
    Progress().say(f"measuring {name}")
    scenario = cast(Scenario, import_module(f"bench.{name}"))
    found = scenario.run(arguments, settings)
    write(found, here, RESULTS)
    return found


def _arguments(settings: Settings) -> Namespace:
    parser = ArgumentParser(prog="bench", description="Measures the scenarios, by default all.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(SCENARIOS))
    add_plan_arguments(parser, settings)
    arguments = parser.parse_args()
    unknown = set(arguments.scenarios) - set(SCENARIOS)
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
