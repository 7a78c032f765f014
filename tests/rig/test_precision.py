"""Each word for precision, through the real parser and builder, and what it became."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from farm.protocol.errors import Unsupported
from farm.protocol.options import Precision
from tests.support import models
from worker.device.builders.base import BuiltEngine
from worker.device.builders.table import load

from .orders import order

BUILDER = load("tensorrt_rtx")
SAMPLES = {"images": np.random.default_rng(2).standard_normal((4, 1, 3, 16, 16)).astype(np.float32)}


@pytest.fixture(autouse=True)
def _rig_is_found(rig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(rig))


def built(folder: Path, precision: Precision, **more: Any) -> BuiltEngine:
    return BUILDER.build(order(folder, models.conv_net(channels=64), precision, **more))


@pytest.mark.parametrize(("precision", "word"), [(Precision.INT8, "int8"), (Precision.FP8, "FP8")])
def test_quantized_words_take_their_ranges_from_samples(tmp_path: Path, precision: Precision, word: str) -> None:
    told = built(tmp_path, precision, calibration=SAMPLES).effective
    assert told["precision"] == f"{word} between Q/DQ, float32 with TF32 elsewhere, as the graph says"
    assert told["calibration_samples"] == 4
    assert told["quantized_tensors"] >= 4


def test_fp8_is_for_the_cards_that_have_it(tmp_path: Path) -> None:
    made = built(tmp_path / "usual", Precision.FP8, calibration=SAMPLES)
    assert made.requirement.compute_capabilities == ("8.9", "12.0")
    with pytest.raises(Unsupported, match=r"--precision fp8 for computeCapabilities 8\.6: fp8 begins with"):
        built(tmp_path / "older", Precision.FP8, calibration=SAMPLES, computeCapabilities="8.6,8.9")


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.FP8])
def test_quantized_words_without_samples_say_what_to_give(tmp_path: Path, precision: Precision) -> None:
    with pytest.raises(Unsupported, match=f"--precision {precision} without calibration data") as caught:
        built(tmp_path, precision)
    assert "--calib" in caught.value.hint
