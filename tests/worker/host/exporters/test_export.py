"""Exporters with the real PyTorch, and what their files compute with the real ONNX Runtime."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner

from farm.detect.kinds import KINDS
from farm.protocol.errors import Invalid, Unsupported
from farm.protocol.keys import StepCall
from tests.gpu.networks import NETWORKS
from tests.support import pytorch
from worker.export import export
from worker.host.exporters.base import ExportOrder, Size, check_order
from worker.host.exporters.table import exporter
from worker.host.graph.metadata import detection_of
from worker.host.graph.model import Model
from worker.host.graph.pipeline import Pipeline
from worker.host.graph.walk import histogram
from worker.host.load import load
from worker.host.runtime import run

pytestmark = pytest.mark.slow

SMALL = Size(64, 96)
Torch = Any


@pytest.fixture(scope="module")
def torch() -> Torch:
    return pytorch.torch(os.environ)


@pytest.fixture(scope="module")
def detr(torch: Torch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("detr") / "detr.onnx"
    made = exporter("detr-r50").export(path, ExportOrder(size=SMALL, steps=()))
    assert made.largest_difference is not None
    assert 0 < made.largest_difference < 1e-4
    return path


def images(*shape: int) -> dict[str, Any]:
    return {"images": np.random.default_rng(3).standard_normal(shape).astype(np.float32)}


# Of the others, what they compute is looked at where they are built: tests/rig/test_exporters.py.
def test_the_command_exports_a_network_and_holds_it_against_pytorch(torch: Torch, tmp_path: Path) -> None:
    path = tmp_path / "made.onnx"
    arguments = ["resnet50", "--HW", "64", "96", "--steps", "none", "-o", str(path), "--json"]
    told = CliRunner().invoke(export, arguments, catch_exceptions=False)
    said = json.loads(told.stdout)
    assert said["weights"] == "drawn, seed 0"
    assert 0 < said["largest_difference"] < 1e-4
    model = onnx.load(str(path))
    assert [item.version for item in model.opset_import] == [17]
    assert model.ir_version <= 8
    assert {item.key: item.value for item in model.metadata_props}["weights"] == "drawn, seed 0"
    assert detection_of(model) is None
    assert [axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim] == [1, 3, 64, 96]
    assert [path.name for path in tmp_path.iterdir()] == ["made.onnx"]


def test_deformable_detr_by_its_plugin_computes_what_pytorch_does(torch: Torch, tmp_path: Path) -> None:
    path = tmp_path / "made.onnx"
    made = exporter("deformable-detr").export(path, ExportOrder(size=SMALL, form="plugin", steps=()))
    assert made.largest_difference is not None
    assert 0 < made.largest_difference < 1e-4
    kinds = histogram(onnx.load(str(path)))
    assert kinds["farm.plugin::MMCVMultiScaleDeformableAttention"] == 12
    assert "GridSample" not in kinds


def test_the_same_seed_draws_the_same_weights_and_another_one_others(torch: Torch) -> None:
    one, again, other = (exporter("resnet50").network(ExportOrder(seed=seed))[0].state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["conv1.weight"], other["conv1.weight"])


def test_values_neither_fade_nor_explode(detr: Path) -> None:
    outputs = run(detr, images(1, 3, *(SMALL.height, SMALL.width)))
    assert detection_of(onnx.load(str(detr))) == KINDS["detr"].usual
    assert outputs["classes"].shape == (1, 100, 92)
    assert outputs["boxes"].shape == (1, 100, 4)
    assert 0.1 < outputs["classes"].std() < 10
    assert outputs["boxes"].std() > 0.001
    assert outputs["boxes"].min() > 0.05
    assert outputs["boxes"].max() < 0.95


def test_weights_of_a_file_are_those_of_the_network(torch: Torch, tmp_path: Path) -> None:
    made = exporter("resnet50")
    network, _ = made.network(ExportOrder(seed=7))
    state = {name: value for name, value in network.state_dict().items() if "num_batches" not in name}
    torch.save({"model": state}, tmp_path / "weights.pth")
    given, told = made.network(ExportOrder(weights=tmp_path / "weights.pth"))
    assert told.startswith("sha256 ")
    assert all(torch.equal(given.state_dict()[name], value) for name, value in state.items())


class Evil:
    def __reduce__(self) -> Any:
        return (os.mkdir, ("ran",))


def test_no_code_of_a_weights_file_runs(torch: Torch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"conv1.weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(Invalid, match="no weights that can be read safely"):
        exporter("resnet50").network(ExportOrder(weights=tmp_path / "evil.pth"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(("change", "told"), [("fc.bias", "no fc.bias"), ("more", "more"), ("shape", "size mismatch")])
def test_weights_of_another_network_are_refused(torch: Torch, tmp_path: Path, change: str, told: str) -> None:
    made = exporter("resnet50")
    state = made.network(ExportOrder())[0].state_dict()
    if change == "more":
        state["more"] = torch.zeros(1)
    elif change == "shape":
        state["fc.bias"] = torch.zeros(5)
    else:
        del state[change]
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(Invalid, match=told):
        made.network(ExportOrder(weights=tmp_path / "weights.pth"))


def test_an_open_batch_takes_any(torch: Torch, tmp_path: Path) -> None:
    path = tmp_path / "open.onnx"
    exporter("resnet50").export(path, ExportOrder(dynamic=True, check=False, steps=()))
    one, three = (run(path, images(batch, 3, 64, 96))["logits"] for batch in (1, 3))
    assert (one.shape, three.shape) == ((1, 1000), (3, 1000))


def test_attention_in_products_computes_what_pytorchs_own_does(torch: Torch) -> None:
    made = exporter("detr-r50")
    networks = [made.network(ExportOrder(way=way))[0] for way in made.ways()]
    assert len(networks) == 2
    given = torch.from_numpy(images(1, 3, 64, 96)["images"])
    with torch.inference_mode():
        one, other = (network(given) for network in networks)
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), atol=1e-4)


def test_what_is_not_constant_stays_of_detr(detr: Path, tmp_path: Path) -> None:
    """The steps that make it fast: the first layer of the decoder attends to nothing but constants."""
    given = images(1, 3, SMALL.height, SMALL.width)
    pipeline = Pipeline(given, run(detr, given), "", tmp_path)
    model, reports = pipeline.run(load(detr), [StepCall(name) for name in ("fold", "factors", "convolutions")])
    kinds = histogram(model.proto)
    assert kinds["Softmax"] == 17
    assert kinds["MatMul"] == 2 * 17
    assert "ConstantOfShape" not in kinds
    assert "Mul" not in kinds
    assert isinstance(model, Model)
    assert all(report.largest_difference is not None for report in reports)


@pytest.mark.parametrize(
    "order", [ExportOrder(size=Size(16, 64)), ExportOrder(batch=0), ExportOrder(size=SMALL, dynamic=True)]
)
def test_what_would_fail_later_is_refused_at_once(torch: Torch, order: ExportOrder) -> None:
    with pytest.raises((Invalid, Unsupported)):
        check_order("resnet50", exporter("resnet50"), order)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_measured_on_cards_can_be_asked_for(torch: Torch, name: str) -> None:
    word, order = NETWORKS[name]
    check_order(word, exporter(word), order)


def test_an_exporter_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(Invalid, match="no exporter 'resnet51'") as told:
        exporter("resnet51")
    assert "detr-r50, mask-rcnn, resnet50" in str(told.value)
