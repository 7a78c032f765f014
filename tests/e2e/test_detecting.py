"""A network that says how it takes pictures: submitted, built, fetched, and looked through."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from farm.protocol.detection import Detection
from farm.runtime.bundle import read_manifest
from tests.farm.detect.finders import LABELS, network
from tests.farm.detect.scenes import GREEN, RED, scene
from worker.host.graph.metadata import write_detection

from .fleet import fleet

pytestmark = [pytest.mark.services, pytest.mark.slow]


def test_an_engine_knows_how_to_look_at_pictures(tmp_path: Path) -> None:
    """Normalisation goes into the graph, which takes bytes then, blue first; and the engine says so."""
    model = network("yolov5")
    write_detection(model, Detection("yolov5", fit="letterbox", labels=LABELS))
    onnx.save(model, str(tmp_path / "finder.onnx"))
    scene().save(tmp_path / "scene.png")
    with fleet(tmp_path, broker_url="none") as farm:
        farm.worker("box")
        steps = ("--steps", "image_input:order=bgr,default")
        farm.json("submit", tmp_path / "finder.onnx", "--targets", "cpu", "--no-bench", "--wait", *steps)
        assert farm.farm("fetch", "finder", "-o", tmp_path / "engine").code == 0
        (taken,) = read_manifest(tmp_path / "engine").inputs
        assert (taken.dtype, taken.shape) == ("uint8", (1, 96, 128, 3))
        looked = ("--engine", tmp_path / "engine", "-o", tmp_path / "boxes.png")
        (found,) = farm.json("detect", tmp_path / "scene.png", *looked)["pictures"]
    assert {item["label"]: item["box"] for item in found["found"]} == {LABELS[0]: list(RED), LABELS[1]: list(GREEN)}
    assert json.loads((tmp_path / "boxes.json").read_text()) == found
