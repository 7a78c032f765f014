"""The glue of deformable attention under a played TensorRT."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from plugins.ms_deform_attn.reference import reference
from tests.plugins.harness.player import Player, Refused
from tests.plugins.toolchains import headers

from .cases import Case

OPERATOR = "MMCVMultiScaleDeformableAttention"
CASE = Case(channels=16)


@pytest.fixture(scope="module", params=["10.0", "11.1"])
def played(request: pytest.FixtureRequest) -> Iterator[Player]:
    if request.param not in headers():
        pytest.skip(f"there are no headers of TensorRT {request.param} on this machine")
    with Player("ms_deform_attn", headers()[request.param].folder) as player:
        yield player


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("split_heads", [0, 1])
def test_heads_together_and_apart(played: Player, split_heads: int, dtype: str) -> None:
    inputs = CASE.inputs(dtype)
    (found,) = played.run(OPERATOR, {"split_heads": split_heads}, *inputs, most=2)
    (wanted,) = reference(inputs, {"split_heads": split_heads})
    tolerance = 1e-5 if dtype == "float32" else 2e-2
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found.astype(np.float32), wanted.astype(np.float32), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("place", "shape", "why"),
    [
        (1, (1, 2, 2), "spatial_shapes and level_start_index have 2 dimensions and 1"),
        (2, (3,), "there are sampling locations for each level"),
        (0, (2, 47, 4, 16), "there are sampling locations for each head"),
        (4, (2, 5, 3, 2, 3), "there is an attention weight for each sampling location"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(played: Player, place: int, shape: tuple[int, ...], why: str) -> None:
    inputs = CASE.inputs()
    inputs[place] = np.zeros(shape, inputs[place].dtype)
    with pytest.raises(Refused, match=why):
        played.ask(OPERATOR, {}, *inputs)


def test_sizes_of_int64_are_refused(played: Player) -> None:
    inputs = CASE.inputs()
    inputs[1] = inputs[1].astype(np.int64)
    with pytest.raises(Refused, match="has inputs of types that it has no kernel for"):
        played.ask(OPERATOR, {}, *inputs)
