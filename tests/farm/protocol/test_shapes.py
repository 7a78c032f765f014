from __future__ import annotations

from typing import Tuple, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.protocol.errors import Invalid
from farm.protocol.options import ShapeRange
from farm.protocol.shapes import Shapes, format_shape, format_shapes, parse_shapes, profile_from_shapes

NAMES = st.text("abcXYZ019_./:", min_size=1, max_size=8).filter(lambda name: name.strip(":") == name)
SHAPES = st.dictionaries(NAMES, st.lists(st.integers(0, 4096), max_size=5).map(tuple), min_size=1, max_size=4)


@given(SHAPES)
def test_both_spellings_say_the_same(shapes: Shapes) -> None:
    listed = ",".join(f"{name}:[{','.join(map(str, axes))}]" for name, axes in shapes.items())
    assert parse_shapes(format_shapes(shapes)) == shapes
    assert parse_shapes(listed) == shapes
    assert parse_shapes(listed.replace(",", " , ")) == shapes


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("x:1x3x224x224", {"x": (1, 3, 224, 224)}),
        ("x:[1,3,224,224],y:2x2", {"x": (1, 3, 224, 224), "y": (2, 2)}),
        ("input:0:1x576", {"input:0": (1, 576)}),
        ("'x':[1]", {"x": (1,)}),
        ("sr:scalar,z:[]", {"sr": (), "z": ()}),
    ],
)
def test_what_people_write(text: str, shapes: Shapes) -> None:
    assert parse_shapes(text) == shapes


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "an empty shape"),
        ("x", "cannot read the shape 'x'"),
        ("x:1x", "cannot read the shape"),
        ("x:-1x3", "cannot read the shape"),
        ("x:[1,-3]", "cannot be negative"),
        ("x:[1,a]", "is not a list of sizes"),
        ("x:1,x:2", "'x' has two shapes"),
        ("x:[1,2", "cannot read the shape"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, told: str) -> None:
    with pytest.raises(Invalid, match=told) as refused:
        parse_shapes(text)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("axes", "text"),
    [
        ((1, 3, 224, 224), "1x3x224x224"),
        (("1", "3"), "1x3"),
        ((7,), "7"),
        ((), "scalar"),
        (("batch", "tokens", 32), "[batch, tokens, 32]"),
        ((-1, 3, -1), "[?, 3, ?]"),
        (("", "-1"), "[?, ?]"),
    ],
)
def test_a_shape_is_printed_as_it_is_typed_until_an_axis_is_open(axes: Tuple[Union[int, str], ...], text: str) -> None:
    assert format_shape(axes) == text


def test_an_open_shape_can_be_typed_once_its_axes_have_sizes() -> None:
    text = format_shape(("batch", "tokens", 32)).replace("batch", "2").replace("tokens", "128")
    assert parse_shapes(f"x:{text}") == {"x": (2, 128, 32)}


def test_what_lacks_in_a_profile_is_taken_from_the_others() -> None:
    low: Shapes = {"x": (1, 3)}
    high: Shapes = {"x": (8, 3)}
    assert profile_from_shapes(low, None, high) == {"x": ShapeRange((1, 3), (8, 3), (8, 3))}
    assert profile_from_shapes(low, None, None) == {"x": ShapeRange((1, 3), (1, 3), (1, 3))}
    assert profile_from_shapes(low, {"x": (4, 3)}, high) == {"x": ShapeRange((1, 3), (4, 3), (8, 3))}
    assert profile_from_shapes(None, None, None) == {}


@pytest.mark.parametrize(
    ("low", "best", "high", "told"),
    [
        ({"x": (2,)}, {"x": (1,)}, {"x": (3,)}, "minimum ≤ optimum ≤ maximum"),
        ({"x": (1,)}, {"x": (1, 1)}, {"x": (1, 1)}, "different ranks"),
        ({"x": (1,)}, {"x": (1,), "y": (1,)}, {"x": (1,), "y": (1,)}, "'y' has no min shape"),
    ],
)
def test_a_profile_that_cannot_be_is_refused(low: Shapes, best: Shapes, high: Shapes, told: str) -> None:
    with pytest.raises(Invalid, match=told):
        profile_from_shapes(low, best, high)
