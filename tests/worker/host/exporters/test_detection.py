"""What exporters of networks that find objects say of them, and that it is so: with the real PyTorch."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from farm.detect.answers import Limits
from farm.detect.kinds import KINDS, kind_of
from farm.detect.yolo import yolov5
from tests.support import pytorch
from worker.host.exporters.table import EXPORTERS, exporter

pytestmark = pytest.mark.slow

DETECTORS = {"deformable-detr", "detr-r50", "mask-rcnn", "yolov5l"}


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytorch.torch(os.environ)


def test_those_that_find_objects_say_so(torch: Any) -> None:
    said = {name: exporter(name).detection for name in EXPORTERS}
    assert {name for name, detection in said.items() if detection} == DETECTORS
    for detection in filter(None, said.values()):
        assert kind_of(detection.answers) is KINDS[detection.answers]


def test_maps_are_decoded_as_in_the_exported_yolo(torch: Any) -> None:
    """The exporter's own last layer against its three maps, read by `farm detect`."""
    from worker.host.exporters.yolov5 import Decoded

    torch.manual_seed(2)
    head = Decoded((4, 5, 6)).eval()
    inputs = [torch.randn(2, width, 64 // stride, 96 // stride) * 3 for width, stride in zip((4, 5, 6), (8, 16, 32))]
    with torch.inference_mode():
        decoded = head(inputs).numpy()
        maps = {f"map{number}": head.m[number](x).numpy() for number, x in enumerate(inputs)}
    limits = Limits(0.4, top=1000, overlap=0.6)
    for one, other in zip(
        yolov5({"detections": decoded}, (96, 64), limits), yolov5(maps, (96, 64), limits), strict=True
    ):
        assert 20 < len(one.scores) < 700
        np.testing.assert_array_equal(one.classes, other.classes)
        np.testing.assert_allclose(one.boxes, other.boxes, atol=1e-2)
        np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)
