"""The examples of the documents are run as they are written."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from PIL import Image

from tests.farm.cli.processes import ROOT
from tests.support import models

from .live import Live

DOCS = ROOT / "docs"
FACTS = ROOT / "tests/data/facts"
BLOCKS = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    return [text for kind, text in BLOCKS.findall((DOCS / page).read_text()) if kind == language]


def examples() -> list[str]:
    """Every line of the reference that submits or plans a model of one's own."""
    lines = [line for block in blocks("cli.md", "sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith(("farm submit model.onnx", "farm plan model.onnx"))]


@pytest.fixture(scope="module")
def folder(farm: Live, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a reader of the documents stands: a model there, recorded devices on the farm."""
    for name in ("xavier", "v100", "rtx4090"):
        assert farm("devices", "add", "--facts", FACTS / f"{name}.json").code == 0
    place = tmp_path_factory.mktemp("reader")
    onnx.save(models.conv_net(), str(place / "model.onnx"))
    return place


def test_the_python_of_the_sdk_page_runs(farm: Live, folder: Path) -> None:
    # What shares memory with PyTorch, or looks at pictures, has tests of its own in tests/farm.
    found = [code for code in blocks("sdk.md", "python") if not re.search(r"import torch|farm\.detect", code)]
    assert len(found) >= 3
    shown = []
    for code in found:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code],
            cwd=folder,
            env={**farm.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        shown.append(done.stdout)
    assert shown[0].startswith("cpu ")
    assert shown[1] == "{'logits': (1, 10), 'features': (1, 32)}\n"
    assert "IPluginV2DynamicExt" in shown[2]


@pytest.mark.parametrize("line", examples())
def test_examples_of_submit_and_plan_are_planned(farm: Live, folder: Path, tmp_path: Path, line: str) -> None:
    words = [word for word in shlex.split(line)[1:] if word != "--wait"]
    planned = ["--dry-run"] if words[0] == "submit" else []
    # Of images of any number, which the shapes of an example are for.
    onnx.save(models.conv_net(size=64, batch="batch"), str(tmp_path / "model.onnx"))
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (64, 64), "green").save(tmp_path / "pictures/field.png")
    told = farm(*words, *planned, cwd=tmp_path)
    assert told.code == 0, told.err
    assert told.lines[0].split()[0] == "WORD"


def test_there_are_examples() -> None:
    assert len(examples()) >= 4
