"""Real networks on the whole way to `rtx-aot`: what builds, and what fails clearly."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from farm.protocol.exits import Exit
from tests.e2e.fleet import Fleet
from tests.support import models, networks

pytestmark = pytest.mark.slow


def pretrained(wheel: str, file: str) -> Callable[[Path], Path]:
    return lambda folder: models.pretrained_folder(os.environ, wheel) / file


def saved(name: str, make: Callable[[], Any]) -> Callable[[Path], Path]:
    def save(folder: Path) -> Path:
        onnx.save(make(), str(folder / f"{name}.onnx"))
        return folder / f"{name}.onnx"

    return save


def fixed(shapes: str) -> tuple[str, ...]:
    return ("--shapes", shapes)


# How to get it, what to submit it with, how many bytes of plan it must at least become.
NETWORKS: dict[str, tuple[Callable[[Path], Path], tuple[str, ...], int]] = {
    "resnet50": (saved("resnet50", networks.resnet50), ("--precision", "fp16"), 45 << 20),
    "detector": (pretrained(models.NUDENET, models.NUDENET_FILE), fixed("images:1x3x320x320"), 12 << 20),
    "text-detector": (pretrained(models.OCR, models.OCR_DETECTOR_FILE), fixed("x:1x3x320x320"), 4 << 20),
    "transformer": (pretrained(models.OCR, models.OCR_READER_FILE), fixed("x:1x3x48x320"), 8 << 20),
    "lstm": (pretrained(models.SILERO, "silero_vad_16k_sequence.onnx"), fixed("input:8x576"), 1 << 20),
    # A processor takes half a minute for each run of it, so its reference is the only one.
    "detr": (saved("detr", networks.detr), ("--steps", "none"), 160 << 20),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_real_network_becomes_an_engine(ahead: Fleet, tmp_path: Path, name: str) -> None:
    get, options, least_bytes = NETWORKS[name]
    told = ahead.json("submit", get(tmp_path), "--targets", "rtx-aot", "--name", name, "--wait", *options)
    assert [item["state"] for item in told["builds"]] == ["done"], ahead.story(ahead.client.status(told["id"]))
    (engine,) = ahead.engines(ahead.client.status(told["id"]))
    assert engine.size_bytes > least_bytes


def test_control_flow_that_tensorrt_cannot_do_fails_in_a_sentence(ahead: Fleet, silero: Path) -> None:
    shapes = ("--shapes", "input:1x576,state:2x1x128", "--value", "sr=16000")
    told = ahead.farm("submit", silero / models.SILERO_FILE, "--targets", "rtx-aot", "--wait", *shapes)
    assert told.code == Exit.BUILD_FAILED
    assert "an If or a Loop that TensorRT cannot take apart: export the model with the branch decided" in told.err
