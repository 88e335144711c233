"""What a kind of fact in memos is made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FactKind:
    """One kind of fact: statements, and for each slot that can be asked, its questions.

    Slots in braces name entity kinds; a trailing digit keeps two of one kind apart.
    """

    statements: tuple[str, ...]
    questions: dict[str, tuple[str, ...]]
