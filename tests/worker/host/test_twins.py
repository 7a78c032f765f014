"""Graphs with operators of plugins: prepared, referenced by NumPy twins, and held against them through every step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from farm.plugins.folder import read_folder, shipped_folder, shipped_plugins
from farm.protocol.errors import BuildFailed, Invalid
from farm.protocol.options import ReferencePolicy
from farm.protocol.states import State
from farm.protocol.work import Prepared
from farm.runtime.arrays import load_arrays
from worker.host import twins
from worker.host.prepare import prepare

from .twin_net import expected, install_twin, net
from .workspaces import workspace

DEFAULT = ("fold", "simplify", "infer_shapes")


@pytest.fixture(autouse=True)
def _twins_are_looked_for_anew() -> Iterator[None]:
    twins._found.cache_clear()
    yield
    twins._found.cache_clear()


def ignored(state: State, detail: str) -> None:
    """Nobody listens."""


def prepared(folder: Path, steps: tuple[str, ...] = DEFAULT, arrays: Any = None) -> Prepared:
    source = folder / "source.onnx"
    source.write_bytes(net().SerializeToString())
    policy = ReferencePolicy(outputs="a" * 64) if arrays else ReferencePolicy()
    return prepare(workspace(folder, source, policy, steps=steps, arrays=arrays), folder, ignored)


def references(folder: Path) -> tuple[Any, dict[str, Any]]:
    inputs = load_arrays(folder / "output/reference_inputs.npz")
    return inputs["x"], load_arrays(folder / "output/reference_outputs.npz")


def test_twins_compute_what_onnx_runtime_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_twin(tmp_path / "own", monkeypatch)
    made = prepared(tmp_path)
    assert made.reference.endswith("optimisations off, and NumPy for mmcv::cummax")
    assert made.plugin_operators == ("mmcv::cummax",)
    assert all(step["largest_difference"] is not None for step in made.steps)
    x, outputs = references(tmp_path)
    for name, wanted in expected(x).items():
        assert outputs[name].dtype == wanted.dtype
        np.testing.assert_allclose(outputs[name], wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("step", ["float16", "bfloat16", "mixed"])
def test_operators_of_plugins_stay_float32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    install_twin(tmp_path / "own", monkeypatch)
    made = prepared(tmp_path, (*DEFAULT, step))
    assert 0 < made.steps[-1]["largest_difference"] < 0.1
    graph = onnx.load(str(tmp_path / "output/model.onnx")).graph
    assert TensorProto.FLOAT not in {weight.data_type for weight in graph.initializer}
    giver = {name: node.op_type for node in graph.node for name in node.output}
    readers = [node for node in graph.node if node.op_type == "cummax"]
    assert [giver[node.input[0]] for node in readers] == ["Cast", "Cast"]


def without_twins(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where neither farm nor anybody else has a plugin for the operator."""
    monkeypatch.setattr(twins, "shipped_plugins", lambda root: ())
    twins._found.cache_clear()


def test_plugins_of_the_farm_answer_with_their_references(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    assert made.reference.endswith("optimisations off, and NumPy for mmcv::cummax")
    x, outputs = references(tmp_path)
    # Those of the twin that a user would write, but for ties, of which random numbers have none.
    for name, wanted in expected(x).items():
        np.testing.assert_allclose(outputs[name], wanted, rtol=1e-5, atol=1e-5)


def test_every_plugin_of_the_farm_has_a_twin_for_its_operators() -> None:
    for folder in shipped_plugins(shipped_folder()):
        operators = read_folder(folder).manifest.operators
        assert twins.any_twins([f"mmcv::{name}" for name in operators]), operators
        assert all(callable(twins._found()[name]()) for name in operators)


def test_without_a_twin_the_graph_is_prepared_and_nobody_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_twins(monkeypatch)
    made = prepared(tmp_path)
    assert made.reference_outputs is None
    assert made.reference == "none: ONNX Runtime has no operator mmcv::cummax for this processor"
    assert made.plugin_operators == ("mmcv::cummax",)


def test_without_a_twin_or_a_type_no_step_changes_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_twins(monkeypatch)
    with pytest.raises(BuildFailed, match=r"nothing tells the element type of .* which mmcv::cummax gives"):
        prepared(tmp_path, (*DEFAULT, "float16"))


def test_the_author_s_outputs_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_twin(tmp_path / "own", monkeypatch)
    given = {name: np.zeros_like(array) for name, array in expected(np.zeros((4, 16), np.float32)).items()}
    made = prepared(tmp_path, arrays={"reference_outputs.npz": given})
    assert made.reference == "author"
    _, outputs = references(tmp_path)
    assert not outputs["y"].any()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def compute(inputs, attributes):\n    return [inputs[0]]", "gives 1 outputs, the graph takes 2"),
        ("def compute(inputs, attributes):\n    return 1 / 0", "failed: ZeroDivisionError"),
    ],
)
def test_a_twin_that_is_wrong_is_told_by_the_name_of_its_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, told: str
) -> None:
    install_twin(tmp_path / f"wrong_{len(told)}", monkeypatch, source)
    with pytest.raises(Invalid, match=f"the NumPy twin of mmcv::cummax {told}"):
        prepared(tmp_path)
