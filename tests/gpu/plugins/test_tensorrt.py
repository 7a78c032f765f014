"""Every plugin through TensorRT 8.5 on the card: compiled, built, verified, measured and run as the farm does it.

It needs no PyTorch: with the Python of TensorRT, `python -m pytest tests/gpu/plugins/test_tensorrt.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from farm.protocol.facts import DeviceFacts
from farm.protocol.report import Verdict
from farm.protocol.target import BuildTarget
from farm.protocol.work import BuildWork
from tests.plugins.cases import CASES, Array, Case
from tests.plugins.expected import check
from tests.support.tried import expect, tried
from worker.child.result import ChildResult

from .compiled import Made, compile_all
from .engines import Named, built, named, opened, replayed

RUN = "plugins executed by TensorRT on the card"
REPLAYED = "plugins replayed by CUDA graphs of TensorRT"
expect(RUN, "nothing passed")
expect(REPLAYED, "nothing passed")


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory, target: BuildTarget) -> Made:
    """That of each plugin, for this card."""
    return compile_all(tmp_path_factory.mktemp("libraries"), target)


def in_order(found: Named) -> list[Array]:
    """The outputs, `y0` first."""
    return [found[name] for name in sorted(found)]


def silent(inputs: Named) -> Named:
    """Inputs of the same sizes with other contents; what are sizes or places stays."""
    return {name: np.zeros_like(array) if array.dtype.kind == "f" else array for name, array in inputs.items()}


def layer_of(told: tuple[dict[str, Any], ...], case: Case) -> dict[str, Any]:
    """The layer that is the operator; everything else may only bring tensors into another format."""
    found = [layer for layer in told if layer["details"].get("LayerType", "").startswith("Plugin")]
    assert len(found) == 1, json.dumps(told)[:4000]
    others = [layer["details"].get("LayerType") for layer in told if layer is not found[0]]
    assert set(others) <= {"Reformat", "NoOp"}, json.dumps(told)[:4000]
    assert case.operator in json.dumps(found[0]["details"]), json.dumps(told)[:4000]
    return found[0]


@dataclass(frozen=True)
class Sample:
    """A case whose engine is there, in a workspace of a build."""

    case: Case
    dtype: str
    folder: Path
    work: BuildWork
    result: ChildResult


@pytest.fixture(scope="module", params=[(name, dtype) for name in CASES for dtype in ("float32", "float16")], ids=str)
def sample(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, target: BuildTarget, libraries: Made
) -> Sample:
    """One case after the other, each in both types."""
    name, dtype = request.param
    case = CASES[name] if dtype == "float32" else CASES[name].half()
    folder = tmp_path_factory.mktemp("build")
    return Sample(case, dtype, folder, *built(folder, case, dtype, target, libraries[case.plugin]))


def test_its_build_is_verified_and_measured_in_a_cuda_graph(sample: Sample) -> None:
    assert sample.result.verification.verdict is Verdict.PASSED, sample.result.verification
    assert sample.result.benchmark is not None
    assert sample.result.benchmark.policy.cuda_graph
    assert sample.result.benchmark.latency is not None, sample.result.benchmark.reason


def test_its_engine_computes_what_the_reference_says_with_our_layer(sample: Sample, facts: DeviceFacts) -> None:
    case = sample.case
    with opened(sample.folder, sample.work, sample.result, facts) as engine:
        assert engine.plugins_loaded() == {f"plugins/libfarm_{case.plugin}.so": (f"{case.operator} 1",)}
        layer = layer_of(engine.session.layer_information(), case)
        # No other type was quietly chosen for it.
        assert layer["types"].startswith({"float32": "fp32", "float16": "fp16"}[sample.dtype]), layer
        for inputs in case.every:
            check(in_order(engine.run(named("x", inputs))), case.wanted(inputs), case.plugin)
    tried(RUN, case.plugin)


def test_a_cuda_graph_of_it_computes_what_the_reference_says(sample: Sample) -> None:
    plan = sample.folder / "output" / sample.result.files[0].name
    for inputs in sample.case.every:
        given = named("x", inputs)
        for found in replayed(plan, sample.work.key.options, silent(given), given):
            check(in_order(found), sample.case.wanted(inputs), sample.case.plugin)
    tried(REPLAYED, sample.case.plugin)
