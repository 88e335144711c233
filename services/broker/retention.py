"""How many announcements a flow keeps, and how long each: for every flow, and for single ones.

Within twice of both, what a group has not had and acknowledged stays.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from latentflow.errors import InvalidInput
from latentflow.latent import MAX_LIFETIME_SECONDS, FlowName, parse_flow_name

MOST_ANNOUNCEMENTS = 10_000_000
# How much more of both is kept for groups that are behind.
FOR_GROUPS = 2

_ONE = re.compile(r"([^=\s]+)=([0-9]{1,9})/([0-9]{1,9}(?:\.[0-9]{1,3})?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """No latent outlives the longest `age_ms`."""

    announcements: int = 100_000
    age_ms: int = MAX_LIFETIME_SECONDS * 1000

    def __post_init__(self) -> None:
        if not 1 <= self.announcements <= MOST_ANNOUNCEMENTS:
            problem = f"must be 1 to {MOST_ANNOUNCEMENTS}"
            raise InvalidInput(field="announcements", problem=problem)
        if not 1 <= self.age_ms <= MAX_LIFETIME_SECONDS * 1000:
            problem = f"must be above 0, at most {MAX_LIFETIME_SECONDS}"
            raise InvalidInput(field="seconds", problem=problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retentions:
    """`single` flows have their own, the others the `usual` one."""

    usual: Retention = Retention()
    single: Mapping[FlowName, Retention] = field(default_factory=dict)

    def of(self, flow: FlowName) -> Retention:
        return self.single.get(flow, self.usual)


USUAL = Retentions()


def parse_retentions(text: str, field: str) -> Mapping[FlowName, Retention]:
    """Of `name=announcements/seconds`, separated by commas. Raises InvalidInput naming `field`."""
    retentions: dict[FlowName, Retention] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            flow, retention = _parse_one(part)
        except InvalidInput as error:
            raise InvalidInput(field=field, problem=f"in {part!r}: {error}") from error
        if flow in retentions:
            raise InvalidInput(field=field, problem=f"names {flow!r} twice")
        retentions[flow] = retention
    return retentions


def _parse_one(part: str) -> tuple[FlowName, Retention]:
    matched = _ONE.fullmatch(part)
    if matched is None:
        raise InvalidInput(field="form", problem="must be as in audit=1000/86400")
    name, announcements, seconds = matched.groups()
    retention = Retention(announcements=int(announcements), age_ms=round(float(seconds) * 1000))
    return parse_flow_name(name), retention
