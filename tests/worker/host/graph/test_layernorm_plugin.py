from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from farm.protocol.keys import StepCall
from tests.support import networks
from worker.host.graph.pipeline import Pipeline
from worker.host.graph.walk import histogram
from worker.host.load import load
from worker.host.runtime import run

from .test_layernorm import net
from .test_projections import after

PLUGIN = {"nvidia.plugin::LayerNorm": 1}


@pytest.mark.parametrize("attributes", [{}, {"epsilon": 1e-3}, {"axis": 2}])
def test_it_becomes_the_plugin_and_computes_the_same_here(tmp_path: Path, attributes: dict[str, Any]) -> None:
    model = after(net(17, (2, 5, 16), True, **attributes), tmp_path, "layernorm_plugin")
    kinds = histogram(model.proto)
    assert kinds.pop("LayerNormalization") == 1  # what the plugin means
    assert kinds == PLUGIN
    (operator,) = model.proto.graph.node
    epsilon = attributes.get("epsilon", 1e-5)
    assert [(item.name, item.f) for item in operator.attribute] == [("epsilon", pytest.approx(epsilon))]


@pytest.mark.parametrize(
    ("shape", "bias", "attributes"),
    [((2, 5, 16), False, {}), ((2, 5, 16), True, {"axis": 1}), ((5, 16), True, {}), ((1, 2, 5, 16), True, {})],
)
def test_what_the_plugin_cannot_do_stays(
    tmp_path: Path, shape: tuple[int, ...], bias: bool, attributes: dict[str, Any]
) -> None:
    model = after(net(17, shape, bias, **attributes), tmp_path, "layernorm_plugin")
    assert histogram(model.proto) == {"LayerNormalization": 1}
    assert not model.proto.functions


def test_all_of_a_transformer_become_plugins_and_the_next_steps_take_them(tmp_path: Path) -> None:
    import onnx

    path = tmp_path / "model.onnx"
    onnx.save(networks.detr(64, 64, queries=4, layers=2), str(path))
    (tmp_path / "scratch").mkdir()
    given = {"images": np.random.default_rng(0).standard_normal((1, 3, 64, 64)).astype(np.float32)}
    pipeline = Pipeline(given, run(path, given), "", tmp_path / "scratch")
    names = ("factors", "convolutions", "infer_shapes", "layernorm_plugin", "layernorm", "mixed")
    model, _ = pipeline.run(load(path), [StepCall(name) for name in names])
    plugins = [operator for operator in model.proto.graph.node if operator.op_type == "LayerNorm"]
    assert len(plugins) == 2 * 2 + 2 * 3
    assert not [operator for operator in model.proto.graph.node if operator.op_type == "LayerNormalization"]
    kinds = {weight.name: weight.data_type for weight in model.proto.graph.initializer}
    assert {kinds[operator.input[1]] for operator in plugins} == {onnx.TensorProto.FLOAT}
    assert onnx.TensorProto.FLOAT16 in kinds.values()
