"""Engines for tests, built on the card of this machine, and small networks with NumPy beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from farm.protocol.options import BuildOptions, Precision, ShapeRange
from farm.protocol.target import BuildTarget
from farm.runtime.session import Session
from farm.runtime.tensorrt import open_session
from tests.support import models
from tests.worker.device.builders.orders import order_of
from worker.device.builders.table import load

Array = Any

# Such as `tacticSources=-CUBLAS,-CUBLAS_LT,-CUDNN`, where those libraries are not installed.
GIVEN = [item for item in os.environ.get("FARM_GPU_OPTIONS", "").split() if item]


def engine_of(
    folder: Path, model: Any, target: BuildTarget, *profiles: dict[str, ShapeRange], precision: str = "fp32"
) -> Session:
    """The engine of a model, open."""
    backend_options = dict(item.split("=", 1) for item in GIVEN)
    options = BuildOptions(Precision(precision), profiles, backend_options=backend_options)
    made = order_of(folder, model, options, target=target)
    built = load(target.backend).build(made)
    return open_session(made.output / built.files[0], options)


def matrix_net(batch: Any = 4) -> Any:
    """y = relu(x w), and the same once more with every element doubled."""
    from onnx import helper

    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"]),
        helper.make_node("Relu", ["product"], ["y"]),
        helper.make_node("Add", ["y", "y"], ["twice"]),
    ]
    outputs = {"y": ("float32", [batch, 8]), "twice": ("float32", [batch, 8])}
    return models.model(nodes, {"x": ("float32", [batch, 16])}, outputs, {"w": weights()})


def weights() -> Array:
    """Of `matrix_net`."""
    return np.random.default_rng(7).standard_normal((16, 8)).astype(np.float32)


def some(*shape: int, seed: int = 0) -> Array:
    """Normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def product(x: Array) -> Array:
    """What `matrix_net` computes."""
    return np.maximum(x @ weights(), 0)


def nonzero_net() -> Any:
    """The places of all elements above zero: nobody knows how many before."""
    from onnx import helper

    nodes = [
        helper.make_node("Greater", ["x", "zero"], ["above"]),
        helper.make_node("Cast", ["above"], ["marks"], to=1),
        helper.make_node("NonZero", ["marks"], ["long"]),
        helper.make_node("Cast", ["long"], ["places"], to=6),
    ]
    zero = {"zero": np.zeros((), np.float32)}
    return models.model(nodes, {"x": ("float32", [4, 16])}, {"places": ("int32", [2, "count"])}, zero)
