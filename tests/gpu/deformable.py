"""A network around an operator of NVIDIA's plugin library, and its twin in NumPy: multi-scale deformable attention."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

Array = Any

OPERATOR = "MultiscaleDeformableAttnPlugin_TRT"
DOMAIN = "nvidia"
# Rows and columns of each map, and how much there is of everything else.
LEVELS: tuple[tuple[int, int], ...] = ((8, 12), (4, 6))
HEADS, CHANNELS, POINTS, QUERIES = 4, 32, 4, 50
WIDTH = HEADS * CHANNELS
PLACES = sum(rows * columns for rows, columns in LEVELS)


def shapes() -> dict[str, tuple[int, ...]]:
    """Of the inputs."""
    return {
        "x": (1, PLACES, WIDTH),
        "where": (1, QUERIES, HEADS, len(LEVELS), POINTS, 2),
        "how_much": (1, QUERIES, HEADS, len(LEVELS), POINTS),
    }


def inputs(seed: int = 0) -> dict[str, Array]:
    """Values, places within the maps (and some outside), and weights that sum to one."""
    draw = np.random.default_rng(seed)
    found = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes().items()}
    found["where"] = draw.uniform(-0.1, 1.1, shapes()["where"]).astype(np.float32)
    raised = np.exp(found["how_much"])
    found["how_much"] = (raised / raised.sum(axis=(-2, -1), keepdims=True)).astype(np.float32)
    return found


def weights() -> Array:
    """Of the product before the operator."""
    drawn = np.random.default_rng(9).standard_normal((WIDTH, WIDTH))
    return (drawn / np.sqrt(WIDTH)).astype(np.float32)


def net() -> Any:
    """y = attention(x w, where, how_much)."""
    starts = np.cumsum([0] + [rows * columns for rows, columns in LEVELS[:-1]])
    held = {
        "w": weights(),
        "levels": np.array(LEVELS, np.int32),
        "starts": starts.astype(np.int32),
        "split": np.array([1, PLACES, HEADS, CHANNELS], np.int64),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"]),
        helper.make_node("Reshape", ["product", "split"], ["value"]),
        helper.make_node(OPERATOR, ["value", "levels", "starts", "where", "how_much"], ["seen"], domain=DOMAIN),
        helper.make_node("Add", ["seen", "seen"], ["y"]),
    ]
    taken = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes().items()]
    size = (1, QUERIES, HEADS, CHANNELS)
    graph = helper.make_graph(
        nodes,
        "deformable",
        taken,
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, size)],
        [numpy_helper.from_array(array, name) for name, array in held.items()],
        value_info=[helper.make_tensor_value_info("seen", TensorProto.FLOAT, size)],
    )
    opsets = [helper.make_opsetid("", 16), helper.make_opsetid(DOMAIN, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def answer(given: dict[str, Array]) -> dict[str, Array]:
    """What the network gives, with the twin for its operator."""
    value = (given["x"] @ weights()).reshape(1, PLACES, HEADS, CHANNELS)
    return {"y": 2 * attention(value, given["where"], given["how_much"])}


def attention(value: Array, where: Array, how_much: Array) -> Array:
    """The weighted sum of what lies at the places, between four neighbours; nothing lies outside of a map."""
    total = np.zeros((1, QUERIES, HEADS, CHANNELS), np.float64)
    start, heads = 0, np.arange(HEADS)[None, :, None]
    for level, (rows, columns) in enumerate(LEVELS):
        image = value[0, start : start + rows * columns].reshape(rows, columns, HEADS, CHANNELS).astype(np.float64)
        start += rows * columns
        x = where[0, :, :, level, :, 0].astype(np.float64) * columns - 0.5
        y = where[0, :, :, level, :, 1].astype(np.float64) * rows - 0.5
        for column, row in ((0, 0), (0, 1), (1, 0), (1, 1)):
            at_x, at_y = np.floor(x).astype(int) + column, np.floor(y).astype(int) + row
            share = (1 - np.abs(x - at_x)) * (1 - np.abs(y - at_y)) * how_much[0, :, :, level]
            inside = (at_x >= 0) & (at_x < columns) & (at_y >= 0) & (at_y < rows)
            picked = image[at_y.clip(0, rows - 1), at_x.clip(0, columns - 1), heads]
            total[0] += (picked * np.where(inside, share, 0)[..., None]).sum(axis=2)
    return total.astype(np.float32)
