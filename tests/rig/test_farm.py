"""The whole way to the target `rtx-aot`: real processes, a real builder, no card."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import psutil
import pytest

from farm.protocol.exits import Exit
from farm.protocol.report import Verdict
from farm.protocol.states import State
from farm.protocol.steps import DEFAULT_STEPS
from farm.protocol.views import ProgressView
from tests.e2e.fleet import Fleet, net
from tests.support import models, networks
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import until

from .rig import VERSION

pytestmark = pytest.mark.slow


def test_a_machine_without_a_card_offers_what_it_builds_ahead_of_time(ahead: Fleet) -> None:
    (device,) = ahead.client.devices.list()
    assert device.facts.gpus == ()
    assert {item.name: item.version for item in device.facts.backends}["tensorrt_rtx"] == VERSION
    assert device.slots == ("cpu0",)
    assert "box" in ahead.farm("targets", "list").out


def test_an_engine_is_built_and_says_that_nothing_has_run_it(ahead: Fleet, tmp_path: Path) -> None:
    path = net(tmp_path)
    told = ahead.json("submit", path, "--targets", "rtx-aot", "--wait")
    assert [(item["target"], item["state"]) for item in told["builds"]] == [("rtx-aot", "done")]
    view = ahead.client.status(told["id"])
    (result,) = ahead.client.results(view.id)
    assert result.verification is not None
    assert result.verification.verdict is Verdict.UNVERIFIED
    assert "ahead of time, with no card to run it on" in result.verification.reason
    assert result.benchmark is not None
    assert (result.benchmark.latency, result.benchmark.noisy) == (None, False)
    stages = [item.state for item in ahead.build(view).attempts[0].stages]
    assert stages == [State.BUILDING, State.PUBLISHING]
    assert "[TensorRT] info: Engine generation completed" in ahead.farm("logs", ahead.build(view).id).out

    engine = told["builds"][0]["engine"]
    known = ahead.json("inspect", engine, "--layers", "3")
    assert len(known["layers"]) == 3
    assert known["layers_from"] == "the parsed network, before its layers were fused"
    assert "convolution" in ahead.farm("inspect", engine).out

    again = ahead.json("submit", path, "--targets", "rtx-aot", "--wait")
    assert [item["state"] for item in again["builds"]] == ["cached"]

    refused = ahead.farm("fetch", path.stem, "-o", tmp_path / "engine")
    assert refused.code == Exit.NO_ENGINE
    assert "this device has no GPU" in refused.err
    assert not (tmp_path / "engine").exists()


def test_open_axes_are_asked_for_in_one_error_with_the_flags_to_type(ahead: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "open.onnx"
    # References are made for a batch of one; the builder alone has to know more.
    onnx.save(models.conv_net(batch="n"), str(path))
    told = ahead.farm("submit", path, "--targets", "rtx-aot", "--wait")
    assert told.code == Exit.BUILD_FAILED
    assert "images [?, 3, 16, 16] has none" in told.out + told.err
    assert "--min-shapes images:1x3x16x16" in told.out + told.err

    shapes = [f"--{which}-shapes=images:{size}" for which, size in _SIZES]
    done = ahead.json("submit", path, "--targets", "rtx-aot", "--wait", *shapes)
    assert [item["state"] for item in done["builds"]] == ["done"], json.dumps(done)


_SIZES = (("min", "1x3x16x16"), ("opt", "2x3x16x16"), ("max", "4x3x16x16"))


def test_float16_is_made_on_the_host_and_halves_the_engine(ahead: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "wide.onnx"
    onnx.save(models.conv_net(seed=3, channels=256), str(path))
    sizes = {}
    for precision in ("fp32", "fp16", "bf16", "mix"):
        told = ahead.json("submit", path, "--targets", "rtx-aot", "--precision", precision, "--wait")
        assert [item["state"] for item in told["builds"]] == ["done"], told
        view = ahead.client.status(told["id"])
        (engine,) = (item for item in ahead.engines(view) if item.precision == precision)
        sizes[precision] = engine.size_bytes
        assert engine.gpu == "ahead of time"
        steps = ahead.client.engines.show(engine.id).manifest.key.recipe.steps
        assert [step.name for step in steps][len(DEFAULT_STEPS) :] == _STEPS_OF[precision]
    assert sizes["fp16"] < 0.6 * sizes["fp32"]
    assert sizes["mix"] < 0.6 * sizes["fp32"]
    assert sizes["bf16"] < 0.6 * sizes["fp32"]


_STEPS_OF: dict[str, list[str]] = {"fp32": [], "fp16": ["float16"], "bf16": ["bfloat16"], "mix": ["mixed"]}


def test_fp8_is_built_for_the_cards_that_have_it(ahead: Fleet, tmp_path: Path) -> None:
    path, samples = tmp_path / "eight.onnx", tmp_path / "samples.npz"
    onnx.save(models.conv_net(seed=4, channels=64), str(path))
    np.savez(samples, images=np.random.default_rng(2).standard_normal((3, 1, 3, 16, 16)).astype(np.float32))
    to = ("--targets", "rtx-aot", "--precision", "fp8", "--wait")
    told = ahead.json("submit", path, *to, "--calib", samples)
    assert [item["state"] for item in told["builds"]] == ["done"], told
    (engine,) = ahead.engines(ahead.client.status(told["id"]))
    manifest = ahead.client.engines.show(engine.id).manifest
    assert manifest.requirement.compute_capabilities == ("8.9", "12.0")
    assert manifest.effective["precision"].startswith("FP8 between Q/DQ")
    refused = ahead.farm("submit", path, *to, "--calib", samples, "--option", "computeCapabilities=8.6,8.9")
    assert refused.code != Exit.DONE
    assert "cannot build --precision fp8 for computeCapabilities 8.6" in refused.out + refused.err


def test_progress_is_shown_while_tensorrt_builds_and_a_cancel_ends_it_at_once(ahead: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "detr.onnx"
    onnx.save(networks.detr(128, 192), str(path))
    view = ahead.submit(path, "rtx-aot", steps=())
    ahead.in_stage(view, State.BUILDING)
    build = ahead.build(view).id

    def told() -> ProgressView | None:
        return ahead.build(view).progress

    # Among the events it has no place of its own, so that a stream is resumed behind what is kept.
    further = next(event for event in ahead.client.events(view.id) if event.kind == "progress")
    assert further.build == build
    until(lambda: (found := told()) is not None and found.phase, 60, "TensorRT did not begin to build")
    found = told()
    assert found is not None
    assert found.phase
    assert found.percent is not None
    assert 0 <= found.percent <= 100
    assert found.elapsed_s > 0
    assert found.estimate_s is not None, "this target has built before"
    assert "of other models" in found.estimate_from or "of this size" in found.estimate_from
    shown = ahead.farm("status", view.id).out
    assert "% of its steps; " in shown
    assert " of an estimated " in shown

    children = ahead.workers["box"].descendants()
    with Stopwatch() as watch:
        ahead.client.cancel(view.id)
        psutil.wait_procs(children, timeout=20)
    assert watch.own_s < 2
    assert not any(child.is_running() for child in children)
    assert [item.state for item in ahead.ended(view).builds] == [State.CANCELLED]
    assert ahead.engines(view) == ()
