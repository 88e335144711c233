"""The start of an `lcf-prefix` adapter, solved instead of trained: ridge, then reduced rank.

Owns the statistics over aligned tokens and their solution (study.md, recipe 1); the receiver's
Fisher information says which target channels matter. Legend: N tokens, F features, G targets,
W latent width, R receiver.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from latentflow.model.alignment import Alignment, align
from latentflow.model.capture import KVCache, without_positions
from latentflow.model.contexts import capture_contexts
from latentflow.model.prefix import PrefixDecoder, PrefixEncoder, flatten
from latentflow.model.reading import ReadCache
from latentflow.model.tokens import begin_ids
from latentflow.training.cases import Case
from latentflow.training.moments import Moments
from latentflow.training.pair import Pair, exam, take

RIDGE = 3000.0
_OVERSAMPLE = 64
_POWER_STEPS = 3
_ADDED_AT_ONCE = 4096
_SMALLEST = 1e-4


@torch.no_grad()
def aligned_moments(
    pair: Pair, encoder: PrefixEncoder, decoder: PrefixDecoder, texts: Iterable[str]
) -> Moments:
    """Of what both models cache for the same pieces of the texts; a sharer token counts once."""
    moments = Moments(len(encoder.mean_F), len(decoder.mean_F), device=pair.receiver.device)
    read: list[tuple[Tensor, Tensor]] = []
    for text in texts:
        alignment = align(pair.sharer.tokenizer, pair.receiver.tokenizer, text)
        read.append(
            (_sharer_features(pair, encoder, alignment), _receiver_targets(pair, text, alignment))
        )
        if sum(len(features) for features, _ in read) >= _ADDED_AT_ONCE:
            _add(moments, read)
    _add(moments, read)
    return moments


def _add(moments: Moments, read: list[tuple[Tensor, Tensor]]) -> None:
    """Many texts at once, since the products are of large matrices; `read` is empty thereafter."""
    if read:
        features, targets = zip(*read, strict=True)
        moments.add(torch.cat(features), torch.cat(targets))
        read.clear()


def fisher_weights(pair: Pair, batches: Iterable[list[Case]]) -> Tensor:
    """Root mean squared gradient [G] of the answers' loss by each channel of the context's cache.

    Labels are sampled from the receiver's own distribution, as Fisher information asks.
    """
    total_G = torch.zeros(())
    for cases in batches:
        total_G = total_G + _squared_gradient(pair, cases)
    return total_G.sqrt()


def solve(
    moments: Moments, weights_G: Tensor, encoder: PrefixEncoder, decoder: PrefixDecoder
) -> float:
    """Writes the reduced-rank ridge solution into both halves; returns the weighted R2.

    Raises InvalidInput for fewer tokens than two.
    """
    known = moments.standard()
    scale_G = weights_G * known.deviation_G
    scale_G = (scale_G / scale_G.mean()).clamp(min=1e-2)
    cross_FG = known.cross_FG * scale_G
    map_FG = _ridge(known.gram_FF, cross_FG)
    basis_GW = _main_directions(known.gram_FF, map_FG, encoder.down.out_features)
    down_FW = map_FG @ basis_GW
    squares_W = (down_FW * (known.gram_FF @ down_FW)).sum(0)
    spread_W = (squares_W / (known.count - 1)).clamp(min=0).sqrt()
    spread_W = spread_W.clamp(min=_SMALLEST)  # fewer tokens than numbers leave some unused
    encoder.mean_F.copy_(known.mean_F)
    encoder.deviation_F.copy_(known.deviation_F)
    decoder.mean_F.copy_(known.mean_G)
    decoder.deviation_F.copy_(known.deviation_G)
    with torch.no_grad():
        encoder.down.weight.copy_((down_FW / spread_W).T)
        encoder.down.bias.zero_()
        decoder.up.weight.copy_((basis_GW * spread_W) / scale_G[:, None])
        decoder.up.bias.zero_()
    explained = 2 * (down_FW * (cross_FG @ basis_GW)).sum() - squares_W.sum()
    return float(explained / ((known.count - 1) * scale_G.square().sum()))


def _sharer_features(pair: Pair, encoder: PrefixEncoder, alignment: Alignment) -> Tensor:
    ids = [*begin_ids(pair.sharer.tokenizer), *alignment.sharer_ids]
    return encoder.features(capture_contexts(pair.sharer, [ids]))[0].float()


def _receiver_targets(pair: Pair, text: str, alignment: Alignment) -> Tensor:
    cache = _context_part(pair, pair.read_contexts([text]))
    return flatten(cache.keys_LBHTD, cache.values_LBHTD)[0, list(alignment.receiver_places)].float()


def _context_part(pair: Pair, cache: ReadCache) -> KVCache:
    """What stands behind the receiver's own prefix, before RoPE."""
    whole = without_positions(pair.receiver, cache)
    return whole.slice_tokens(pair.own.mask_BK.shape[1], whole.tokens)


def _squared_gradient(pair: Pair, cases: list[Case]) -> Tensor:
    paper = exam(pair, cases)
    cache = pair.read_contexts([case.context for case in cases])
    held = ReadCache(
        keys=tuple(keys.detach().requires_grad_() for keys in cache.keys),
        values=tuple(values.detach().requires_grad_() for values in cache.values),
        mask_BK=cache.mask_BK,
    )
    logits_AV = pair.receiver.logits(take(pair, held, paper), paper.vocabulary_V).float()
    with torch.no_grad():
        sampled_A = torch.multinomial(logits_AV.softmax(-1), 1)[:, 0]
    losses_A = torch.nn.functional.cross_entropy(logits_AV, sampled_A, reduction="none")
    (losses_A * paper.weights_A).sum().backward()  # type: ignore[no-untyped-call]
    gradient = ReadCache(
        keys=tuple(_gradient_of(keys) for keys in held.keys),
        values=tuple(_gradient_of(values) for values in held.values),
        mask_BK=held.mask_BK,
    )
    part = _context_part(pair, gradient)
    return flatten(part.keys_LBHTD, part.values_LBHTD).float().square().mean((0, 1))


def _gradient_of(leaf: Tensor) -> Tensor:
    """Turning a gradient back to before RoPE is the same rotation as turning a key back."""
    return torch.zeros_like(leaf) if leaf.grad is None else leaf.grad


def _ridge(gram_FF: Tensor, cross_FG: Tensor) -> Tensor:
    regular_FF = gram_FF + RIDGE * torch.eye(len(gram_FF), device=gram_FF.device)
    solution: Tensor = torch.cholesky_solve(cross_FG, torch.linalg.cholesky(regular_FF))
    return solution


def _main_directions(gram_FF: Tensor, map_FG: Tensor, width: int) -> Tensor:
    """The `width` directions [G, W] that hold most of the prediction, by subspace iteration."""

    def apply(basis: Tensor) -> Tensor:
        return map_FG.T @ (gram_FF @ (map_FG @ basis))

    basis = torch.randn(map_FG.shape[1], width + _OVERSAMPLE, device=map_FG.device)
    for _ in range(_POWER_STEPS):
        basis = torch.linalg.qr(apply(basis)).Q
    values, vectors = torch.linalg.eigh(basis.T @ apply(basis))
    strongest = values.argsort(descending=True)[:width]
    directions_GW: Tensor = basis @ vectors[:, strongest]
    return directions_GW
