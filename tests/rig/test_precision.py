"""Each word for precision, through the real parser and builder, and what it became."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from farm.protocol.errors import Unsupported
from farm.protocol.keys import StepCall
from farm.protocol.options import Precision
from tests.support import models, networks
from worker.device.builders.base import BuiltEngine
from worker.device.builders.table import load
from worker.host.graph.pipeline import Pipeline
from worker.host.load import load as load_model
from worker.host.runtime import run

from .orders import around, order

BUILDER = load("tensorrt_rtx")
NETS: dict[str, tuple[Callable[[], Any], dict[str, tuple[int, ...]]]] = {
    "convolutions": (partial(models.conv_net, channels=64), {"images": (1, 3, 16, 16)}),
    "lstm": (models.lstm_net, {"steps": (5, 1, 16)}),
}
SAMPLES = {"images": np.random.default_rng(2).standard_normal((4, 1, 3, 16, 16)).astype(np.float32)}


@pytest.fixture(autouse=True)
def _rig_is_found(rig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(rig))


def built(folder: Path, precision: Precision, **more: Any) -> BuiltEngine:
    return BUILDER.build(order(folder, models.conv_net(channels=64), precision, **more))


@pytest.mark.parametrize(
    ("precision", "step", "becomes"),
    [
        (Precision.FP16, "float16", "float16, as the graph says"),
        (Precision.BF16, "bfloat16", "bfloat16, as the graph says"),
        (Precision.MIX, "mixed", "float16 where it stays right, float32 elsewhere, as the graph says"),
        (Precision.BEST, "mixed", "float16 where it stays right, float32 elsewhere, as the graph says"),
    ],
)
@pytest.mark.parametrize("net", NETS)
def test_words_for_half_precision_take_it_from_the_graph(
    tmp_path: Path, net: str, precision: Precision, step: str, becomes: str
) -> None:
    make, shapes = NETS[net]
    draw = np.random.default_rng(0)
    inputs = {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    profile = {name: around(shape, shape, shape) for name, shape in shapes.items()}
    made = order(tmp_path / "order", make(), precision, profiles=(profile,))
    with pytest.raises(Unsupported, match="from the graph, and the prepared graph holds none"):
        BUILDER.build(made)
    _take_step(made.model, step, inputs, tmp_path / "scratch")
    told = BUILDER.build(made).effective
    assert (told["precision"], told["precision_flags"]) == (becomes, ["TF32"])


@pytest.mark.parametrize(
    ("precision", "step", "becomes"),
    [
        (Precision.BF16, "bfloat16", "bfloat16, as the graph says"),
        (Precision.INT8, "quantize", "int8 between Q/DQ, float32 with TF32 elsewhere, as the graph says"),
    ],
)
def test_a_transformer_over_convolutions_is_built_in_few_digits(
    tmp_path: Path, precision: Precision, step: str, becomes: str
) -> None:
    made = order(tmp_path / "order", networks.detr(64, 96, queries=10, layers=1), precision)
    images = np.random.default_rng(0).standard_normal((1, 3, 64, 96)).astype(np.float32)
    _take_step(made.model, step, {"images": images}, tmp_path / "scratch")
    assert BUILDER.build(made).effective["precision"] == becomes


def _take_step(path: Path, step: str, inputs: dict[str, Any], scratch: Path) -> None:
    scratch.mkdir()
    pipeline = Pipeline(inputs, run(path, inputs), "", scratch)
    model, _ = pipeline.run(load_model(path), [StepCall(step)])
    path.write_bytes(model.proto.SerializeToString())


@pytest.mark.parametrize(
    ("precision", "word"), [(Precision.INT8, "int8"), (Precision.FP8, "FP8"), (Precision.BEST, "int8")]
)
def test_quantized_words_take_their_ranges_from_samples(tmp_path: Path, precision: Precision, word: str) -> None:
    told = built(tmp_path, precision, calibration=SAMPLES).effective
    assert told["precision"] == f"{word} between Q/DQ, float32 with TF32 elsewhere, as the graph says"
    assert told["calibration_samples"] == 4
    assert told["quantized_tensors"] >= 4


def test_bytes_of_the_graph_step_are_built_as_they_are(tmp_path: Path) -> None:
    made = order(tmp_path / "order", models.conv_net(channels=64), Precision.INT8)
    _take_step(made.model, "quantize", {"images": SAMPLES["images"][0]}, tmp_path / "scratch")
    told = BUILDER.build(made).effective
    assert told["precision"] == "int8 between Q/DQ, float32 with TF32 elsewhere, as the graph says"
    assert (told["quantized_by"], told["quantized_tensors"] >= 8) == ("the exporter of the model", True)


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
