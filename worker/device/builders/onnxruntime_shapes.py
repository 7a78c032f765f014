"""Axes that the profiles fix become numbers in the graph, which lets the optimiser do more."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from farm.protocol.errors import Invalid

from .base import BuildOrder
from .shapes import check_profiles

FIXED_FILE = "fixed.onnx"

# Input name and axis to the one size of it in all profiles.
Fixed = Dict[Tuple[str, int], int]


def fix_axes(order: BuildOrder) -> Tuple[Path, Dict[str, Any]]:
    """The graph to build from, and what to tell about it.

    An axis that has the same size in every profile is fixed; others stay dynamic, since one graph serves every size.

    Raises: Invalid: a profile names an input the model lacks, or contradicts an axis the model fixes.
    """
    fixed = fixed_axes(order)
    if not fixed:
        return order.model, {}
    import onnx

    model = onnx.load(str(order.model), load_external_data=False)
    write_axes(model, fixed)
    folder = order.scratch / "fixed"
    for name in order.files[1:]:
        _link(order.model.parent / name, folder / name)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(folder / FIXED_FILE))
    return folder / FIXED_FILE, {"fixed_axes": {f"{name}[{axis}]": size for (name, axis), size in fixed.items()}}


def fixed_axes(order: BuildOrder) -> Fixed:
    """Every dynamic axis of the model that the profiles fix.

    Raises: Invalid
    """
    check_profiles(order)
    specs = {spec.name: spec for spec in order.inputs}
    sizes: Dict[Tuple[str, int], List[Optional[int]]] = {}
    for profile in order.options.profiles:
        for name, allowed in profile.items():
            for axis, size in enumerate(specs[name].shape):
                if size == -1:
                    one = allowed.minimum[axis] if allowed.minimum[axis] == allowed.maximum[axis] else None
                    sizes.setdefault((name, axis), []).append(one)
    everywhere = len(order.options.profiles)
    return {
        key: found[0]
        for key, found in sizes.items()
        if len(found) == everywhere and len(set(found)) == 1 and found[0] is not None
    }


def write_axes(model: Any, fixed: Fixed) -> None:
    """Put the sizes into the graph, and wherever else it calls an axis by the same name.

    Raises: Invalid: the model says two axes are equal, and the profiles do not.
    """
    named: Dict[str, int] = {}
    for value in model.graph.input:
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
            size = fixed.get((value.name, axis))
            if size is None:
                continue
            if dimension.dim_param and named.setdefault(dimension.dim_param, size) != size:
                raise Invalid(
                    f"the model calls two axes {dimension.dim_param!r}, the profiles fix them at "
                    f"{named[dimension.dim_param]} and {size}",
                    "Give them one size.",
                )
            dimension.dim_value = size
    for graph in _graphs(model.graph):
        for value in (*graph.input, *graph.output, *graph.value_info):
            for dimension in value.type.tensor_type.shape.dim:
                if dimension.dim_param in named:
                    dimension.dim_value = named[dimension.dim_param]


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _graphs(inner)


def _link(source: Path, target: Path) -> None:
    """External data under a second name; a symbolic link would lead out of the folder, which runtimes refuse."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(str(source), str(target))
    except OSError:
        shutil.copyfile(str(source), str(target))
