"""What became of one latent, judged by the words of its publisher and its readers alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.plan import CHANGES, Fault, Hop, Keeping, Plan
from tests.faults.words import Word


class Verdict(StrEnum):
    """COMMITTED: identical at every reader. FAILED: reported to all. Nothing else may be."""

    COMMITTED = "committed"
    FAILED = "failed"
    VIOLATION = "violation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What a good word must say: of the publisher the commit's digest, of a reader all bytes'."""

    published: str
    read: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Every word on one latent, in order: the publisher's, and each reader's."""

    published: Sequence[Word]
    read: Sequence[Sequence[Word]]

    @property
    def was_acknowledged(self) -> bool:
        return any(word.is_good for word in self.published)

    @property
    def is_settled(self) -> bool:
        """Whether all who have a part in it say the same."""
        last = [self.published[-1], *(words[-1] for words in self.read)]
        return len({word.is_good for word in last}) == 1

    @property
    def was_taken_back(self) -> bool:
        """Whether the publisher was told that it is stored, and had to be asked again."""
        return self.was_acknowledged and len(self.published) > _first_good(self.published) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    verdict: Verdict
    reason: str = ""


def judge(account: Account, truth: Truth, plan: Plan) -> Judgement:
    if reasons := _violations(account, truth, plan):
        return Judgement(verdict=Verdict.VIOLATION, reason="; ".join(reasons))
    is_good = account.published[-1].is_good
    return Judgement(verdict=Verdict.COMMITTED if is_good else Verdict.FAILED)


def _violations(account: Account, truth: Truth, plan: Plan) -> Sequence[str]:
    read = [word for words in account.read for word in words]
    untyped = [word.error for word in (*account.published, *read) if not word.is_typed]
    found = [f"an error that is none of ours: {error}" for error in untyped]
    if any(word.is_good and word.sha256 != truth.read for word in read):
        found.append("a reader accepted other bytes")
    if any(word.is_good and word.sha256 != truth.published for word in account.published):
        found.append("the publisher was told of another commit")
    if not account.is_settled:
        found.append("some say committed, some failed")
    if account.was_taken_back and not may_take_back(plan):
        found.append("what was acknowledged was lost")
    return found


def may_take_back(plan: Plan) -> bool:
    """Whether a latent that was acknowledged may be lost: only when its store loses or damages it.

    A store that forgets is one that was killed and came back empty. A primary acknowledges before
    its replica has heard, also of what the replica then never hears. Bytes that change on their way
    into the store are stored as they arrive, and nobody but a reader can tell.
    """
    fault = plan.strike.fault
    forgets = fault is Fault.KILL_STORE and plan.keeping is Keeping.FORGETS
    forgets = forgets or fault is Fault.KILL_PRIMARY
    return forgets or (fault in CHANGES and plan.strike.hop is Hop.STORE)


def _first_good(words: Sequence[Word]) -> int:
    return next(place for place, word in enumerate(words) if word.is_good)
