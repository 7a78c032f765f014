"""What a model says of itself stays with it, whatever its graph goes through."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from farm.protocol.codec import loads
from farm.protocol.detection import DETECTION_KEY, Detection
from farm.protocol.errors import Invalid
from farm.protocol.keys import PreparationRecipe
from farm.protocol.options import ReferencePolicy
from farm.protocol.steps import parse_step
from tests.support import models
from worker.host.adapt import adapt
from worker.host.graph.metadata import detection_of, keep_metadata, write_detection, write_metadata
from worker.host.prepare import prepare

from ..workspaces import workspace

SAID = Detection("detr", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), labels=("nothing", "a cat"))


@pytest.fixture
def model() -> onnx.ModelProto:
    made: onnx.ModelProto = models.conv_net(channels=8, size=20)
    write_metadata(made, {"author": "somebody"})
    write_detection(made, SAID)
    return made


def texts(model: onnx.ModelProto) -> dict[str, str]:
    return {item.key: item.value for item in model.metadata_props}


def test_it_reads_back(model: onnx.ModelProto) -> None:
    assert detection_of(model) == SAID
    assert loads(Detection, texts(model)[DETECTION_KEY]) == SAID
    assert detection_of(models.conv_net()) is None


@pytest.mark.parametrize("steps", ["fold,simplify,infer_shapes", "opset:oldest=18", "float16", "mixed", "quantize"])
def test_steps_keep_it(model: onnx.ModelProto, tmp_path: Path, steps: str) -> None:
    path, scratch = tmp_path / "model.onnx", tmp_path / "scratch"
    onnx.save(model, str(path))
    scratch.mkdir()
    found = adapt(path, [parse_step(text) for text in steps.split(",")], ReferencePolicy(), None, scratch)
    assert texts(found.model.proto) == texts(model)
    assert [report.name for report in found.reports] == [step.partition(":")[0] for step in steps.split(",")]


def test_what_a_tool_forgot_is_said_again_and_what_it_changed_stays(model: onnx.ModelProto) -> None:
    after = models.conv_net()
    write_metadata(after, {"author": "somebody else"})
    keep_metadata(model, after)
    assert texts(after) == {**texts(model), "author": "somebody else"}


def test_with_preprocessing_in_the_graph_colours_go_in_as_they_are(model: onnx.ModelProto, tmp_path: Path) -> None:
    model.metadata_props.add(key="more", value="stays")
    (tmp_path / "source.onnx").write_bytes(model.SerializeToString())
    normal = "image_input:mean=0.485/0.456/0.406:std=0.229/0.224/0.225:order=bgr"
    work = workspace(tmp_path, tmp_path / "source.onnx")
    recipe = PreparationRecipe((parse_step(normal), *work.key.recipe.steps))
    work = replace(work, key=replace(work.key, recipe=recipe))
    prepared = prepare(work, tmp_path, lambda state, detail: None)
    assert prepared.detection == Detection("detr", (0.0,), (1.0,), 1.0, "bgr", labels=SAID.labels)
    assert [spec.dtype for spec in prepared.inputs] == ["uint8"]
    assert texts(onnx.load(str(tmp_path / "output" / "model.onnx")))["more"] == "stays"


def test_what_cannot_be_read_is_told(model: onnx.ModelProto) -> None:
    for text in ("{", '{"answers": "detr", "colour": 1}', "[]"):
        write_metadata(model, {DETECTION_KEY: text})
        with pytest.raises(Invalid, match=r"the metadata farm\.detection of the model cannot be read"):
            detection_of(model)
