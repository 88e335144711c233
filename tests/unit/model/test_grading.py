"""What an adapter learns with is what will arrive, and gradients pass."""

import numpy as np
import pytest
import torch

from latentflow.model.adapters import to_tensor
from latentflow.model.grading import graded
from latentflow.quantisation import GRADED, Quantisation, grades
from latentflow.vectors import Codec, ElementType, TensorLayout, Vectors
from latentflow.wire.quantise import pack, unpack

# Mean squared error by bits, Max 1960, table II.
LOST = (1.0, 0.3634, 0.1188, 0.03744, 0.01154, 0.003495, 0.00104)


@pytest.mark.parametrize("width", [256, 16, 20, 3])
@pytest.mark.parametrize("quantisation", GRADED)
def test_a_vector_is_graded_as_the_wire_packs_it(quantisation: Quantisation, width: int) -> None:
    values = torch.randn(7, width, generator=torch.Generator().manual_seed(0)) * 2
    layout = TensorLayout(layers=1, slots=7, width=width, dtype=ElementType.FLOAT32)
    vectors = Vectors(layout=layout, values=np.asarray(values, "<f4").tobytes())
    arrived = unpack(pack(vectors, quantisation), layout, Codec(quantisation=quantisation))
    torch.testing.assert_close(graded(values, quantisation), to_tensor(arrived))


@pytest.mark.parametrize("quantisation", [*GRADED, Quantisation.INT8])
def test_gradients_pass_as_if_nothing_were_rounded(quantisation: Quantisation) -> None:
    values = torch.randn(2, 3, 16, requires_grad=True)
    graded(values, quantisation).sum().backward()  # type: ignore[no-untyped-call]
    assert values.grad is not None
    assert torch.equal(values.grad, torch.ones_like(values))


@pytest.mark.parametrize("quantisation", GRADED)
def test_a_unit_normal_loses_what_its_table_says(quantisation: Quantisation) -> None:
    values = torch.randn(4000, 256, generator=torch.Generator().manual_seed(0))
    lost = (graded(values, quantisation) - values).square()
    for grade in grades(quantisation, 256):
        mean = lost[:, grade.start : grade.stop].mean().item()
        assert mean == pytest.approx(LOST[grade.bits], rel=0.05)


def test_what_is_not_graded_stays_as_it_is() -> None:
    values = torch.randn(2, 16)
    assert torch.equal(graded(values, Quantisation.INT8), values)
