from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid
from worker.host.reference.generate import fill, generate
from worker.host.reference.meaning import Meaning

NOTHING = Meaning()
DTYPES = ("float16", "float32", "float64", "bool", "int8", "uint8", "int16", "int32", "int64", "uint64")


@given(
    dtype=st.sampled_from(DTYPES),
    shape=st.lists(st.integers(1, 5), max_size=3).map(tuple),
    seed=st.integers(0, 2**32),
    below=st.none() | st.integers(1, 100),
)
def test_what_is_generated_fits_and_is_the_same_again(
    dtype: str, shape: tuple[int, ...], seed: int, below: int | None
) -> None:
    spec = TensorSpec("x", dtype, shape)
    array = generate(spec, shape, Meaning(below=below), seed)
    assert (array.dtype.name, array.shape) == (dtype, shape)
    assert np.array_equal(array, generate(spec, shape, Meaning(below=below), seed))
    if array.dtype.kind in "iu" and below is not None:
        assert 0 <= array.min() <= array.max() < below
    if array.dtype.kind == "f":
        assert np.isfinite(array).all()
        assert np.abs(array).max() <= 1


def test_inputs_have_streams_of_their_own() -> None:
    first = generate(TensorSpec("a", "float32", (8,)), (8,), NOTHING, 0)
    second = generate(TensorSpec("b", "float32", (8,)), (8,), NOTHING, 0)
    other_seed = generate(TensorSpec("a", "float32", (8,)), (8,), NOTHING, 1)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, other_seed)


def test_floats_have_both_signs_unless_a_range_says_otherwise() -> None:
    spec = TensorSpec("x", "float32", (1000,))
    plain = generate(spec, (1000,), NOTHING, 0)
    assert plain.min() < -0.9
    assert plain.max() > 0.9
    ranged = generate(spec, (1000,), NOTHING, 0, (10.0, 20.0))
    assert 10 <= ranged.min() < 11
    assert 19 < ranged.max() <= 20


@pytest.mark.parametrize(
    ("dtype", "meaning", "expected"),
    [
        ("int64", Meaning(constant=16000), {16000}),
        ("int64", Meaning(below=3), {0, 1, 2}),
        ("int64", Meaning(most=7), {7}),
        ("int64", NOTHING, {0, 1}),
        ("bool", NOTHING, {False, True}),
        ("uint8", NOTHING, set(range(256))),
        ("int8", NOTHING, set(range(-128, 128))),
        ("int64", Meaning(constant=5, below=3), {5}),
    ],
)
def test_whole_numbers_mean_something(dtype: str, meaning: Meaning, expected: set[int]) -> None:
    array = generate(TensorSpec("x", dtype, (8000,)), (8000,), meaning, 0)
    assert set(array.tolist()) == expected


def test_a_range_is_stronger_than_the_meaning_and_includes_its_ends() -> None:
    array = generate(TensorSpec("x", "int64", (1000,)), (1000,), Meaning(constant=5), 0, (2.0, 4.0))
    assert set(array.tolist()) == {2, 3, 4}


def test_what_decides_a_shape_is_asked_for() -> None:
    spec = TensorSpec("k", "int64", (1,))
    with pytest.raises(Invalid) as caught:
        generate(spec, (1,), Meaning(decides="TopK"), 0)
    assert "decides a shape (it goes into TopK)" in caught.value.message
    assert "--value k=N" in caught.value.hint
    assert generate(spec, (1,), Meaning(decides="TopK"), 0, (3.0, 3.0)).tolist() == [3]


def test_types_that_numpy_lacks_and_values_that_do_not_fit_are_refused() -> None:
    with pytest.raises(Invalid, match="is bfloat16, which reference inputs cannot be"):
        generate(TensorSpec("x", "bfloat16", (1,)), (1,), NOTHING, 0)
    with pytest.raises(Invalid, match="does not fit int8"):
        generate(TensorSpec("x", "int8", (1,)), (1,), NOTHING, 0, (0.0, 300.0))


def test_one_value_fills_an_input() -> None:
    assert fill(TensorSpec("sr", "int64", ()), (), 8000.0).tolist() == 8000
    assert fill(TensorSpec("x", "float16", (2,)), (2,), 0.1).tolist() == [np.float16(0.1)] * 2
    for dtype, value in (("int64", 0.5), ("uint8", 256.0), ("bool", 2.0), ("int8", float("nan"))):
        with pytest.raises(Invalid, match=f"does not fit input 'x', which is {dtype}"):
            fill(TensorSpec("x", dtype, (1,)), (1,), value)
