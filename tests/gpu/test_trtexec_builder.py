"""The builder `trtexec` and the sessions of its engines on a card, with NVIDIA's own program and nothing between.

The program is found in PATH or where TensorRT puts it.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from farm.device.machine import Machine
from farm.device.trtexec import find_trtexec
from farm.protocol.errors import Unsupported
from farm.protocol.options import BenchmarkPolicy, BuildOptions, Precision, ShapeRange
from farm.protocol.target import BuildTarget
from farm.runtime.benchmark.measure import measure
from farm.runtime.session import Session
from farm.runtime.tensorrt import open_session
from tests.worker.device.builders.orders import order_of
from worker.device.builders.table import load

from .engines import GIVEN, matrix_net, product, some
from .test_mix import SCALE, WIDTH, matrices, mixed_net

BUILDER = load("trtexec")


@pytest.fixture(scope="module")
def own_target(target: BuildTarget) -> BuildTarget:
    """The card, by the program, in the version of the binding beside it."""
    assert find_trtexec(Machine()), "there is no trtexec in PATH"
    return dataclasses.replace(target, backend="trtexec")


def built(folder: Path, model: Any, target: BuildTarget, precision: str = "fp32", *profiles: Any, **more: Any) -> Any:
    """Plan, options and what is told of an engine."""
    given = {**dict(item.split("=", 1) for item in GIVEN), **more}
    made = order_of(folder, model, BuildOptions(Precision(precision), profiles, backend_options=given), target=target)
    engine = BUILDER.build(made)
    return made.output / engine.files[0], made.options, engine


def run(session: Session, x: Any) -> Any:
    return session.run({"x": x})


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_an_engine_computes_what_its_graph_says(tmp_path: Path, own_target: BuildTarget, precision: str) -> None:
    plan, options, engine = built(tmp_path, matrix_net(), own_target, precision)
    assert engine.effective["arguments"]
    x = some(4, 16)
    with BUILDER.open(plan, options) as session:
        found = run(session, x)
        assert session.layer_information()
    np.testing.assert_allclose(found["y"], product(x), rtol=1e-4 if precision == "fp32" else 2e-2, atol=1e-2)
    # The binding, which is another door to the same TensorRT, gives the same but for the digits that are printed.
    with open_session(plan, options) as session:
        np.testing.assert_allclose(found["y"], run(session, x)["y"], rtol=1e-5, atol=1e-6)


def test_every_shape_of_a_profile_runs(tmp_path: Path, own_target: BuildTarget) -> None:
    profile = {"x": ShapeRange((1, 16), (4, 16), (9, 16))}
    plan, options, _ = built(tmp_path, matrix_net("n"), own_target, "fp32", profile)
    with BUILDER.open(plan, options) as session:
        for batch in (1, 9):
            x = some(batch, 16, seed=batch)
            np.testing.assert_allclose(run(session, x)["y"], product(x), rtol=1e-4, atol=1e-4)


def test_what_float16_cannot_hold_is_computed_in_float32(tmp_path: Path, own_target: BuildTarget) -> None:
    up, down, last = matrices()
    plan, options, _ = built(tmp_path, mixed_net(), own_target, "mix")
    x = some(64, WIDTH, seed=10)
    wanted = np.maximum(x @ up, 0) @ down @ last
    with BUILDER.open(plan, options) as session:
        found = run(session, x)["y"]
    assert float(np.finfo(np.float16).max) < SCALE
    assert np.isfinite(found).all()
    assert np.abs(found - wanted).max() < 0.02 * np.abs(wanted).max()


def test_an_operator_that_nobody_has_is_named(tmp_path: Path, own_target: BuildTarget) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["h"]), helper.make_node("Odd", ["h"], ["y"], name="odd", domain="own")]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in ("x", "y")]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:])
    options = BuildOptions(backend_options=dict(item.split("=", 1) for item in GIVEN))
    # The order is made for a graph that ONNX Runtime can open.
    made = order_of(tmp_path, matrix_net(), options, target=own_target)
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(made.model))
    with pytest.raises(Unsupported, match="has no operator own::Odd, which the own::Odd 'odd' needs"):
        BUILDER.build(dataclasses.replace(made, inputs=()))


def test_its_own_times_are_those_of_its_exports(tmp_path: Path, own_target: BuildTarget) -> None:
    plan, options, _ = built(tmp_path, matrix_net(), own_target, ownBenchmark=True)
    policy = BenchmarkPolicy(warmup_ms=50, duration_s=0.5, max_cv_percent=100)
    with BUILDER.open(plan, options) as session:
        report = measure(session, {"x": some(4, 16)}, policy)
    assert report.method == "trtexec"
    assert report.latency is not None
    assert report.iterations >= policy.iterations
    assert report.layers
    assert report.throughput_per_s


def test_a_timing_cache_comes_back(tmp_path: Path, own_target: BuildTarget) -> None:
    from worker.device.builders.base import TimingOrder

    given = {**dict(item.split("=", 1) for item in GIVEN)}
    options = BuildOptions(Precision.FP16, backend_options=given)
    cold = order_of(tmp_path / "cold", matrix_net(), options, target=own_target)
    first = BUILDER.build(dataclasses.replace(cold, timing=TimingOrder(None, None, certified=False)))
    assert first.learned is not None
    cache = cold.output / first.learned.name
    warm = order_of(tmp_path / "warm", matrix_net(), options, target=own_target)
    second = BUILDER.build(dataclasses.replace(warm, timing=TimingOrder(cache, "a" * 64, certified=False)))
    told = second.effective["timing_cache"]
    assert told["began_bytes"] == cache.stat().st_size
    assert "refused" not in told
    assert told.get("tactics_timed", 0) < first.effective["timing_cache"].get("tactics_timed", 1)
