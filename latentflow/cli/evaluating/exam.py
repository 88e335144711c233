"""What `latentflow eval` is to measure, read and checked before any model is loaded."""

import math
import os
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from latentflow.cli.adapter_options import adapter_file
from latentflow.cli.evaluating.cases import cases_of
from latentflow.errors import InvalidInput
from latentflow.evaluation.arm_names import ArmName, Kind, parse_arms, parse_budget
from latentflow.evaluation.arms import no_tuned_slots, size_of, sizes_of
from latentflow.evaluation.cases import Asked, shared
from latentflow.evaluation.derangement import exchange
from latentflow.evaluation.handoff import reads_one_prompt
from latentflow.evaluation.measuring import Replies
from latentflow.evaluation.report import Outcome
from latentflow.evaluation.served import require_served
from latentflow.model.adapter_file import AdapterHeader, read_header

_BUDGETS = (Fraction(1), Fraction(1, 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """The arguments, and what was read for them. `others` is empty where nobody is exchanged."""

    arguments: Namespace
    header: AdapterHeader
    arms: list[ArmName]
    budgets: list[Fraction]
    cases: list[Asked]
    others: Mapping[Asked, Asked]

    @property
    def is_served(self) -> bool:
        return bool(self.arguments.serve or self.arguments.endpoints)

    def has(self, kind: Kind) -> bool:
        return any(arm.kind is kind for arm in self.arms)

    def outcome(
        self,
        replies: Replies,
        *,
        cache_bytes: Sequence[int] | None = None,
        precision: Mapping[str, str] | None = None,
    ) -> Outcome:
        """What came of it. Services tell neither the sharer's cache nor the models' precision."""
        return Outcome(
            arms=self.arms,
            cases=self.cases,
            replies=replies,
            others=self.others,
            cache_bytes=cache_bytes,
            seed=self.arguments.seed,
            precision=precision,
        )


def exam_of(arguments: Namespace) -> Exam:
    """Raises InvalidInput, EmptyInput, UnknownAdapter, AdapterCorrupt, UnsupportedMethod."""
    _require_place(arguments.json)
    if not 0 < arguments.timeout < math.inf:
        raise InvalidInput(field="timeout", problem="must be a number of seconds above 0")
    for name in ("times", "seed"):
        if getattr(arguments, name) < 0:
            raise InvalidInput(field=name, problem="must be at least 0")
    header = read_header(adapter_file(arguments))
    budgets = _budgets(arguments.budget, header)
    arms = parse_arms(arguments.arms, budgets)
    _require_arms(arms, header, arguments)
    cases = cases_of(arguments.data, arguments.limit, seed=arguments.seed, unseen=arguments.unseen)
    if reads_one_prompt(header):
        cases = [shared(case) for case in cases]
    is_exchanged = any(arm.kind is Kind.DERANGED for arm in arms)
    return Exam(
        arguments=arguments,
        header=header,
        arms=arms,
        budgets=budgets,
        cases=cases,
        others=exchange(cases, seed=arguments.seed) if is_exchanged else {},
    )


def _budgets(given: str | None, header: AdapterHeader) -> list[Fraction]:
    """Those given, or the whole and a quarter as far as the adapter offers them."""
    if given is None:
        return [share for share in sizes_of(header) if share in _BUDGETS]
    return [parse_budget(each) for each in given.split(",")]


def _require_arms(arms: list[ArmName], header: AdapterHeader, arguments: Namespace) -> None:
    for arm in arms:
        size_of(header, arm)
        if arm.kind is Kind.TWO_SHARERS and reads_one_prompt(header):
            raise InvalidInput(field=f"arm {arm.text}", problem="is for sharers of other contexts")
        if arm.tuned and arguments.tuned is None:
            no_tuned_slots(arm.text)
    if arguments.serve or arguments.endpoints:
        require_served(arms, header)


def _require_place(out: Path) -> None:
    """Hours of work are not to end without a place to write to."""
    if not out.parent.is_dir() or out.is_dir():
        raise InvalidInput(field=str(out), problem="can't be written: no such folder, or is one")
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        raise InvalidInput(field=str(out), problem="can't be written: not allowed")
