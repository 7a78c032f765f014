"""Models that are wrong: each is a failed build with its reason, and the worker goes on with the next one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from farm.protocol.states import State
from tests.support import models
from tests.support.waiting import until
from tests.worker.host import broken

from .fleet import QUICK, Fleet, ends

pytestmark = [pytest.mark.services, pytest.mark.fault, pytest.mark.slow]

_QUICK = ("--duration", QUICK.duration_s, "--iterations", QUICK.iterations, "--max-cv", QUICK.max_cv_percent)


@pytest.fixture(scope="module")
def farm(shared: Fleet) -> Iterator[Fleet]:
    """A fleet with one worker that has to survive everything here."""
    worker = shared.worker("survivor")
    yield shared
    assert worker.running, worker.said()
    shared.retire(worker)


def refused(farm: Fleet, path: Path, *flags: object) -> str:
    """What a submit of this model says; it must fail, and the next build must be fine."""
    told = farm.farm("submit", path, "--targets", "cpu", "--wait", *_QUICK, *flags)
    assert told.code in (1, 2), (told.out, told.err)
    assert farm.workers["survivor"].running
    return told.out + told.err


def test_what_is_no_model_is_refused_with_its_reason(farm: Fleet, tmp_path: Path, model: Path) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(b"this is no model at all")
    assert "bad.onnx" in refused(farm, path)
    path.write_bytes(model.read_bytes()[: model.stat().st_size // 2])
    assert "bad.onnx" in refused(farm, path)
    path.write_bytes(b"")
    assert "bad.onnx" in refused(farm, path)


def test_an_unknown_operator_is_named(farm: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "unknown.onnx"
    node = onnx.helper.make_node("Levitate", ["x"], ["y"])
    onnx.save(broken.graph([node]), str(path))
    assert "Levitate" in refused(farm, path)


def test_weights_that_are_missing_or_lie_outside_are_named(farm: Fleet, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    path = folder / "heavy.onnx"
    onnx.save(models.conv_net(seed=31), str(path), save_as_external_data=True, location="heavy.bin", size_threshold=0)
    shutil.move(folder / "heavy.bin", tmp_path / "heavy.bin")
    assert "heavy.bin" in refused(farm, path)
    outside = onnx.load(str(path), load_external_data=False)
    for tensor in outside.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "../heavy.bin"
    path.write_bytes(outside.SerializeToString())
    assert "../heavy.bin" in refused(farm, path)


def test_absurd_shapes_are_refused_before_they_take_memory(farm: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "absurd.onnx"
    wide = [1 << 20, 1 << 20, 4]
    value = ("x", onnx.TensorProto.FLOAT, wide)
    onnx.save(broken.graph([broken.relu()], inputs=[value], outputs=[("y", onnx.TensorProto.FLOAT, wide)]), str(path))
    told = refused(farm, path)
    assert "GiB" in told or "TiB" in told or "memory" in told, told


@pytest.fixture
def author(tmp_path: Path) -> tuple[onnx.ModelProto, Path, Path, dict[str, np.ndarray]]:
    """A network with two outputs, and what its author says comes out for certain inputs."""
    from onnx import helper

    rng = np.random.default_rng(11)
    network = models.model(
        [
            helper.make_node("MatMul", ["x", "w"], ["h"]),
            helper.make_node("Tanh", ["h"], ["a"]),
            helper.make_node("Softmax", ["h"], ["b"]),
        ],
        {"x": ("float32", [4, 32])},
        {"a": ("float32", [4, 16]), "b": ("float32", [4, 16])},
        {"w": (rng.standard_normal((32, 16)) * 0.3).astype(np.float32)},
    )
    path, inputs, outputs = tmp_path / "author.onnx", tmp_path / "in.npz", tmp_path / "out.npz"
    onnx.save(network, str(path))
    given = {"x": rng.standard_normal((4, 32)).astype(np.float32)}
    np.savez(inputs, x=given["x"])
    said = models.plain_outputs(path, given)
    np.savez(outputs, **said)
    return network, inputs, outputs, said


def quarantined(farm: Fleet, path: Path, inputs: Path, outputs: Path) -> str:
    told = farm.farm(
        "submit", path, "-t", "survivor", "--wait", *_QUICK, "--loadInputs", inputs, "--loadRefOutputs", outputs
    )
    assert told.code == 3, (told.out, told.err)
    assert "quarantined" in told.out
    fetched = farm.farm("fetch", path.stem, "-o", path.parent / "engine")
    assert fetched.code == 4, fetched.out
    assert not (path.parent / "engine").exists()
    return told.out + told.err


def test_what_the_author_says_is_passed(
    farm: Fleet, tmp_path: Path, author: tuple[onnx.ModelProto, Path, Path, dict[str, np.ndarray]]
) -> None:
    network, inputs, outputs, _ = author
    onnx.save(network, str(tmp_path / "right.onnx"))
    told = farm.farm(
        "submit", tmp_path / "right.onnx", "-t", "survivor", "--wait", *_QUICK,
        "--loadInputs", inputs, "--loadRefOutputs", outputs,
    )  # fmt: skip
    assert told.code == 0, told.err
    assert "passed" in told.out


def test_weights_that_are_one_percent_off_are_quarantined(
    farm: Fleet, tmp_path: Path, author: tuple[onnx.ModelProto, Path, Path, dict[str, np.ndarray]]
) -> None:
    network, inputs, outputs, _ = author
    path = tmp_path / "scaled.onnx"
    onnx.save(models.scaled_weights(network, 1.01), str(path))
    quarantined(farm, path, inputs, outputs)


def test_swapped_outputs_are_quarantined(
    farm: Fleet, tmp_path: Path, author: tuple[onnx.ModelProto, Path, Path, dict[str, np.ndarray]]
) -> None:
    network, inputs, outputs, _ = author
    path = tmp_path / "swapped.onnx"
    for operator in network.graph.node:
        operator.output[:] = [{"a": "b", "b": "a"}.get(name, name) for name in operator.output]
    onnx.save(network, str(path))
    quarantined(farm, path, inputs, outputs)


def test_a_nan_is_quarantined(
    farm: Fleet, tmp_path: Path, author: tuple[onnx.ModelProto, Path, Path, dict[str, np.ndarray]]
) -> None:
    network, inputs, outputs, _ = author
    (weights,) = network.graph.initializer
    array = onnx.numpy_helper.to_array(weights).copy()
    array[3, 5] = np.nan
    weights.CopyFrom(onnx.numpy_helper.from_array(array, "w"))
    path = tmp_path / "nan.onnx"
    onnx.save(network, str(path))
    assert "NaN" in quarantined(farm, path, inputs, outputs)


def test_an_output_that_never_changes_is_unverified(farm: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "fixed.onnx"
    onnx.save(models.fixed_answer_net(), str(path))
    told = farm.farm("submit", path, "-t", "survivor", "--wait", *_QUICK)
    assert "unverified" in told.out, told.err
    (engine,) = [item for item in farm.client.engines.list() if item.model_name == "fixed"]
    assert engine.verdict == "unverified"


def test_the_survivor_is_alive_and_builds(farm: Fleet, model: Path) -> None:
    submission = farm.ended(farm.submit(model, "survivor"))
    assert [item.state for item in submission.builds] == [State.DONE]
    assert len(ends(farm.attempts(submission))) == 2
    until(lambda: farm.workers["survivor"].running)
