"""A build on the machine of `farm up`, where the coordinator's tokens lie beside it and belong to the same user."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import onnx
import pytest

from tests.support import models
from worker.child import landlock

from .curious import FOLDER
from .live import farm_up

ROOT = Path(__file__).parents[2]
CURIOUS = Path(__file__).with_name("curious.py")


@pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock: builds can read tokens, NOT tested")
def test_a_build_that_looks_for_a_token_finds_none(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    shutil.copy(CURIOUS, tmp_path / "site/sitecustomize.py")
    environ = {"PYTHONPATH": f"{tmp_path / 'site'}:{ROOT}", FOLDER: str(tmp_path)}
    with farm_up(tmp_path, "--no-broker", **environ) as farm:
        assert farm.token in (tmp_path / "data/admin.token").read_text()
        assert farm.token in (tmp_path / "farm.env").read_text()
        assert not (tmp_path / "data/worker.token").exists()
        model = tmp_path / "curious.onnx"
        onnx.save(models.conv_net(seed=11), str(model))
        told = farm.json("submit", model, "-t", "cpu", "--wait", "--no-bench")
        assert [item["state"] for item in told["builds"]] == ["done"]
        for log in (farm("logs", told["id"]), farm("logs", told["id"], "--preparation")):
            (said,) = [line.partition("curious: ")[2] for line in log.lines if "curious: " in line]
            found = json.loads(said)
            # What `farm up` said at its terminal, which this test keeps: so it can find a token where one can be read.
            assert found["files"] == [str(tmp_path / "up.log")]
            # `farm up`, its coordinator and its worker are seen, and nothing of them can be read.
            assert set(found["environments"]) == {"hidden"}
            assert len(found["environments"]) >= 3
