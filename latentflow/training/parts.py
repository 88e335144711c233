"""Which share of a list is learnt from, and which is kept to validate and to test on.

Owns how entities and templates are parted; rows of files are `cases.split_cases`'s.
"""

from enum import StrEnum

_TEST_EVERY = 4


class Part(StrEnum):
    """Validation has training's share, newly drawn.

    So that what is measured at the end has never been looked at.
    """

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


def share(items: tuple[str, ...], part: Part) -> tuple[str, ...]:
    """Every fourth item is the test's, the last one of short lists; the rest is training's."""
    if len(items) < _TEST_EVERY:
        return items[-1:] if part is Part.TEST else items[:-1]
    chosen = (_TEST_EVERY - 1,) if part is Part.TEST else range(_TEST_EVERY - 1)
    return tuple(item for place, item in enumerate(items) if place % _TEST_EVERY in chosen)
