"""Loading where there is no card: TensorRT refuses, and the error says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.protocol.errors import BuildFailed
from farm.protocol.options import BuildOptions
from farm.runtime.tensorrt.load import Loaded
from tests.support import models
from worker.device.builders.table import load

from .orders import order


@pytest.fixture(autouse=True)
def _rig_is_found(rig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(rig))


def test_a_whole_plan_asks_for_a_card(tmp_path: Path) -> None:
    made = order(tmp_path, models.conv_net())
    load("tensorrt_rtx").build(made)
    with pytest.raises(BuildFailed, match=r"TensorRT for RTX 1\.7\.1\.116 cannot load engine.plan") as caught:
        Loaded(made.output / "engine.plan", made.options, rtx=True)
    assert "There is no card here, or its driver is older" in caught.value.hint


def test_what_is_no_plan_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "engine.plan").write_bytes(b"no plan at all" * 100)
    with pytest.raises(BuildFailed, match="cannot load") as caught:
        Loaded(tmp_path / "engine.plan", BuildOptions(backend_options={"versionCompatible": True}), rtx=True)
    assert "The file is no engine of this TensorRT" in caught.value.hint
