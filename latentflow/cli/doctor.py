"""`latentflow doctor`: checks this machine and the services, and says how to mend what is wrong."""

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict, replace

from latentflow.cli.diagnosis.checks import diagnose
from latentflow.cli.diagnosis.finding import Finding, Level
from latentflow.cli.diagnosis.survey import take_survey
from latentflow.cli.endpoints import (
    access_from,
    add_endpoint_arguments,
    addresses_from,
    broker_address,
)
from latentflow.cli.settings import Settings
from latentflow.cli.shown import add_json_argument, plain, print_json
from latentflow.cli.stack import StackAddresses
from latentflow.cli.stack_file import read_addresses
from latentflow.errors import InvalidInput, ProblemsFound

_TIMEOUT_SECONDS = 5.0


def add_arguments(parser: ArgumentParser, settings: Settings) -> None:
    add_json_argument(parser)
    add_endpoint_arguments(
        parser, "broker", "admin", "sharer", "receiver", timeout_seconds=_TIMEOUT_SECONDS
    )


def run(arguments: Namespace, settings: Settings) -> None:
    """`--timeout` is for each question. Raises ProblemsFound when there is a problem."""
    if not arguments.timeout > 0:
        raise InvalidInput(field="timeout", problem="must be above 0 seconds")
    addresses = _addresses(arguments, settings)
    survey = asyncio.run(
        take_survey(addresses, access_from(arguments, settings), timeout_seconds=arguments.timeout)
    )
    of_up = read_addresses(settings.stack_file) == addresses
    findings = diagnose(replace(survey, of_up=of_up))
    if arguments.json:
        print_json({"checks": [asdict(finding) for finding in findings]})
    else:
        print("\n".join(_lines(findings)))
    problems = sum(finding.level is Level.PROBLEM for finding in findings)
    if problems:
        raise ProblemsFound(problems=problems, checks=len(findings))


def _addresses(arguments: Namespace, settings: Settings) -> StackAddresses:
    services = addresses_from(arguments, settings)
    return StackAddresses(
        broker=broker_address(arguments, settings, "broker"),
        admin=broker_address(arguments, settings, "admin"),
        sharer=services.sharer,
        receiver=services.receiver,
    )


def _lines(findings: Sequence[Finding]) -> list[str]:
    level = max(len(finding.level) for finding in findings)
    check = max(len(finding.check) for finding in findings)
    return [
        f"{finding.level.ljust(level)}  {finding.check.ljust(check)}  {_told(finding)}"
        for finding in findings
    ]


def _told(finding: Finding) -> str:
    return plain(f"{finding.told} -> {finding.remedy}" if finding.remedy else finding.told)
