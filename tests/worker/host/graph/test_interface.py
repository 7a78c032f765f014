"""Steps that change inputs and outputs, held against the model as it came."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto

from farm.protocol.errors import BuildFailed, Invalid
from farm.protocol.options import ReferencePolicy
from farm.protocol.steps import INTERFACE_STEPS, parse_step
from tests.support import models
from worker.host.adapt import Adapted, adapt
from worker.host.graph.names import rename_values
from worker.host.graph.steps import step
from worker.host.runtime import run

MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
NORMAL = "mean=0.485/0.456/0.406:std=0.229/0.224/0.225"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "source.onnx"
    path.write_bytes(models.conv_net(channels=8, size=20).SerializeToString())
    return path


def adapted(path: Path, *texts: str) -> Adapted:
    scratch = path.parent / "scratch"
    scratch.mkdir()
    return adapt(path, [parse_step(text) for text in texts], ReferencePolicy(), None, scratch)


def outputs(found: Adapted, folder: Path, inputs: Mapping[str, Any]) -> dict[str, Any]:
    (folder / "out").mkdir(exist_ok=True)
    return run(folder / "out" / found.model.write(folder / "out")[0], inputs)


def test_new_names_stand_for_the_same_values(path: Path) -> None:
    found = adapted(path, "rename:images=pictures:logits=scores", "fold")
    assert ([spec.name for spec in found.model.inputs], list(found.inputs)) == (["pictures"], ["pictures"])
    assert found.reference.outputs is not None
    assert [spec.name for spec in found.model.outputs] == list(found.reference.outputs) == ["scores", "features"]
    expected = run(path, {"images": found.inputs["pictures"]})["logits"]
    np.testing.assert_array_equal(found.reference.outputs["scores"], expected)
    assert (found.reports[0].name, found.reports[0].largest_difference) == ("rename", 0.0)


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_pictures_are_normalised_in_the_graph(layout: str, order: str, path: Path) -> None:
    found = adapted(path, f"image_input:{NORMAL}:layout={layout}:order={order}", "simplify")
    (spec,) = found.model.inputs
    shape = (1, 20, 20, 3) if layout == "nhwc" else (1, 3, 20, 20)
    assert (spec.name, spec.dtype, spec.shape) == ("images", "uint8", shape)
    picture = found.inputs["images"]
    assert picture.max() > 200
    planes = picture.transpose(0, 3, 1, 2) if layout == "nhwc" else picture
    planes = planes if order == "rgb" else planes[:, ::-1]
    normal = (planes.astype(np.float32) / 255 - MEAN[:, None, None]) / STD[:, None, None]
    expected = run(path, {"images": normal})["logits"]
    np.testing.assert_allclose(outputs(found, path.parent, found.inputs)["logits"], expected, rtol=1e-3, atol=1e-4)


def test_both_in_one_go(path: Path) -> None:
    found = adapted(path, "image_input:mean=0.5", "rename:images=pixels", "infer_shapes")
    assert [(spec.name, spec.dtype) for spec in found.model.inputs] == [("pixels", "uint8")]
    assert [report.name for report in found.reports] == ["image_input", "rename", "infer_shapes"]


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["rename:image=x"], "rename knows no input or output 'image'"),
        (["rename:images=logits"], "the name is empty or taken"),
        (["image_input:std=0"], "cannot divide by zero"),
        (["image_input:mean=0.1/0.2"], "has numbers for 2 channels of 3"),
        (["image_input:mean=much"], "mean of image_input is 'much'"),
        (["image_input:layout=hwc"], "knows no layout 'hwc'"),
        (["image_input:input=masks"], "needs one input of images"),
        (["fold", "rename:images=x"], "the graph step rename changes inputs or outputs, and comes after one"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(texts: list[str], sentence: str, path: Path) -> None:
    with pytest.raises(Invalid, match=sentence):
        adapted(path, *texts)


def test_a_graph_that_computes_something_else_is_found(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(model: ModelProto, parameters: Mapping[str, Any], measure: Any) -> ModelProto:
        changed: ModelProto = models.scaled_weights(model, 1.01)
        rename_values(changed.graph, parameters)
        return changed

    monkeypatch.setattr(sys.modules["worker.host.graph.rename"], "apply", wrong)
    with pytest.raises(BuildFailed, match="the graph step rename changed what the model computes"):
        adapted(path, "rename:images=x")


@pytest.mark.parametrize("name", INTERFACE_STEPS)
def test_a_step_that_changes_the_interface_tells_what_it_means(name: str) -> None:
    assert callable(getattr(step(name), "inputs_before", None))
    assert callable(getattr(step(name), "outputs_after", None))
