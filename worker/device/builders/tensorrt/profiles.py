"""Optimisation profiles: the ranges of shapes that one engine takes."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from farm.protocol.errors import Invalid
from farm.protocol.options import ShapeRange
from farm.protocol.shapes import format_shapes

from ..base import BuildOrder
from ..shapes import check_profiles, require_shapes


def check(order: BuildOrder, name: str) -> None:
    """The profiles fit the model, and no input with an open axis lacks a range.

    Raises: Invalid: before TensorRT has seen anything, and for all inputs at once.
    """
    check_profiles(order)
    require_shapes(order, name)


def add_profiles(builder: Any, network: Any, config: Any, order: BuildOrder) -> None:
    """Give the profiles of the order to the configuration.

    Raises: Invalid: TensorRT refuses one.
    """
    known = {network.get_input(index).name for index in range(network.num_inputs)}
    for profile in order.options.profiles or _only_shapes(network):
        made = builder.create_optimization_profile()
        for name, allowed in profile.items():
            # The parser drops inputs that nothing uses.
            if name in known:
                _set(made, name, allowed)
        if config.add_optimization_profile(made) < 0:
            raise Invalid(f"TensorRT refuses the profile {_told(profile)}", "The log of the attempt says why.")


def _only_shapes(network: Any) -> Tuple[Dict[str, ShapeRange], ...]:
    """The one profile of a network whose inputs are all fixed, where an output is of unknown size.

    TensorRT 8.5 fails without one ("need profile"); newer versions take it as well.
    """
    outputs = (network.get_output(index) for index in range(network.num_outputs))
    if not any(-1 in tuple(output.shape) for output in outputs):
        return ()
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    shapes = {item.name: tuple(item.shape) for item in inputs}
    return ({name: ShapeRange(shape, shape, shape) for name, shape in shapes.items()},)


def _set(profile: Any, name: str, allowed: ShapeRange) -> None:
    try:
        profile.set_shape(name, allowed.minimum, allowed.optimum, allowed.maximum)
    except (ValueError, RuntimeError) as error:
        raise Invalid(f"TensorRT refuses the shapes of input {name!r}: {error}", "Give other sizes.") from error


def _told(profile: Dict[str, ShapeRange]) -> str:
    return " / ".join(
        format_shapes({name: getattr(allowed, which) for name, allowed in profile.items()})
        for which in ("minimum", "optimum", "maximum")
    )
