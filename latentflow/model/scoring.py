"""How likely each of some given answers is after a prepared cache.

Owns option scoring; knows nothing of decoding.
Legend: B options, T tokens, N real option tokens, C hidden size, V vocabulary.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from latentflow.calls import OptionScore
from latentflow.errors import EmptyInput, InvalidInput
from latentflow.model.backbone import Backbone
from latentflow.model.reading import ReadCache, continue_from, require_fit
from latentflow.model.tokens import pad_right, plain_ids


@torch.no_grad()
def score_options(
    backbone: Backbone, cache: ReadCache, prompt: Sequence[int], options: Sequence[str]
) -> tuple[OptionScore, ...]:
    """Scores each option as the text that follows `prompt` after `cache` (one row).

    An option is tokenized as it stands: give it the space that the prompt doesn't end in.
    Raises EmptyInput, InvalidInput, ContextTooLong.
    """
    if cache.rows != 1:
        raise InvalidInput(field="cache", problem="must have one row")
    if not prompt:
        raise EmptyInput(field="prompt")
    option_ids = [plain_ids(backbone.tokenizer, option) for option in options]
    ids_BT, mask_BT = pad_right(option_ids, device=backbone.device)
    used = int(cache.lengths) + len(prompt) + ids_BT.shape[1]
    require_fit(backbone, used, field="prompt with options")
    before_BTC = _hidden_before(backbone, cache, prompt, (ids_BT, mask_BT))
    return _scores(_token_log_probabilities(backbone, before_BTC, ids_BT, mask_BT), mask_BT)


def _hidden_before(
    backbone: Backbone, cache: ReadCache, prompt: Sequence[int], options: tuple[Tensor, Tensor]
) -> Tensor:
    """Hidden states [B, T, C] from which each option token is predicted."""
    prompt_ids = torch.tensor([list(prompt)], device=backbone.device)
    prompt_1TC, after_prompt = continue_from(backbone, cache, prompt_ids)
    option_BTC, _ = continue_from(backbone, after_prompt, *options)
    first_B1C = prompt_1TC[:, -1:].expand(len(option_BTC), -1, -1)
    return torch.cat([first_B1C, option_BTC[:, :-1]], dim=1)


def _token_log_probabilities(
    backbone: Backbone, before_BTC: Tensor, ids_BT: Tensor, mask_BT: Tensor
) -> Tensor:
    """[B, T] in float32, 0 at padding; the output head sees real tokens only."""
    logits_NV = backbone.logits(before_BTC[mask_BT]).float()
    chosen_N = logits_NV.gather(-1, ids_BT[mask_BT][:, None])[:, 0] - logits_NV.logsumexp(-1)
    return torch.zeros(ids_BT.shape, device=chosen_N.device).masked_scatter(mask_BT, chosen_N)


def _scores(log_probabilities_BT: Tensor, mask_BT: Tensor) -> tuple[OptionScore, ...]:
    sums, counts = log_probabilities_BT.sum(-1).tolist(), mask_BT.sum(-1).tolist()
    return tuple(
        OptionScore(log_probability=total, tokens=count)
        for total, count in zip(sums, counts, strict=True)
    )
