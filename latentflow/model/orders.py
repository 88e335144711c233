"""What a sharer is told to write for method `text`: every wording tried, and the one in use.

Pure words; how the chosen one was chosen is docs/decisions/0006-text-prompt.md.
"""

from dataclasses import dataclass

from latentflow.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Two templates: `blind` over {context} and {words}, `needed` over {question} too."""

    name: str
    blind: str
    needed: str

    def text(self, context: str, *, words: int, question: str) -> str:
        """The order for one context, asking for what `question` needs unless it is empty."""
        template = self.needed if question else self.blind
        return template.format(context=context, words=words, question=question)


ORDERS = (
    Order(
        name="state",
        blind=(
            "{context}\n\nIn at most {words} words, state every fact in the text above that "
            "someone who can't see it needs: names, numbers, codes, dates, quantities"
        ),
        needed=(
            "{context}\n\nIn at most {words} words, state every fact in the text above that "
            "someone who can't see it needs to answer this question: {question}"
        ),
    ),
    Order(
        name="summarise",
        blind=(
            "Summarize the text below in at most {words} words. Keep every name, number, code "
            "and date.\n\n{context}"
        ),
        needed=(
            "Summarize the text below in at most {words} words for someone who must answer: "
            "{question}\n\n{context}"
        ),
    ),
    Order(
        name="list",
        blind="{context}\n\nList the facts of the text above, one short sentence each.",
        needed="{context}\n\nQuestion: {question}\nWhich facts of the text above answer it?",
    ),
    Order(
        name="quote",
        blind="Repeat the important sentences of this text word for word.\n\nText: {context}",
        needed=(
            "Repeat the sentence of this text that answers the question, word for word.\n\n"
            "Text: {context}\n\nQuestion: {question}"
        ),
    ),
    Order(
        name="answer",
        blind="Text: {context}\n\nWhat does the text say? Give all details.",
        needed="Text: {context}\n\nQuestion: {question}\nAnswer in one full sentence.",
    ),
)


def order_of(name: str) -> Order:
    """Raises InvalidInput for a name that no order has."""
    for order in ORDERS:
        if order.name == name:
            return order
    names = ", ".join(order.name for order in ORDERS)
    raise InvalidInput(field=f"order {name}", problem=f"must be one of {names}")


BLIND_ORDER = order_of("quote")
NEEDED_ORDER = order_of("state")
