"""Networks from PyTorch to engines: exported, verified against PyTorch on the processor, built on `rtx-aot`."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from farm.client import SubmitOptions
from farm.detect import Detector, Manner
from farm.protocol.exits import Exit
from farm.protocol.options import BenchmarkPolicy
from farm.protocol.report import Verdict
from farm.runtime import Engine
from tests.e2e.fleet import Fleet
from tests.farm.cli.processes import completed
from tests.support import pytorch
from worker.host.exporters.base import ExportOrder, Size
from worker.host.exporters.table import EXPORTERS, exporter

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Small ones: how long a network takes is not asked here. How many bytes of plan it must at least become.
_SMALL = Size(64, 96)
ORDERS: dict[str, tuple[ExportOrder, int]] = {
    "deformable-detr": (ExportOrder(size=_SMALL, refinement=True), 120 << 20),
    "detr-r50": (ExportOrder(size=_SMALL), 120 << 20),
    "mask-rcnn": (ExportOrder(size=_SMALL, form="sampled"), 120 << 20),
    "resnet50": (ExportOrder(size=_SMALL), 80 << 20),
    "super-resolution": (ExportOrder(size=_SMALL), 100 << 10),
    "yolov5l": (ExportOrder(size=_SMALL), 120 << 20),
}
# Of what is open without being asked for.
_PROFILES = {
    "super-resolution": [
        word
        for flag, batch in (("--minShapes", 1), ("--optShapes", 2), ("--maxShapes", 4))
        for word in (flag, f"input:{batch}x1x64x96")
    ]
}


@pytest.fixture(scope="module", autouse=True)
def torch() -> Any:
    return pytorch.torch(os.environ, exporters=True)


@pytest.mark.parametrize("name", EXPORTERS)
def test_an_exported_network_becomes_engines(ahead: Fleet, tmp_path: Path, name: str) -> None:
    from worker.host.exporters.mask_rcnn import MaskRcnnExporter  # needs PyTorch

    order, least_bytes = ORDERS[name]
    path = tmp_path / f"{name}.onnx"
    network = exporter(name)
    if isinstance(network, MaskRcnnExporter):
        # On a processor each takes its time, in each of the runs that a preparation makes.
        network.proposals, network.answers = 12, 8
    made = network.export(path, replace(order, steps=()))
    assert made.largest_difference is not None
    targets = ("--targets", "cpu,rtx-aot", "--steps", "fold", "--no-bench", *_PROFILES.get(name, ()))
    told = ahead.farm("submit", path, *targets, "--wait", "--json", within_s=500)
    submission = json.loads(told.out)["id"]
    assert told.code == Exit.DONE, ahead.story(ahead.client.status(submission))
    results = {result.request.target: result for result in ahead.client.results(submission)}
    verified = results["cpu"].verification
    assert verified is not None
    assert verified.verdict is Verdict.PASSED
    engine = results["rtx-aot"].engine
    assert engine is not None
    assert engine.engine.size_bytes > least_bytes
    if network.detection is not None:
        looked_through(ahead, name, tmp_path)


def looked_through(farm: Fleet, name: str, folder: Path) -> None:
    """Pictures through its engine: drawn weights find anything, and what they find is named and lies in the picture."""
    pixels = np.random.default_rng(3).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    fetched = farm.client.fetch(name, folder / "engine")
    with Detector.open(fetched.folder, Manner(threshold=0.0, top=20)) as detector:
        (found,) = detector.detect([Image.fromarray(pixels).resize((320, 240))])
    assert 0 < len(found) <= 20
    for item in found:
        left, top, right, bottom = item.box
        assert 0 <= left <= right <= 320
        assert 0 <= top <= bottom <= 240
        assert 0 < item.score <= 1
        assert item.label


def test_one_command_goes_from_pytorch_to_engines(ahead: Fleet) -> None:
    environ = {"FARM_URL": ahead.url, "FARM_TOKEN": ahead.token, "HOME": str(ahead.folder)}
    environ["PYTHONPATH"] = str(pytorch.folder(os.environ))
    network = ("--export", "super-resolution", "--HW", "48", "64", "--name", "larger")
    told = completed(
        "submit", *network, "--targets", "cpu", "--no-bench", "--wait", "--json", env=environ, within_s=300
    )
    assert told.code == Exit.DONE, told.err
    assert "wrote super-resolution.onnx with PyTorch's tracer: weights drawn, seed 0, within" in told.err
    answer = json.loads(told.out)
    assert answer["name"] == "larger"
    (result,) = ahead.client.results(answer["id"])
    assert result.engine is not None


def test_from_python_an_exporter_ends_in_an_engine_in_a_folder(ahead: Fleet, tmp_path: Path) -> None:
    order = ExportOrder(size=_SMALL, steps=())
    # How fast it is is not asked for: on a busy machine nobody could tell.
    options = SubmitOptions(benchmark=BenchmarkPolicy(enabled=False))
    made = exporter("super-resolution").export_engine("cpu", tmp_path / "enlarger", order, options, ahead.client)
    with Engine.open(made.folder) as engine:
        given = np.random.default_rng(0).random((1, 1, 64, 96), np.float32)
        assert engine.run({"input": given})["output"].shape == (1, 1, 192, 288)
