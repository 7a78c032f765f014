from __future__ import annotations

import re
from typing import Any, Dict

import pytest

from farm.protocol.errors import Invalid
from farm.protocol.inputs import DeclaredInput, check_inputs, says_anything
from farm.protocol.options import BuildOptions, ReferencePolicy
from farm.protocol.shapes import parse_shapes, profile_from_shapes

DECLARED = (
    DeclaredInput("input", ("batch", 3, -1)),
    DeclaredInput("sr", ()),
    DeclaredInput("odd", None),
)
LISTED = "input [batch, 3, ?], sr scalar, odd of any shape."


def asked(*shapes: str, **reference: Any) -> Dict[str, Any]:
    ranged = [parse_shapes(text) for text in shapes]
    profiles = (profile_from_shapes(ranged[0], ranged[len(ranged) // 2], ranged[-1]),) if ranged else ()
    return {"options": BuildOptions(profiles=profiles), "reference": ReferencePolicy(**reference)}


@pytest.mark.parametrize(
    "ask",
    [
        asked(),
        asked("input:1x3x8,sr:scalar,odd:7x7"),
        asked("input:1x3x8", "input:2x3x8", "input:9x3x80"),
        asked("input:1x3x8", values={"sr": 16000.0}, ranges={"odd": (0.0, 1.0)}, shapes={"odd": (1,)}),
    ],
)
def test_what_fits_passes(ask: Any) -> None:
    check_inputs(DECLARED, **ask)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (asked("inputs:1x3x8"), "--shapes names 'inputs', which is no input of the model. Its inputs are " + LISTED),
        (asked(values={"rate": 1.0}), "--value names 'rate', which is no input of the model. Its inputs are " + LISTED),
        (asked(ranges={"x": (0.0, 1.0)}), "--range names 'x', which is no input"),
        (asked(shapes={"x": (1,)}), "--shapes names 'x', which is no input"),
        (asked("input:1x8"), "input 'input' cannot have the shape 1x8: it has 3 axes, not 2. The inputs are " + LISTED),
        (asked("sr:1"), "input 'sr' cannot have the shape 1: it has 0 axes, not 1"),
        (asked(shapes={"input": (1, 3, 8, 8)}), "the shape 1x3x8x8: it has 3 axes, not 4"),
        (asked("input:1x1x8", "input:1x3x8", "input:1x3x8"), "the shape 1x1x8: axis 1 is always 3"),
        (asked("input:1x3x8", "input:1x3x8", "input:1x4x8"), "the shape 1x4x8: axis 1 is always 3"),
    ],
)
def test_what_does_not_fit_is_refused_with_all_inputs(ask: Any, told: str) -> None:
    assert says_anything(**ask)
    with pytest.raises(Invalid, match=re.escape(told)):
        check_inputs(DECLARED, **ask)


def test_a_model_without_inputs_is_told() -> None:
    with pytest.raises(Invalid, match="Its inputs are none"):
        check_inputs((), **asked("x:1"))


def test_nothing_said_is_nothing_to_check() -> None:
    assert not says_anything(**asked())
