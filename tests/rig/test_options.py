"""Every option that TensorRT for RTX takes, given to the real builder one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from farm.backends.options import options_of
from farm.protocol.errors import Unsupported
from tests.support import models
from worker.device.builders.table import load

from .orders import order
from .rig import VERSION

BUILDER = load("tensorrt_rtx")
TAKEN: dict[str, Any] = {
    "memPoolSize": "workspace:1G,tacticSharedMem:48K",
    "builderOptimizationLevel": 5,
    "maxAuxStreams": 0,
    "tilingOptimizationLevel": 2,
    "sparsity": "enable",
    "directIO": True,
    "noCompilationCache": True,
    "profilingVerbosity": "none",
    "verbose": True,
    "computeCapabilities": "8.6",
}
# They say how Q/DQ is made: `test_precision` and the tests of the quantizer have them.
OF_THE_QUANTIZER = {"calibration_method", "per_channel"}


@pytest.fixture(autouse=True)
def _rig_is_found(rig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(rig))


@pytest.mark.parametrize("name", TAKEN)
def test_an_option_is_taken_by_the_builder(tmp_path: Path, name: str) -> None:
    made = order(tmp_path, models.conv_net(), **{name: TAKEN[name]})
    assert BUILDER.build(made).files == ("engine.plan",)


def test_every_other_option_is_refused_by_its_name(tmp_path: Path) -> None:
    known = options_of("tensorrt_rtx", VERSION)
    assert known is not None
    refused = {name for name, option in known.items() if option.absent}
    assert set(known) == refused | set(TAKEN) | OF_THE_QUANTIZER
    assert {"refit", "stripWeights", "versionCompatible", "hardwareCompatibilityLevel", "useDLACore"} < refused
    for number, name in enumerate(sorted(refused)):
        asked: dict[str, Any] = {name: True}
        with pytest.raises(Unsupported, match=f"has no option '{name}': "):
            BUILDER.build(order(tmp_path / str(number), models.conv_net(), **asked))
