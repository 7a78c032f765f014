"""DETR in int8 through Q/DQ, with ranges of pictures: TensorRT builds it, and its error against float32 is told."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farm.protocol.exits import Exit
from tests.e2e.fleet import Fleet
from tests.support import pytorch
from worker.host.exporters.base import ExportOrder, Size
from worker.host.exporters.table import exporter

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

STEPS = "image_input:mean=0.485/0.456/0.406:std=0.229/0.224/0.225,fold"


def pictures(folder: Path) -> Path:
    folder.mkdir()
    draw = np.random.default_rng(4)
    for number in range(3):
        Image.fromarray(draw.integers(0, 256, (64, 96, 3), np.uint8)).save(folder / f"{number}.png")
    return folder


def test_detr_builds_and_its_error_against_float32_is_told(ahead: Fleet, tmp_path: Path) -> None:
    pytorch.torch(os.environ)
    path = tmp_path / "detr.onnx"
    exporter("detr-r50").export(path, ExportOrder(size=Size(64, 96), steps=(), check=False))
    how = ("--int8", "--calib", pictures(tmp_path / "pictures"), "--steps", STEPS, "--name", "detr-int8", "--no-bench")
    told = ahead.farm("submit", path, "--targets", "cpu,rtx-aot", *how, "--wait", "--json", within_s=500)
    submission = json.loads(told.out)["id"]
    assert told.code == Exit.DONE, ahead.story(ahead.client.status(submission))
    results = {result.request.target: result for result in ahead.client.results(submission)}
    built = results["rtx-aot"].engine
    assert built is not None
    assert built.manifest.effective["precision"].startswith("int8 between Q/DQ")
    assert built.manifest.effective["calibration_samples"] == 3
    # A quarter of the bytes of each weight that becomes int8: of 160 MiB.
    assert built.engine.size_bytes < 80 << 20
    # What the engine for the processor answers, against float32.
    report = results["cpu"].verification
    assert report is not None
    assert {item.name for item in report.outputs} == {"classes", "boxes"}
    for item in report.outputs:
        assert item.absolute.maximum
        assert item.cosine is not None
        assert 0.9 < item.cosine < 1
