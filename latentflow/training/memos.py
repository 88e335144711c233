"""Procedural memos: short notes full of facts that no model can know, with questions on them.

Owns how a memo is drawn; a `Memos` of the training part and one of the test part share neither
entities nor templates. Needs no data files, so any pair can be trained without any.
"""

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass

from latentflow.training.cases import Case, Question
from latentflow.training.fact_kind import FactKind
from latentflow.training.lexicon import NO_WORDS, Lexicon
from latentflow.training.memo_facts import FACTS
from latentflow.training.memo_places import COUNTRY_OF
from latentflow.training.memo_words import ENDINGS, ENTITIES, FILLERS, OPENINGS
from latentflow.training.parts import Part, share

_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_ONSETS = "b br c d dr f fl g gr h j k kl l m n p pr qu r s sh st t th tr v w y z".split()
_VOWELS = "a e i o u ai ea ou".split()
_CODAS = ("", "", "", "l", "m", "n", "r", "s", "t", "x")
_MADE_UP_SHARE = 0.25
_OPEN_SHARE = 0.7
_LISTED = frozenset(itertools.chain.from_iterable(ENTITIES.values()))


@dataclass(frozen=True, slots=True)
class _Fact:
    kind: FactKind
    slots: dict[str, str]


class Memos:
    """An endless, seeded source of memos of one part; `lexicon` has names besides the lists'."""

    def __init__(
        self, part: Part, *, seed: int, questions: int = 2, lexicon: Lexicon = NO_WORDS
    ) -> None:
        self._part = part
        self._random = random.Random(f"{part}-{seed}")
        self._questions = questions
        self._lexicon = lexicon

    def entity(self) -> str:
        """A name, a thing, a number or a code, as a memo holds them."""
        return self._value(self._random.choice(_KINDS))

    def draw(self) -> Case:
        """A memo of one to ten facts; two of five kinds that it holds come twice."""
        taken: set[str] = set()
        facts = [self._fact(name, taken) for name in self._kinds()]
        self._random.shuffle(facts)
        asked = self._random.sample(facts, min(self._questions, len(facts)))
        return Case(
            context=self._text(facts),
            questions=tuple(self._question(fact) for fact in asked),
        )

    def _kinds(self) -> list[str]:
        kinds = self._random.sample(sorted(FACTS), self._random.choice((1, 2, 2, 3, 3, 4, 4, 5)))
        return kinds + [kind for kind in kinds if self._random.random() < 0.4]

    def _fact(self, name: str, taken: set[str]) -> _Fact:
        kind = FACTS[name]
        template = self._choose(kind.statements)
        slots: dict[str, str] = {"": template}
        for slot in _slots_of(kind):
            slots[slot] = self._fresh(slot.rstrip("12"), taken)
        countries = {f"{slot}_country": COUNTRY_OF.get(slots[slot], "") for slot in slots}
        return _Fact(kind, slots | countries)

    def _fresh(self, kind: str, taken: set[str]) -> str:
        """A value of `kind` that the memo does not hold yet, where there are enough."""
        for _ in range(50):
            value = self._value(kind)
            if value not in taken:
                break
        taken.add(value)
        return value

    def _value(self, kind: str) -> str:
        made = _MADE.get(kind)
        return made(self) if made else self._entity(kind)

    def _text(self, facts: list[_Fact]) -> str:
        sentences = [fact.slots[""].format(**fact.slots) for fact in facts]
        is_bare = len(facts) == 1 and self._random.random() < 0.5
        for _ in range(0 if is_bare else self._random.choice((0, 0, 1, 2))):
            sentences.insert(self._random.randint(0, len(sentences)), self._choose(FILLERS))
        sentences = [sentence[0].upper() + sentence[1:] for sentence in sentences]
        opening = "" if is_bare else self._choose(OPENINGS)
        lead = self._random.choice((" ", " ", " ", "\n", "\n- "))
        return lead.join([opening, *sentences]).strip(" \n")

    def _question(self, fact: _Fact) -> Question:
        slot = self._random.choice(sorted(slot for slot in fact.kind.questions if fact.slots[slot]))
        template = self._choose(fact.kind.questions[slot])
        return Question(text=template.format(**fact.slots), answers=(fact.slots[slot],))

    def _choose(self, items: tuple[str, ...]) -> str:
        return self._random.choice(share(items, self._part))

    def _entity(self, kind: str) -> str:
        """One of the list, or more often of the lexicon."""
        is_open = self._lexicon.has(kind) and self._random.random() < _OPEN_SHARE
        if is_open:
            return self._lexicon.draw(kind, self._random)
        return self._choose(ENTITIES[kind])

    def _name(self, kind: str) -> str:
        """A name of the list or the lexicon, or one made of syllables."""
        is_made_up = self._random.random() < _MADE_UP_SHARE
        return self._made_up() if is_made_up else self._entity(kind)

    def _made_up(self) -> str:
        while (word := self._spelt()) in _LISTED:
            pass
        return word

    def _spelt(self) -> str:
        syllables = [
            self._random.choice(_ONSETS)
            + self._random.choice(_VOWELS)
            + self._random.choice(_CODAS)
            for _ in range(self._random.choice((1, 1, 2)))
        ]
        return "".join([*syllables, self._choose(ENDINGS)]).capitalize()

    def _person(self) -> str:
        first, last = self._name("first"), self._name("last")
        return first if self._random.random() < 0.15 else f"{first} {last}"

    def _company(self) -> str:
        return f"{self._made_up()} {self._random.choice(('Ltd', 'Group', 'Partners', 'and Sons'))}"

    def _date(self) -> str:
        return f"{self._random.randint(1, 28)} {self._random.choice(_MONTHS)}"

    def _time(self) -> str:
        return f"{self._random.randint(7, 20)}:{self._random.choice((0, 10, 15, 20, 30, 45)):02}"

    def _room(self) -> str:
        return f"{self._random.choice(_LETTERS)}{self._random.randint(10, 499)}"

    def _amount(self) -> str:
        amount = self._random.choice((10, 50, 100)) * self._random.randint(2, 99)
        return f"{amount:,} {self._random.choice(('dollars', 'euros', 'pounds'))}"

    def _count(self) -> str:
        return str(self._random.randint(3, 480))

    def _extension(self) -> str:
        return str(self._random.randint(1000, 9999))

    def _code(self) -> str:
        if self._random.random() < 0.5:
            return str(self._random.randint(1000, 99999))
        return f"{self._letters(2)}-{self._random.randint(100, 999)}"

    def _plate(self) -> str:
        return f"{self._letters(2)} {self._random.randint(100, 999)} {self._letters(1)}"

    def _letters(self, count: int) -> str:
        return "".join(self._random.choice(_LETTERS) for _ in range(count))


_MADE: dict[str, Callable[[Memos], str]] = {
    "company": Memos._company,
    "project": lambda memos: memos._name("project"),
    "pet": lambda memos: memos._name("pet"),
    "person": Memos._person,
    "date": Memos._date,
    "time": Memos._time,
    "room": Memos._room,
    "amount": Memos._amount,
    "count": Memos._count,
    "extension": Memos._extension,
    "code": Memos._code,
    "plate": Memos._plate,
}


_KINDS = (*ENTITIES, *_MADE)


def _slots_of(kind: FactKind) -> list[str]:
    named = {part.split("}")[0] for text in kind.statements for part in text.split("{")[1:]}
    return sorted(named)
