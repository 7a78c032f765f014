"""Engines of TensorRT that really run: numbers, shapes, threads, and what is refused."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from farm.protocol.errors import BuildFailed, Invalid, Unsupported
from farm.protocol.options import BenchmarkPolicy, ShapeRange
from farm.protocol.target import BuildTarget
from farm.runtime.benchmark.measure import measure
from farm.runtime.cuda.device import Device
from farm.runtime.session import Launch
from farm.runtime.tensorrt import open_session

from .engines import engine_of, matrix_net, nonzero_net, product, some


def close(found: Any, wanted: Any) -> None:
    """Equal up to TF32, which has ten bits of mantissa and is on by default."""
    np.testing.assert_allclose(found, wanted, rtol=2e-2, atol=2e-2)


def test_it_computes_what_numpy_computes(tmp_path: Path, target: BuildTarget) -> None:
    with engine_of(tmp_path, matrix_net(), target) as engine:
        for seed in range(3):
            x = some(4, 16, seed=seed)
            found = engine.run({"x": x})
            close(found["y"], product(x))
            close(found["twice"], 2 * product(x))
        assert [(item.name, item.dtype, item.shape) for item in engine.inputs] == [("x", "float32", (4, 16))]
        assert (engine.backend, engine.backend_version) == ("tensorrt", target.backend_version)


def test_outputs_belong_to_the_caller(tmp_path: Path, target: BuildTarget) -> None:
    with engine_of(tmp_path, matrix_net(), target) as engine:
        first = engine.run({"x": some(4, 16, seed=1)})
        kept = first["y"].copy()
        engine.run({"x": some(4, 16, seed=2)})
        np.testing.assert_array_equal(first["y"], kept)
    np.testing.assert_array_equal(first["y"], kept)


def test_every_shape_of_every_profile_runs_and_no_other(tmp_path: Path, target: BuildTarget) -> None:
    small = {"x": ShapeRange((1, 16), (2, 16), (4, 16))}
    large = {"x": ShapeRange((64, 16), (64, 16), (128, 16))}
    with engine_of(tmp_path, matrix_net("batch"), target, small, large) as engine:
        for batch in (1, 4, 2, 64, 128, 3, 100):
            x = some(batch, 16, seed=batch)
            close(engine.run({"x": x})["y"], product(x))
        with pytest.raises(Invalid, match="outside of the profile"):
            engine.run({"x": some(5, 16)})


def test_an_output_of_unknown_size_grows_and_shrinks(tmp_path: Path, target: BuildTarget) -> None:
    with engine_of(tmp_path, nonzero_net(), target) as engine:
        for x in (some(4, 16), -np.ones((4, 16), np.float32), np.ones((4, 16), np.float32), some(4, 16, seed=3)):
            np.testing.assert_array_equal(engine.run({"x": x})["places"], np.array(np.nonzero(x > 0), np.int32))


def test_threads_run_at_once_and_each_gets_its_own_numbers(tmp_path: Path, target: BuildTarget) -> None:
    with engine_of(tmp_path, matrix_net(), target) as engine:

        def check(seed: int) -> None:
            x = some(4, 16, seed=seed)
            close(engine.run({"x": x})["y"], product(x))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(check, range(200)))


def test_threads_share_an_engine_with_open_axes(tmp_path: Path, target: BuildTarget) -> None:
    profile = {"x": ShapeRange((1, 16), (4, 16), (8, 16))}
    with engine_of(tmp_path, matrix_net("batch"), target, profile) as engine:

        def check(seed: int) -> None:
            x = some(1 + seed % 8, 16, seed=seed)
            close(engine.run({"x": x})["y"], product(x))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(check, range(100)))
        report = measure(
            engine, {"x": some(4, 16)}, BenchmarkPolicy(duration_s=0.1, warmup_ms=10.0, max_cv_percent=1e3)
        )
        assert report.layers


def test_wrong_arrays_are_refused(tmp_path: Path, target: BuildTarget) -> None:
    with engine_of(tmp_path, matrix_net(), target) as engine:
        for wrong, said in (
            ({"x": some(5, 16)}, "takes 4x16"),
            ({"x": some(4, 16).astype(np.float64)}, "is float64"),
            ({}, "is missing"),
        ):
            with pytest.raises(Invalid, match=said):
                engine.run(wrong)
    with pytest.raises(Invalid, match="closed"):
        engine.run({"x": some(4, 16)})


def test_a_torn_plan_is_refused_in_one_sentence(tmp_path: Path, target: BuildTarget) -> None:
    engine_of(tmp_path, matrix_net(), target).close()
    (plan,) = tmp_path.rglob("engine.plan")
    for torn in (plan.read_bytes()[:1000], b"no plan at all" * 100):
        plan.write_bytes(torn)
        with pytest.raises(BuildFailed, match=r"TensorRT .* cannot load engine.plan: "):
            open_session(plan)


def test_memory_is_given_back(tmp_path: Path, target: BuildTarget) -> None:
    device = Device()
    engine_of(tmp_path, matrix_net(), target).close()
    (plan,) = tmp_path.rglob("engine.plan")
    free = []
    with device.current():
        for _ in range(6):
            with open_session(plan) as engine:
                engine.run({"x": some(4, 16)})
            free.append(device.memory()[0])
    device.close()
    assert free[-1] >= free[1] - (1 << 20)


def test_layers_and_a_benchmark(tmp_path: Path, target: BuildTarget) -> None:
    with engine_of(tmp_path, matrix_net(), target) as engine:
        layers = engine.layers({"x": some(4, 16)})
        assert layers
        assert sum(layer["share"] for layer in layers) == pytest.approx(1.0)
        policy = BenchmarkPolicy(duration_s=0.5, iterations=100, warmup_ms=100.0, max_cv_percent=100.0)
        began_s = time.perf_counter()
        report = measure(engine, {"x": some(4, 16)}, policy)
        assert report.latency
        assert 0.001 < report.latency.median_ms < 5
        assert report.iterations >= 100
        assert time.perf_counter() - began_s >= 0.5


def test_a_cuda_graph_of_an_engine_that_asks_for_memory_is_refused_and_the_engine_runs_on(
    tmp_path: Path, target: BuildTarget
) -> None:
    x = some(4, 16)
    with engine_of(tmp_path, nonzero_net(), target) as engine:
        refused = pytest.raises(Unsupported, match="cannot be recorded as a CUDA graph")
        with refused, engine.bound({"x": x}, Launch(cuda_graph=True)):
            pytest.fail("it was recorded")
        np.testing.assert_array_equal(engine.run({"x": x})["places"], np.array(np.nonzero(x > 0), np.int32))
    with engine_of(tmp_path / "recordable", matrix_net(), target) as engine:
        with engine.bound({"x": x}, Launch(cuda_graph=True)) as inference:
            assert all(value >= 0 for value in (inference() or {}).values())
        close(engine.run({"x": x})["y"], product(x))
