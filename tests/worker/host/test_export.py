"""`farm export` as a process, on a machine without PyTorch; with it: the exporters beside this file."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.protocol.exits import Exit
from tests.farm.cli.processes import completed

# Scripts rely on these.
NAMES = ["deformable-detr", "detr-r50", "mask-rcnn", "resnet50", "super-resolution", "yolov5l"]
ABSENT = "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')"


def test_the_list_needs_no_pytorch() -> None:
    told = completed("export", "--list")
    assert (told.code, told.out.split()) == (Exit.DONE, NAMES)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("resnet50",), "PyTorch is not installed on this machine. Install torch, or export the model where it is"),
        (("resnet51",), f"there is no exporter 'resnet51'. The exporters are {', '.join(NAMES)}."),
        ((), "no exporter is named. Type farm export NAME, or --list."),
    ],
)
def test_what_cannot_be_exported_is_told_in_a_sentence(tmp_path: Path, arguments: tuple[str, ...], error: str) -> None:
    (tmp_path / "torch.py").write_text(ABSENT)
    told = completed("export", *arguments, env={"PYTHONPATH": str(tmp_path)})
    assert told.code == Exit.USAGE
    assert error in told.err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--export", "resnet51"), "there is no exporter 'resnet51'"),
        (("--export", "resnet50", "model.onnx"), "a model is given, and --export makes another"),
        (("model.onnx", "--HW", "64", "96"), "--HW, --batch, --dynamic, --weights, --refinement and --form are of"),
    ],
)
def test_what_cannot_be_exported_is_not_submitted(tmp_path: Path, arguments: tuple[str, ...], error: str) -> None:
    told = completed(
        "submit", *arguments, "--targets", "cpu", env={"FARM_URL": "http://127.0.0.1:9", "FARM_TOKEN": "x"}
    )
    assert told.code == Exit.USAGE
    assert error in told.err
