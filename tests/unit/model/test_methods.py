"""What every method keeps to, whatever it is made of: rows, padding, gradients, refusals."""

import pytest
import torch
from torch import Tensor

from latentflow.errors import ContextTooLong, EmptyInput, InvalidInput, UnsupportedMethod
from latentflow.latent import Method
from latentflow.model.backbone import Backbone
from latentflow.model.capture import KVCache, capture
from latentflow.model.halves import layout_of, receiver_half, sharer_half
from latentflow.model.method import (
    Latents,
    ReceiverHalf,
    Rows,
    SharerHalf,
    join_slots,
)
from latentflow.model.reading import ReadCache, continue_from, read
from tests.tiny_models import MAX_POSITIONS
from tests.unit.model.fresh_halves import (
    METHODS,
    RESIDUAL,
    SHARED,
    fresh_halves,
    hyperparameters,
    latents_of,
    rows_of,
)
from tests.unit.model.tokens_at_random import batch, one, random_rows

PREFIX = 4
TEXTS = random_rows(9, 6, seed=1)
ASKED = random_rows(7, 5, seed=2)
EVERY_METHOD = pytest.mark.parametrize("method", METHODS)


def _own(receiver: Backbone) -> ReadCache:
    return read(receiver, one(random_rows(PREFIX)[0]))


def _ready(
    halves: tuple[SharerHalf, ReceiverHalf],
    models: tuple[Backbone, Backbone],
    texts: list[list[int]],
    asked: list[list[int]],
) -> tuple[ReadCache, list[list[int]]]:
    sharer, receiver = models
    latents = latents_of(halves[0], sharer, texts)
    return halves[1].ready(receiver, _own(receiver), latents, rows_of(asked))


def _last(receiver: Backbone, ready: tuple[ReadCache, list[list[int]]]) -> Tensor:
    """The hidden state of each row's last token, [B, C]."""
    cache, left = ready
    hidden_BTC, _ = continue_from(receiver, cache, *batch(left))
    return torch.stack(
        [hidden_TC[len(ids) - 1] for hidden_TC, ids in zip(hidden_BTC, left, strict=True)]
    )


@EVERY_METHOD
def test_a_batch_is_read_like_its_rows_alone(
    method: Method, llama: Backbone, gemma: Backbone
) -> None:
    halves, models = fresh_halves(method, llama, gemma), (llama, gemma)
    together = _last(gemma, _ready(halves, models, TEXTS, ASKED))
    for row in range(2):
        alone = _last(gemma, _ready(halves, models, [TEXTS[row]], [ASKED[row]]))
        torch.testing.assert_close(together[row], alone[0], atol=1e-3, rtol=1e-3)


@EVERY_METHOD
def test_what_the_sharer_read_matters(method: Method, llama: Backbone, gemma: Backbone) -> None:
    halves, models = fresh_halves(method, llama, gemma), (llama, gemma)
    answers = [_last(gemma, _ready(halves, models, [text], ASKED[1:])) for text in TEXTS]
    assert (answers[0] - answers[1]).abs().max() > 1e-2


@EVERY_METHOD
def test_gradients_reach_both_halves(method: Method, llama: Backbone, gemma: Backbone) -> None:
    halves = fresh_halves(method, llama, gemma)
    _last(gemma, _ready(halves, (llama, gemma), TEXTS, ASKED)).square().sum().backward()  # type: ignore[no-untyped-call]
    for half in halves:
        missing = [name for name, each in half.named_parameters() if each.grad is None]
        assert [name for name in missing if not name.startswith("gates")] == []


@EVERY_METHOD
def test_a_cut_latent_is_of_another_budget(
    method: Method, llama: Backbone, gemma: Backbone
) -> None:
    theirs, _ = fresh_halves(method, llama, gemma)
    layout = layout_of(method, hyperparameters(method, llama, gemma))
    assert theirs.budgets == layout.budgets
    for budget in theirs.budgets:
        latents = theirs.latents(_captured(llama), budget)
        assert latents.values_BMLw.shape[2] == layout.layers
        assert latents.values_BMLw.shape[3] == layout.width


@EVERY_METHOD
@pytest.mark.parametrize("budget", [0, -1])
def test_a_budget_of_nothing_is_refused(
    method: Method, llama: Backbone, gemma: Backbone, budget: int
) -> None:
    with pytest.raises(InvalidInput):
        fresh_halves(method, llama, gemma)[0].latents(_captured(llama), budget)


@EVERY_METHOD
def test_latents_of_another_shape_are_refused(
    method: Method, llama: Backbone, gemma: Backbone
) -> None:
    _, own = fresh_halves(method, llama, gemma)
    foreign = Latents(
        values_BMLw=torch.zeros(1, 9, 2, 5), mask_BM=torch.ones(1, 9, dtype=torch.bool)
    )
    with pytest.raises(InvalidInput):
        own.ready(gemma, _own(gemma), foreign, rows_of(ASKED[:1]))


@EVERY_METHOD
def test_rows_that_leave_no_position_are_refused(
    method: Method, llama: Backbone, gemma: Backbone
) -> None:
    halves = fresh_halves(method, llama, gemma)
    [text] = random_rows(MAX_POSITIONS - PREFIX + 1)
    with pytest.raises(ContextTooLong):
        _ready(halves, (llama, gemma), [text], [text])


