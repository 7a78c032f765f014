from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from farm.protocol.errors import Invalid
from farm.protocol.options import Comparator, VerifyPolicy
from farm.protocol.report import Verdict
from farm.runtime.onnxruntime import open_session
from farm.runtime.verify.run import changed, verify

from ....support import models


@pytest.fixture
def verified(tmp_path: Path) -> Any:
    """The verdict over `engine`, held against what `reference` computes with all optimisations off."""

    def run(engine: Any, inputs: Any, reference: Any = None, policy: Any = None, references: Any = None) -> Any:
        onnx.save(engine, str(tmp_path / "engine.onnx"))
        onnx.save(reference or engine, str(tmp_path / "reference.onnx"))
        if references is None:
            references = models.plain_outputs(tmp_path / "reference.onnx", inputs)
        with open_session(tmp_path / "engine.onnx") as session:
            return verify(session, inputs, references, policy)

    return run


def drawn(*shape: Any) -> Any:
    return np.random.default_rng(7).standard_normal(shape).astype(np.float32)


NETS: dict[str, Any] = {
    "conv": (models.conv_net, {"images": drawn(1, 3, 16, 16)}),
    "lstm": (models.lstm_net, {"steps": drawn(9, 1, 16)}),
    "embedding": (models.embedding_net, {"ids": np.array([[1, 5, 9]]), "scale": np.array(0.7, np.float32)}),
}


@pytest.mark.parametrize("kind", NETS)
def test_an_engine_that_is_its_model_passes(verified: Any, kind: Any) -> None:
    net, inputs = NETS[kind]
    assert verified(net(), inputs).verdict is Verdict.PASSED


@pytest.mark.parametrize("kind", NETS)
def test_weights_that_are_off_by_one_percent_fail(verified: Any, kind: Any) -> None:
    net, inputs = NETS[kind]
    assert verified(models.scaled_weights(net()), inputs, net()).verdict is Verdict.FAILED


@pytest.mark.parametrize("name", [models.SILERO_FILE, "silero_vad_16k_sequence.onnx"])
def test_a_pre_trained_network_passes_and_fails_with_weights_off_by_one_percent(
    verified: Any, silero: Any, name: Any
) -> None:
    inputs = models.silero_inputs()
    if "sequence" in name:
        inputs = {
            "input": drawn(3, 576),
            "h": np.zeros((1, 1, 128), np.float32),
            "c": np.zeros((1, 1, 128), np.float32),
        }
    net = onnx.load(str(silero / name))
    assert verified(net, inputs).verdict is Verdict.PASSED
    assert verified(models.scaled_weights(net), inputs, net).verdict is Verdict.FAILED


def test_swapped_outputs_fail(verified: Any) -> None:
    nodes = [onnx.helper.make_node("Exp", ["x"], ["a"]), onnx.helper.make_node("Sin", ["x"], ["b"])]
    swapped = [onnx.helper.make_node("Exp", ["x"], ["b"]), onnx.helper.make_node("Sin", ["x"], ["a"])]
    shape = ("float32", [1, 8])
    right, wrong = (models.model(each, {"x": shape}, {"a": shape, "b": shape}) for each in (nodes, swapped))
    report = verified(wrong, {"x": drawn(1, 8)}, right)
    assert report.verdict is Verdict.FAILED
    assert {item.verdict for item in report.outputs} == {Verdict.FAILED}


def test_a_nan_of_the_engine_fails(verified: Any) -> None:
    references = {"y": np.abs(drawn(1, 8))}
    report = verified(models.nan_net(), {"x": drawn(1, 8)}, references=references)
    assert report.verdict is Verdict.FAILED
    assert "NaN" in report.reason


def test_an_output_with_many_values_that_never_change_is_unverified(verified: Any) -> None:
    report = verified(models.fixed_answer_net(), {"x": drawn(1, 8)})
    assert report.verdict is Verdict.UNVERIFIED
    assert report.reason == "anchors: it does not depend on the inputs"
    assert report.outputs[0].verdict is Verdict.PASSED


def test_no_reference_and_no_verification_are_unverified(verified: Any, tmp_path: Path) -> None:
    onnx.save(models.conv_net(), str(tmp_path / "engine.onnx"))
    with open_session(tmp_path / "engine.onnx") as session:
        assert verify(session, NETS["conv"][1], None).reason == "there are no reference outputs"
        off = verify(session, NETS["conv"][1], {}, VerifyPolicy(enabled=False))
    assert (off.verdict, off.reason) == (Verdict.UNVERIFIED, "verification was switched off")


def test_a_misspelt_output_is_an_error_even_when_nothing_can_be_compared(verified: Any, tmp_path: Path) -> None:
    onnx.save(models.conv_net(), str(tmp_path / "engine.onnx"))
    with open_session(tmp_path / "engine.onnx") as session, pytest.raises(Invalid, match="'logit'"):
        verify(session, NETS["conv"][1], None, VerifyPolicy(atol={"logit": 1.0}))


def test_top_k_with_ties_needs_the_sorted_comparator(verified: Any) -> None:
    x = np.array([[5, 5, 1, 0, 0, 0, 0, 4]], np.float32)
    references = {"values": np.array([[4, 5, 5]], np.float32), "indices": np.array([[7, 1, 0]])}
    as_sorted = VerifyPolicy(comparators={"": Comparator.SORTED})
    assert verified(models.top_k_net(), {"x": x}, references=references).verdict is Verdict.FAILED
    assert verified(models.top_k_net(), {"x": x}, references=references, policy=as_sorted).verdict is Verdict.PASSED


def test_selected_boxes_may_come_in_any_order(verified: Any, tmp_path: Path) -> None:
    corners = np.random.default_rng(3).random((1, 40, 2)).astype(np.float32) * 10
    boxes = np.concatenate([corners, corners + 1], axis=-1)
    inputs = {"boxes": boxes, "scores": np.random.default_rng(4).random((1, 1, 40)).astype(np.float32)}
    onnx.save(models.nms_net(), str(tmp_path / "nms.onnx"))
    selected = models.plain_outputs(tmp_path / "nms.onnx", inputs)["selected"]
    assert len(selected) > 5
    as_boxes = VerifyPolicy(comparators={"selected": Comparator.BOXES})
    shuffled = {"selected": selected[::-1]}
    assert verified(models.nms_net(), inputs, references=shuffled, policy=as_boxes).verdict is Verdict.PASSED
    assert verified(models.nms_net(), inputs, references=shuffled).verdict is Verdict.FAILED
    fewer = {"selected": selected[1:]}
    assert verified(models.nms_net(), inputs, references=fewer, policy=as_boxes).verdict is Verdict.FAILED


def test_changed_inputs_keep_kinds_shapes_and_what_whole_numbers_mean() -> None:
    inputs = {"x": drawn(2, 3), "length": np.array([1, 2]), "rate": np.array(16000)}
    other: Any = changed(inputs)
    assert not np.array_equal(other["x"], inputs["x"])
    assert np.array_equal(other["length"], inputs["length"])
    assert all((other[name].dtype, other[name].shape) == (inputs[name].dtype, inputs[name].shape) for name in inputs)
    swapped: Any = changed({"ids": np.array([1, 2])})
    assert swapped["ids"].tolist() == [2, 1]
    assert changed({"x": np.zeros(4, np.float32)}) is None
    assert changed({}) is None
