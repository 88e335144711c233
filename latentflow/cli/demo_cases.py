"""The memos of `latentflow demo`: facts that no model can know, one question each.

Pure data. None is part of any training; `expected` is how a right answer reads.
"""

from dataclasses import dataclass

from latentflow.errors import EmptyInput


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCase:
    """A context for the sharer alone, a question for the receiver alone.

    `expected` is empty when nobody knows the answer beforehand.
    """

    context: str
    question: str
    expected: str = ""

    def __post_init__(self) -> None:
        for field in ("context", "question"):
            if not getattr(self, field).strip():
                raise EmptyInput(field=field)


DEMO_CASES = (
    DemoCase(
        context=(
            "Handover from the evening shift. The freight lift is out of order again, so please"
            " use the ramp behind the loading dock. Ines Vandermolen has moved the spare keys of"
            " the map archive; they now hang in locker 318, next to the first-aid box. Her"
            " telephone extension is 4471. Visitors still sign in at the front desk, and the"
            " humidity log must be filled in before midnight."
        ),
        question="In which locker are the spare keys of the map archive?",
        expected="318",
    ),
    DemoCase(
        context=(
            "To the survey team: the boat Marigold has been repainted and passed its inspection"
            " yesterday. We sail from Kestrel Quay on 22 August, not in September as first"
            " planned. Bring the long sample tubes and enough labels for eighty cores. Tobias"
            " Renk will be at the helm, and the harbour office wants the passenger list two days"
            " ahead. Lunch is on board."
        ),
        question="On which date does the survey team sail?",
        expected="22 August",
    ),
    DemoCase(
        context=(
            "Minutes of the purchasing round. Brightwater Dairy asked for a replacement pump"
            " after the flood in the lower hall. Two offers came in; the cheaper one, from a"
            " workshop in Aldermoor, costs 6,400 euros including fitting. The invoice was approved"
            " by Leila Kowarik on Monday morning. Delivery takes about three weeks. The old pump"
            " will be kept for spare parts in the cellar."
        ),
        question="Who approved the invoice for the replacement pump?",
        expected="Leila Kowarik",
    ),
)
