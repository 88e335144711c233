"""The names of the arms, and what each says of itself.

Owns the grammar (docs/evaluation.md); how an arm is run is `arms`' and `served`'s.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from latentflow.calls import MAX_MESSAGE_TOKENS
from latentflow.errors import EmptyInput, InvalidInput

_TEXT = re.compile(r"text-(?P<tokens>\d{1,3})((?P<need>-need)|(?P<tuned>-tuned))?")
_PLAIN = re.compile(r"alone|full-text(?P<tuned>-tuned)?")
_LATENT = re.compile(
    r"(?P<kind>matched|deranged|zero|constant|two-sharers)(?P<half>-fp16)?(@(?P<budget>.+))?"
)


class Kind(StrEnum):
    """What the receiver gets."""

    ALONE = "alone"
    TEXT = "text"
    FULL_TEXT = "full-text"
    MATCHED = "matched"
    DERANGED = "deranged"
    ZERO = "zero"
    CONSTANT = "constant"
    TWO_SHARERS = "two-sharers"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmName:
    """A parsed name.

    `tokens` is a message's limit, `need` whether the sharer sees the question, `tuned` whether a
    trained prefix stands in front of the text; `budget` is the share of the whole latent.
    """

    text: str
    kind: Kind
    tokens: int = 0
    need: bool = False
    tuned: bool = False
    half_precision: bool = False
    budget: Fraction = Fraction(1)

    @property
    def is_message(self) -> bool:
        """Whether it is a text arm with what every receiver has: the sharer's words, untuned."""
        return self.kind is Kind.TEXT and not self.tuned


def parse_arm(name: str) -> ArmName:
    """Raises InvalidInput for a name that no arm has."""
    for form, parse in ((_TEXT, _text), (_PLAIN, _plain), (_LATENT, _latent)):
        if found := form.fullmatch(name):
            return parse(name, found)
    raise InvalidInput(field=f"arm {name}", problem="is not one of docs/evaluation.md")


def parse_arms(names: str, budgets: Sequence[Fraction]) -> list[ArmName]:
    """Arms of a comma-separated list, each once; `matched` also with every budget below 1."""
    arms: dict[str, ArmName] = {}
    for name in filter(None, map(str.strip, names.split(","))):
        arms[name] = parse_arm(name)
        if name == Kind.MATCHED:
            further = [f"{name}@{budget}" for budget in budgets if budget != 1]
            arms.update((each, parse_arm(each)) for each in further)
    if not arms:
        raise EmptyInput(field="arms")
    return list(arms.values())


def parse_budget(text: str) -> Fraction:
    """A share of the whole latent such as 1/4. Raises InvalidInput unless it is in (0, 1]."""
    try:
        budget = Fraction(text.strip())
    except (ValueError, ZeroDivisionError) as error:
        raise InvalidInput(field=f"budget {text}", problem="must be a share such as 1/4") from error
    if not 0 < budget <= 1:
        raise InvalidInput(field=f"budget {text}", problem="must be above 0 and at most 1")
    return budget


def _text(name: str, found: re.Match[str]) -> ArmName:
    tokens = int(found["tokens"])
    if not 1 <= tokens <= MAX_MESSAGE_TOKENS:
        problem = f"a message takes 1 to {MAX_MESSAGE_TOKENS} tokens"
        raise InvalidInput(field=f"arm {name}", problem=problem)
    return ArmName(
        text=name,
        kind=Kind.TEXT,
        tokens=tokens,
        need=bool(found["need"]),
        tuned=bool(found["tuned"]),
    )


def _plain(name: str, found: re.Match[str]) -> ArmName:
    return ArmName(text=name, kind=Kind(name.removesuffix("-tuned")), tuned=bool(found["tuned"]))


def _latent(name: str, found: re.Match[str]) -> ArmName:
    return ArmName(
        text=name,
        kind=Kind(found["kind"]),
        half_precision=bool(found["half"]),
        budget=parse_budget(found["budget"] or "1"),
    )
