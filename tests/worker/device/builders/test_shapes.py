from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid
from farm.protocol.options import BuildOptions, ShapeRange
from farm.protocol.shapes import parse_shapes
from worker.device.builders.shapes import check_profiles, require_shapes

IMAGES = TensorSpec("images", "float32", (-1, 3, -1, -1))
MASK = TensorSpec("mask", "bool", (-1, -1))
SCALE = TensorSpec("scale", "float32", ())


def order(*inputs: Any, profiles: Any = ()) -> Any:
    return SimpleNamespace(inputs=inputs, options=BuildOptions(profiles=profiles))


def fixed(*sizes: Any) -> Any:
    return ShapeRange(sizes, sizes, sizes)


def test_one_error_lists_every_open_input_and_what_to_type() -> None:
    with pytest.raises(Invalid) as caught:
        require_shapes(order(IMAGES, SCALE, MASK), "tensorrt 8.5.2.2")
    assert "tensorrt 8.5.2.2" in caught.value.message
    assert "images [?, 3, ?, ?], mask [?, ?] have none" in caught.value.message
    flags = caught.value.hint.split("--")[1:]
    assert [flag.split()[0] for flag in flags] == ["min-shapes", "opt-shapes", "max-shapes"]
    for flag in flags:
        shapes = parse_shapes(flag.split()[1])
        assert {name: len(axes) for name, axes in shapes.items()} == {"images": 4, "mask": 2}
        assert shapes["images"][1] == 3


@pytest.mark.parametrize(
    ("profiles", "lacking"),
    [
        (({"images": fixed(1, 3, 8, 8)},), ["mask"]),
        (({"images": fixed(1, 3, 8, 8), "mask": fixed(8, 8)}, {"mask": fixed(4, 4)}), ["images"]),
    ],
)
def test_an_input_that_one_profile_leaves_out_has_no_shape(profiles: Any, lacking: Any) -> None:
    with pytest.raises(Invalid) as caught:
        require_shapes(order(IMAGES, SCALE, MASK, profiles=profiles), "tensorrt 10.4.0")
    assert [name for name in ("images", "mask") if f"{name} [" in caught.value.message] == lacking


def test_fixed_inputs_and_complete_profiles_need_nothing() -> None:
    require_shapes(order(SCALE, TensorSpec("x", "float32", (1, 3))), "tensorrt 10.4.0")
    require_shapes(order(IMAGES, profiles=({"images": fixed(1, 3, 8, 8)},)), "tensorrt 10.4.0")


@pytest.mark.parametrize(
    "given", [{"pictures": fixed(1, 3, 8, 8)}, {"images": fixed(1, 4, 8, 8)}, {"images": fixed(1)}]
)
def test_a_profile_that_contradicts_the_model_is_refused(given: Any) -> None:
    with pytest.raises(Invalid, match="profile"):
        check_profiles(order(IMAGES, profiles=(given,)))
