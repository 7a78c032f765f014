from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid
from farm.protocol.options import ShapeRange
from farm.runtime.inputs import check_inputs

SPECS = (TensorSpec("images", "float32", (-1, 3, 8)), TensorSpec("rate", "int64", ()))
IMAGES, RATE = np.zeros((2, 3, 8), np.float32), np.array(16000)


def test_inputs_that_fit_come_back_in_the_engine_s_order() -> None:
    assert list(check_inputs({"rate": RATE, "images": IMAGES}, SPECS)) == ["images", "rate"]


def test_a_numpy_scalar_is_an_array_without_axes() -> None:
    assert check_inputs({"images": IMAGES, "rate": np.int64(8000)}, SPECS)["rate"].shape == ()


def test_foreign_byte_order_is_turned() -> None:
    checked = check_inputs({"images": IMAGES.astype(">f4"), "rate": RATE}, SPECS)
    assert checked["images"].dtype.isnative


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"images": IMAGES},
            "input 'rate' is missing. Its inputs are images .float32 .[?], 3, 8.., rate .int64",
        ),
        ({"images": IMAGES, "rate": RATE, "x": RATE}, "no input 'x'"),
        ({"images": IMAGES.astype(np.float64), "rate": RATE}, "'images' is float64, the engine takes float32"),
        ({"images": IMAGES.tolist(), "rate": RATE}, "'images' is a list, not an array"),
        ({"images": IMAGES, "rate": 16000}, "'rate' is a int, not an array"),
        ({"images": IMAGES[0], "rate": RATE}, "has the shape 3x8, the engine takes .[?], 3, 8."),
        ({"images": np.zeros((2, 4, 8), np.float32), "rate": RATE}, "has the shape 2x4x8"),
        ({"images": IMAGES, "rate": np.array([16000])}, "has the shape 1, the engine takes scalar"),
        ({"images": IMAGES, "rate": RATE.astype(np.int32)}, "'rate' is int32"),
        ({"images": IMAGES.astype(object), "rate": RATE}, "'images' is object"),
    ],
)
def test_what_does_not_fit_is_named(arrays: Any, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        check_inputs(arrays, SPECS)


def test_shapes_must_lie_inside_one_profile() -> None:
    profiles = tuple({"images": ShapeRange((low, 3, 8), (low, 3, 8), (high, 3, 8))} for low, high in ((1, 2), (8, 16)))
    for batch, fits in ((1, True), (2, True), (3, False), (8, True), (17, False)):
        arrays = {"images": np.zeros((batch, 3, 8), np.float32), "rate": RATE}
        if fits:
            check_inputs(arrays, SPECS, profiles)
        else:
            with pytest.raises(Invalid, match=f"shape {batch}x3x8, outside of the profile"):
                check_inputs(arrays, SPECS, profiles)
