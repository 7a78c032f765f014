from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any, List

import numpy as np
import onnx
import pytest

from farm.protocol.errors import BuildFailed, Invalid, Unsupported
from farm.protocol.options import BenchmarkPolicy, BuildOptions, Precision, ShapeRange, VerifyPolicy
from farm.protocol.report import Verdict
from farm.protocol.samples import unpack
from farm.protocol.states import State
from farm.protocol.work import ReuseEngine
from worker.device.build import make

from ...support import models
from .works import QUICK, ref, workspace

IMAGES = {"images": np.random.default_rng(7).standard_normal((1, 3, 16, 16)).astype(np.float32)}


class Stages(List[State]):
    """The states that were entered."""

    def __call__(self, state: State, detail: str) -> None:
        self.append(state)


def made(folder: Any, model: Any, inputs: Any, **more: Any) -> Any:
    stages = Stages()
    return make(workspace(folder, model, inputs, **more), folder, stages), stages


def test_a_build_goes_through_its_stages_and_ends_with_all_that_was_asked(tmp_path: Path, silero: Any) -> None:
    result, stages = made(tmp_path, silero / models.SILERO_FILE, models.silero_inputs())
    assert stages == [State.BUILDING, State.VERIFYING, State.BENCHMARKING]
    assert result.files == (ref(tmp_path / "output/engine.onnx", "engine.onnx"),)
    assert [spec.name for spec in result.inputs] == ["input", "state", "sr"]
    assert result.verification.verdict is Verdict.PASSED
    assert result.verification.reference == "onnxruntime, optimisations off"
    assert result.benchmark.latency.median_ms > 0
    assert result.requirement.instruction_sets
    stored = (tmp_path / "output/samples.bin").read_bytes()
    assert result.samples.sha256 == hashlib.sha256(stored).hexdigest() == result.benchmark.samples
    assert len(unpack(stored)) == result.benchmark.iterations
    kept = (tmp_path / "output/values.bin").read_bytes()
    assert result.values.sha256 == hashlib.sha256(kept).hexdigest() == result.verification.values
    elements = [item.elements for item in result.verification.outputs]
    assert [item.values for item in result.verification.outputs] == elements
    assert len(unpack(kept)) == sum(elements)


def test_a_wrong_engine_is_a_result_without_a_time(tmp_path: Path) -> None:
    wrong = {name: array * np.float32(1.02) for name, array in _references(tmp_path).items()}
    result, stages = made(tmp_path / "work", models.conv_net(), IMAGES, references=wrong)
    assert stages == [State.BUILDING, State.VERIFYING]
    assert result.verification.verdict is Verdict.FAILED
    assert (result.benchmark, result.samples) == (None, None)
    assert [item.name for item in result.files] == ["engine.onnx"]


def _references(folder: Any) -> Any:
    onnx.save(models.conv_net(), str(folder / "net.onnx"))
    return models.plain_outputs(folder / "net.onnx", IMAGES)


def test_without_references_an_engine_is_unverified_and_measured(tmp_path: Path) -> None:
    result, _ = made(tmp_path, models.conv_net(), IMAGES, known=False)
    assert result.verification.verdict is Verdict.UNVERIFIED
    assert result.benchmark.latency is not None


def test_without_inputs_an_engine_is_unverified_and_refused_a_time(tmp_path: Path) -> None:
    result, _ = made(tmp_path, models.conv_net(), None)
    assert result.verification.verdict is Verdict.UNVERIFIED
    assert (result.benchmark.latency, result.benchmark.iterations) == (None, 0)
    assert "no reference inputs" in result.benchmark.reason


def test_what_was_switched_off_is_not_done(tmp_path: Path) -> None:
    off = {"verify": VerifyPolicy(enabled=False), "benchmark": BenchmarkPolicy(enabled=False)}
    result, stages = made(tmp_path, models.conv_net(), IMAGES, **off)
    assert result.verification.reason == "verification was switched off"
    assert result.benchmark is None
    assert State.BENCHMARKING not in stages


def test_an_existing_engine_is_verified_and_measured_without_building(tmp_path: Path) -> None:
    first, _ = made(tmp_path / "one", models.conv_net(), IMAGES)
    work = workspace(tmp_path / "other", models.conv_net(), IMAGES)
    engine = tmp_path / "other/input/engine/engine.onnx"
    engine.parent.mkdir()
    engine.write_bytes((tmp_path / "one/output/engine.onnx").read_bytes())
    (tmp_path / "other/input/model.onnx").unlink()
    reuse = ReuseEngine("engine-1", (ref(engine, "engine.onnx"),), first.inputs, first.outputs)
    stages = Stages()
    result = make(dataclasses.replace(work, reuse=reuse), tmp_path / "other", stages)
    assert stages == [State.VERIFYING, State.BENCHMARKING]
    assert result.files == ()
    assert result.verification.verdict is Verdict.PASSED
    assert {path.name for path in (tmp_path / "other/output").iterdir()} == {"samples.bin", "values.bin"}


def test_int8_takes_its_samples_from_the_workspace(tmp_path: Path) -> None:
    samples = {"images": np.random.default_rng(0).standard_normal((4, 1, 3, 16, 16)).astype(np.float32)}
    options = BuildOptions(precision=Precision.INT8, calibration="3" * 64)
    result, _ = made(tmp_path, models.conv_net(), IMAGES, options=options, calibration=samples)
    assert result.verification.verdict is Verdict.PASSED
    assert result.effective["calibration_samples"] == 4


def test_a_policy_about_outputs_that_do_not_exist_fails_before_the_build(tmp_path: Path) -> None:
    stages = Stages()
    work = workspace(tmp_path, models.conv_net(), IMAGES, verify=VerifyPolicy(rtol={"logit": 0.1}))
    with pytest.raises(Invalid, match="'logit'"):
        make(work, tmp_path, stages)
    assert stages == []


def test_plugins_are_never_dropped(tmp_path: Path) -> None:
    stages = Stages()
    work = workspace(tmp_path, models.conv_net(), IMAGES, plugins={"roi_align": "4" * 64})
    with pytest.raises(Unsupported, match=r"onnxruntime [\d.]+ takes no plugins, and the model needs roi_align"):
        make(work, tmp_path, stages)
    assert stages == []


def test_reference_inputs_the_engine_refuses_fail_the_build(tmp_path: Path) -> None:
    profile = {"images": ShapeRange((2, 3, 16, 16), (2, 3, 16, 16), (4, 3, 16, 16))}
    work = workspace(tmp_path, models.conv_net(batch="batch"), IMAGES, options=BuildOptions(profiles=(profile,)))
    with pytest.raises(BuildFailed, match=r"does not run the reference inputs: .* outside of the profile"):
        make(work, tmp_path, Stages())


def test_a_noisy_measurement_is_told_and_has_no_time(tmp_path: Path) -> None:
    policy = dataclasses.replace(QUICK, max_cv_percent=0.0)
    result, _ = made(tmp_path, models.conv_net(), IMAGES, benchmark=policy)
    assert result.benchmark.noisy
    assert result.benchmark.latency is None
