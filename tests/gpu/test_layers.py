"""What TensorRT tells of the layers of an engine on the card, and how long each takes; some seconds each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from farm.protocol.options import BenchmarkPolicy
from farm.protocol.target import BuildTarget
from farm.runtime.benchmark.measure import measure
from farm.runtime.layerfile import LAYERS_FILE, read_layers
from worker.device.builders.base import BuiltEngine
from worker.device.layers import layers_of_engine

from .engines import engine_of, matrix_net, some


def test_every_layer_has_its_kind_and_types_and_its_time(tmp_path: Path, target: BuildTarget) -> None:
    timed: list[dict[str, Any]] = []
    with engine_of(tmp_path, matrix_net(), target) as engine:
        told = engine.layer_information()
        policy = BenchmarkPolicy(warmup_ms=20, duration_s=0.2, attempts=1)
        report = measure(engine, {"x": some(4, 16)}, policy, keep_layers=timed.extend)
        output = tmp_path / "layers"
        output.mkdir()
        made = layers_of_engine(engine, BuiltEngine(("engine.plan",), None), timed, output)  # type: ignore[arg-type]
    assert made == (LAYERS_FILE,)
    assert told
    assert all(layer["name"] and layer["operator"] for layer in told), told
    assert any("fp32" in layer["types"] for layer in told), told
    assert timed
    assert sum(layer["share"] for layer in timed) == pytest.approx(1.0)
    assert [layer["name"] for layer in report.layers] == [layer["name"] for layer in timed][:50]
    assert {layer["name"] for layer in timed} <= {layer["name"] for layer in told}
    assert all(layer["operator"] for layer in report.layers)
    source, layers = read_layers(output)
    assert source == f"tensorrt {target.backend_version} of the engine"
    assert {layer["name"] for layer in layers} == {layer["name"] for layer in told}
    assert layers[0]["mean_ms"] == max(layer["mean_ms"] for layer in timed)


def test_the_sum_of_the_layers_is_the_time_of_the_computation(tmp_path: Path, target: BuildTarget) -> None:
    with engine_of(tmp_path, matrix_net(), target) as engine:
        report = measure(engine, {"x": some(4, 16)}, BenchmarkPolicy(warmup_ms=50, duration_s=0.5, max_cv_percent=100))
    assert report.phases
    layers_ms = sum(layer["mean_ms"] for layer in report.layers)
    # The profiler waits between layers: it is never faster, and of the same order.
    assert 0.3 * report.phases["compute"].median_ms < layers_ms < 20 * report.phases["compute"].median_ms
