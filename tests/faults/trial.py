"""One run: every latent of a plan is published and read while its fault strikes, then judged.

A part that fails is asked again, as an orchestrator would, until all say the same. Once nothing is
down any more, every reader is asked once more: what was lost behind its back shows.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from latentflow import errors
from latentflow.errors import LatentFlowError
from tests.faults.part import PartDied, WorkingPart
from tests.faults.plan import Plan, Recipe
from tests.faults.stage import Stage
from tests.faults.verdict import Account, Judgement, Truth, Verdict, judge
from tests.faults.words import Word, digest_of

ATTEMPT_SECONDS = 2.0
LONGEST_RUN_SECONDS = 90.0
# An attempt that fails at once is followed by a pause, twice as long each time.
_ATTEMPTS = 8
_ATTEMPTS_AGAIN = 2
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 0.4
_ROUNDS = 3


def _names(*classes: type[LatentFlowError]) -> frozenset[str]:
    return frozenset(each.__name__ for each in classes)


# These say nothing of what became of the latent.
_UNKNOWING = _names(
    errors.BrokerUnavailable,
    errors.Cancelled,
    errors.DeadlineExpired,
    errors.InternalError,
    errors.StoreUnavailable,
)
# No further attempt makes these better; they are asked again only while others say otherwise.
_FINAL = _names(
    errors.LatentClosed,
    errors.LatentExists,
    errors.LatentExpired,
    errors.LatentFailed,
    errors.LatentIncomplete,
    errors.LatentRevoked,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a run. `errors` counts every failed attempt by the name of its error."""

    plan: Plan
    has_struck: bool
    judgements: Sequence[Judgement]
    taken_back: int
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def violations(self) -> Sequence[str]:
        return [each.reason for each in self.judgements if each.verdict is Verdict.VIOLATION]


async def run(stage: Stage, plan: Plan) -> Report:
    """Raises TimeoutError when it takes too long, RuntimeError when a part ended by itself."""
    await stage.prepare(plan)
    async with asyncio.timeout(LONGEST_RUN_SECONDS):
        accounts = await asyncio.gather(*(_follow(stage, recipe) for recipe in plan.recipes))
        has_struck = await stage.recover(plan)
        accounts = await asyncio.gather(
            *(_confirm(stage, *each) for each in zip(plan.recipes, accounts, strict=True))
        )
    return Report(
        plan=plan,
        has_struck=has_struck,
        judgements=[
            judge(account, _truth(recipe), plan)
            for account, recipe in zip(accounts, plan.recipes, strict=True)
        ],
        taken_back=sum(account.was_taken_back for account in accounts),
        errors=Counter(word.error for account in accounts for word in _failures(account)),
    )


def _truth(recipe: Recipe) -> Truth:
    made = recipe.make()
    return Truth(published=made.commit.sha256, read=digest_of(made.manifest_bytes, made.stream))


def _failures(account: Account) -> Sequence[Word]:
    words = (account.published, *account.read)
    return [word for each in words for word in each if not word.is_good]


async def _follow(stage: Stage, recipe: Recipe) -> Account:
    published, *read = await asyncio.gather(
        *(_last_word(stage, part, recipe, _ATTEMPTS) for part in (stage.publisher, *stage.readers))
    )
    return await _settle(stage, recipe, Account(published=published, read=read))


async def _confirm(stage: Stage, recipe: Recipe, account: Account) -> Account:
    """Asks again also those who had it."""
    if account.is_settled and not account.published[-1].is_good:
        return account
    again = await asyncio.gather(
        *(_last_word(stage, reader, recipe, _ATTEMPTS) for reader in stage.readers)
    )
    read = [[*words, *more] for words, more in zip(account.read, again, strict=True)]
    return await _settle(stage, recipe, Account(published=account.published, read=read))


async def _settle(stage: Stage, recipe: Recipe, account: Account) -> Account:
    for _ in range(_ROUNDS):
        if account.is_settled:
            break
        account = await _ask_again(stage, recipe, account)
    return account


async def _ask_again(stage: Stage, recipe: Recipe, account: Account) -> Account:
    """First the publisher if it failed, then the readers; what they report lost, it sends again."""
    published = list(account.published)
    if not published[-1].is_good:
        published += await _last_word(stage, stage.publisher, recipe, _ATTEMPTS_AGAIN)
    read = await _read_again(stage, recipe, account.read)
    if published[-1].is_good and any(_reports_lost(words[-1]) for words in read):
        published += await _last_word(stage, stage.publisher, recipe, _ATTEMPTS_AGAIN)
        read = await _read_again(stage, recipe, read)
    return Account(published=published, read=read)


def _reports_lost(word: Word) -> bool:
    return not word.is_good and word.error not in _UNKNOWING


async def _read_again(
    stage: Stage, recipe: Recipe, read: Sequence[Sequence[Word]]
) -> Sequence[Sequence[Word]]:
    async def again(reader: WorkingPart, words: Sequence[Word]) -> Sequence[Word]:
        if words[-1].is_good:
            return words
        return [*words, *await _last_word(stage, reader, recipe, _ATTEMPTS_AGAIN)]

    return await asyncio.gather(*map(again, stage.readers, read))


async def _last_word(
    stage: Stage, part: WorkingPart, recipe: Recipe, attempts: int
) -> Sequence[Word]:
    """Every word up to one that is good or final, or the last attempt's."""
    words: list[Word] = []
    while len(words) < attempts:
        if words:
            pause = _FIRST_PAUSE_SECONDS * 2.0 ** len(words)
            await asyncio.sleep(min(pause, _LONGEST_PAUSE_SECONDS))
        try:
            words.append(await part.ask(recipe, seconds=ATTEMPT_SECONDS))
        except PartDied:
            await stage.until_up()
            part.require_alive()
            continue
        if words[-1].is_good or words[-1].error in _FINAL:
            break
    return words
