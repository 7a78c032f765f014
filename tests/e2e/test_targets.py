"""One submit for two machines that differ: two engines, and each machine is refused the other's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farm.protocol.errors import NoEngine
from farm.protocol.states import State
from tests.support import models
from tests.support.services import Broker, Postgres

from .fleet import QUICK, Fleet, fleet
from .process import ROOT

pytestmark = [pytest.mark.services, pytest.mark.slow]

SHAPES = ("--shapes", "input:1x576,state:2x1x128", "--value", "sr=16000")


@pytest.fixture(scope="module")
def two(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, broker: Broker, python39: Path
) -> Iterator[Fleet]:
    """A worker of today, and one as it runs on the oldest device: Python 3.9 and ONNX Runtime 1.19.2."""
    with postgres.database() as url, fleet(tmp_path_factory.mktemp("two"), url, broker.database()) as made:
        made.worker("new")
        made.worker("old", python=str(python39))
        yield made


def test_one_submit_makes_two_engines_and_each_machine_is_refused_the_others(
    two: Fleet, silero: Path, tmp_path: Path, python39: Path
) -> None:
    quick = ("--duration", QUICK.duration_s, "--iterations", QUICK.iterations, "--max-cv", QUICK.max_cv_percent)
    path = silero / models.SILERO_FILE
    told = two.json("submit", path, "--targets", "new,old", "--wait", *SHAPES, *quick)
    assert [(item["target"], item["state"]) for item in told["builds"]] == [("new", "done"), ("old", "done")]

    devices = {view.name: view.facts for view in two.client.devices.list()}
    assert devices["old"].python.startswith("3.9.")
    assert [item.version for item in devices["old"].backends if item.name == "onnxruntime"] == ["1.19.2"]
    engines = {view.built_on: view for view in two.client.engines.list()}
    assert set(engines) == {"new", "old"}
    assert engines["new"].key != engines["old"].key

    # The command of each machine, in its own interpreter, measures that machine and fetches for it.
    pythons = {"new": sys.executable, "old": str(python39)}
    for name, python in pythons.items():
        assert on(two, python, "fetch", "silero_vad", "-o", tmp_path / name).returncode == 0
        assert json.loads((tmp_path / name / "manifest.json").read_text())["built_on"] == name
    for name, other in (("new", "old"), ("old", "new")):
        refused = on(two, pythons[name], "check", tmp_path / other)
        assert refused.returncode == 4, refused
        assert f"onnxruntime {engines[other].backend_version}" in refused.stdout + refused.stderr

    two.client.engines.remove(engines["new"].id)
    refused = on(two, pythons["new"], "fetch", "silero_vad", "-o", tmp_path / "again")
    assert refused.returncode == 4, refused
    assert "1.19.2" in refused.stderr
    assert not (tmp_path / "again").exists()


def on(fleet_: Fleet, python: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command as it runs on one of the two machines."""
    environ = {**fleet_.coordinator.environ, "FARM_URL": fleet_.url, "FARM_TOKEN": fleet_._token}
    code = "from farm.cli.main import main; main()"
    command = [python, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_machine_without_the_instruction_sets_is_refused(two: Fleet, model: Path, tmp_path: Path) -> None:
    view = two.ended(two.submit(model, "new"))
    assert [item.state for item in view.builds] == [State.DONE]
    here = next(item.facts for item in two.client.devices.list() if item.name == "new")
    widest = [name for name in here.cpu.instruction_sets if name.startswith("avx")]
    assert widest, "this test needs a processor with AVX"
    lesser = tuple(name for name in here.cpu.instruction_sets if not name.startswith("avx"))
    facts = replace(here, cpu=replace(here.cpu, instruction_sets=lesser))
    with pytest.raises(NoEngine) as refused:
        two.client.fetch(model.stem, tmp_path / "engine", facts)
    told = json.dumps(refused.value.details)
    assert any(name in told for name in widest), told
    assert not (tmp_path / "engine").exists()


def test_float16_and_int8_are_engines_of_their_own(two: Fleet, model: Path, tmp_path: Path) -> None:
    pictures = _pictures(tmp_path / "pictures")
    quick = ("--duration", QUICK.duration_s, "--iterations", QUICK.iterations, "--max-cv", QUICK.max_cv_percent)
    # References are pictures, too: of a graph that takes floats they are numbers around zero, which are no pictures.
    bytes_in = "image_input:mean=0.5:std=0.5,default"
    int8 = (model, "-t", "new", "--precision", "int8", "--calib", pictures, "--steps", bytes_in)
    for asked in ((model, "-t", "new", "--precision", "fp16"), int8):
        told = two.json("submit", *asked, "--wait", *quick)
        assert [item["state"] for item in told["builds"]] == ["done"]
    # What is in the pictures is a part of the key.
    assert [row["hit"] for row in two.json("plan", *int8, *quick)["rows"]] == ["hit"]
    shutil.copy(pictures / "0.png", pictures / "7.png")
    assert [row["hit"] for row in two.json("plan", *int8, *quick)["rows"]] == ["miss"]
    several = two.farm("fetch", model.stem, "-o", tmp_path / "engine")
    assert several.code == 2
    assert "fp16" in several.err
    assert "int8" in several.err
    assert two.farm("fetch", model.stem, "-o", tmp_path / "engine", "--precision", "int8").code == 0


def _pictures(folder: Path) -> Path:
    """Eight, as loud as the reference inputs: in the size of the input nothing is smoothed."""
    folder.mkdir()
    draw = np.random.default_rng(1)
    for number in range(8):
        Image.fromarray(draw.integers(0, 256, (16, 16, 3), np.uint8)).save(folder / f"{number}.png")
    return folder