@pytest.mark.parametrize("method", RESIDUAL)
def test_shut_gates_leave_the_receiver_as_it_was(
    method: Method, llama: Backbone, backbone: Backbone
) -> None:
    halves = fresh_halves(method, llama, backbone)
    torch.nn.init.constant_(halves[1].get_parameter("gates.logits_L2"), -1.0)
    answer = _last(backbone, _ready(halves, (llama, backbone), TEXTS, ASKED))
    for row, asked in enumerate(ASKED):
        hidden_BTC, _ = continue_from(backbone, _own(backbone), one(asked))
        torch.testing.assert_close(answer[row], hidden_BTC[0, -1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("method", RESIDUAL)
def test_as_many_latents_as_rows_are_needed(
    method: Method, llama: Backbone, gemma: Backbone
) -> None:
    with pytest.raises(InvalidInput, match="row"):
        _ready(fresh_halves(method, llama, gemma), (llama, gemma), TEXTS[:1], ASKED)


@pytest.mark.parametrize("method", SHARED)
def test_a_column_without_a_slot_stays_as_it_was(
    method: Method, llama: Backbone, gemma: Backbone
) -> None:
    halves = fresh_halves(method, llama, gemma)
    latents = latents_of(halves[0], llama, TEXTS[:1])
    rows = Rows(ids=(tuple(ASKED[0]),), slots=((-1, -1, 2, 3, -1, 0, 0),))
    cache, left = halves[1].ready(gemma, _own(gemma), latents, rows)
    plain = read(gemma, one(random_rows(PREFIX)[0] + ASKED[0][:-1]))
    assert left == [ASKED[0][-1:]]
    for mine, theirs in ((cache.keys, plain.keys), (cache.values, plain.values)):
        columns = theirs[1].shape[2]
        moved = (mine[1][0, :, :columns] - theirs[1][0]).abs().amax((0, -1)) > 1e-4
        assert moved.tolist() == [False] * PREFIX + [False, False, True, True, False, True]


@pytest.mark.parametrize("method", SHARED)
@pytest.mark.parametrize("slots", [(), ((-1,) * 7,), ((0, 1, 2, 3, 4, 9, 9),)], ids=str)
def test_slots_that_name_nothing_are_refused(
    method: Method, llama: Backbone, gemma: Backbone, slots: tuple[tuple[int, ...], ...]
) -> None:
    halves = fresh_halves(method, llama, gemma)
    latents = latents_of(halves[0], llama, TEXTS[:1])
    rows = Rows(ids=(tuple(ASKED[0]),), slots=slots)
    with pytest.raises(InvalidInput, match="slots"):
        halves[1].ready(gemma, _own(gemma), latents, rows)


def test_text_has_no_halves(llama: Backbone) -> None:
    for make in (sharer_half, receiver_half):
        with pytest.raises(UnsupportedMethod):
            make(Method.TEXT, {}, llama)


@EVERY_METHOD
@pytest.mark.parametrize(
    "changes",
    [{"layers": [7]}, {"layers": []}, {"layers": 1}, {"colour": 1}, {"layers": ["1"]}],
    ids=str,
)
def test_sizes_that_cannot_be_are_refused(
    method: Method, llama: Backbone, gemma: Backbone, changes: dict[str, object]
) -> None:
    values = hyperparameters(method, llama, gemma) | changes
    with pytest.raises(InvalidInput):
        sharer_half(method, values, llama)


@EVERY_METHOD
def test_sizes_of_another_pair_are_refused(
    method: Method, llama: Backbone, gemma: Backbone
) -> None:
    values = hyperparameters(method, llama, gemma)
    with pytest.raises(InvalidInput, match="receiver"):
        receiver_half(method, values, llama)
    if method in RESIDUAL:
        with pytest.raises(InvalidInput, match="sharer"):
            sharer_half(method, values, gemma)


def _captured(sharer: Backbone) -> KVCache:
    return capture(sharer, *batch(TEXTS))


def _latents(slots: int) -> Latents:
    values = torch.randn(1, slots, 2, 3)
    return Latents(values_BMLw=values, mask_BM=torch.ones(1, slots, dtype=torch.bool))


def test_latents_of_two_sharers_stand_behind_each_other() -> None:
    first, second = _latents(2), _latents(3)
    joined = join_slots([first, second])
    assert torch.equal(joined.values_BMLw[:, 2:], second.values_BMLw)
    assert joined.mask_BM.shape == (1, 5)


def test_no_latents_are_refused() -> None:
    with pytest.raises(EmptyInput):
        join_slots([])


@pytest.mark.parametrize(
    ("shape", "mask"), [((1, 2, 3), (1, 2)), ((1, 2, 3, 4), (1, 3))], ids=["flat", "mask"]
)
def test_latents_of_no_shape_are_refused(shape: tuple[int, ...], mask: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput):
        Latents(values_BMLw=torch.zeros(shape), mask_BM=torch.ones(mask, dtype=torch.bool))


def test_rows_without_tokens_or_with_too_few_slots_are_refused() -> None:
    with pytest.raises(EmptyInput):
        Rows(ids=((1, 2), ()))
    with pytest.raises(InvalidInput):
        Rows(ids=((1, 2),), slots=((0,),))


def test_latents_of_two_sizes_are_not_joined() -> None:
    narrow = Latents(
        values_BMLw=torch.zeros(1, 2, 2, 1), mask_BM=torch.ones(1, 2, dtype=torch.bool)
    )
    with pytest.raises(InvalidInput, match="latents"):
        join_slots([_latents(2), narrow])
