"""The sharer's messages for method `text`, decoded together.

Owns the decoding; what the sharer is told to write is `prompt`'s.
"""

from collections.abc import Sequence

from latentflow.model.backbone import Backbone
from latentflow.model.generation import generate
from latentflow.model.prompt import message_sampling
from latentflow.model.reading import empty_cache


def write_messages(
    sharer: Backbone, prompts: Sequence[Sequence[int]], *, max_tokens: int
) -> list[str]:
    """One text a prompt, of at most `max_tokens` tokens; it may be empty.

    Raises EmptyInput, ContextTooLong.
    """
    wish = message_sampling(sharer.tokenizer, max_tokens)
    said = [""] * len(prompts)
    for step in generate(sharer, empty_cache(sharer, 1), prompts, [wish] * len(prompts)):
        for piece in step:
            said[piece.row] += piece.text
    return [text.strip() for text in said]
