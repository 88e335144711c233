"""How the next token is chosen: greedily or by temperature and nucleus.

Owns drawing from logits; knows nothing of models or text.
Legend: V vocabulary.
"""

import torch
from torch import Tensor

from latentflow.calls import Sampling


class TokenChooser:
    """Chooses the tokens of one answer; the same seed and logits give the same tokens.

    Draws on the CPU, so that neither device nor batch changes what is drawn.
    """

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._random = torch.Generator().manual_seed(sampling.seed)

    def choose(self, logits_V: Tensor) -> int:
        """The next token's id from its logits [V]."""
        if self._sampling.temperature == 0:
            return int(logits_V.argmax())
        scaled_V = logits_V.float().cpu() / self._sampling.temperature
        probabilities_V, order_V = scaled_V.softmax(-1).sort(descending=True, stable=True)
        nucleus_V = _nucleus(probabilities_V, self._sampling.top_p)
        return int(order_V[torch.multinomial(nucleus_V, 1, generator=self._random)])


def _nucleus(probabilities_V: Tensor, top_p: float) -> Tensor:
    """The likeliest tokens whose sum first reaches `top_p`; the rest become 0."""
    before_V = probabilities_V.cumsum(-1) - probabilities_V
    return probabilities_V.masked_fill(before_V >= top_p, 0.0)
