"""A model becomes an engine on a whole farm, and every verb tells of it: built once, then looked at from all sides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from farm import FarmClient
from farm.client import SubmitOptions
from farm.protocol.codec import from_json
from farm.protocol.errors import BuildFailed
from farm.protocol.keys import RequestKey
from farm.protocol.options import BenchmarkPolicy
from farm.protocol.submit import Plan
from farm.protocol.views import (
    DeviceView,
    EngineDetail,
    EngineView,
    ModelView,
    SubmissionView,
    Sweep,
    TargetView,
    TokenView,
)
from tests.support import models

from .live import Live

# Nothing here is about speed: a busy machine must not make a benchmark noisy.
QUICK = ("--duration", "0.1", "--warmUp", "10", "--max-cv", "100000")

# Long enough for one to see it.
VISIBLE = ("--duration", "1.5")


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small real network."""
    path = tmp_path_factory.mktemp("models") / "net.onnx"
    onnx.save(models.conv_net(), str(path))
    return path


@pytest.fixture(scope="module")
def built(farm: Live, net: Path) -> dict[str, Any]:
    """The submission of the network, after its end."""
    told = farm("submit", net, "--targets", "cpu", "--wait", "--json", "--tag", "made=here", *QUICK)
    assert told.code == 0, told.err
    view: dict[str, Any] = json.loads(told.out)
    return view


def test_the_json_of_a_submission_says_what_came_out(built: dict[str, Any]) -> None:
    (build,) = built["builds"]
    assert (built["name"], built["exit_code"], built["tags"]) == ("net", 0, {"made": "here"})
    assert (build["target"], build["state"], build["exit_code"]) == ("cpu", "done", 0)
    assert (build["verification"]["verdict"], build["failure"]) == ("passed", None)
    assert build["verification"]["max_abs_error"] < 1e-4
    assert 0 < build["benchmark"]["minimum_ms"] <= build["benchmark"]["median_ms"] <= build["benchmark"]["p99_ms"]
    assert build["engine"].startswith("eng-")


def test_the_same_again_is_cached_and_says_what_it_saved(farm: Live, net: Path, built: dict[str, Any]) -> None:
    view = farm.json("submit", net, "-t", "cpu", "--wait", *QUICK)
    (build,) = view["builds"]
    first = built["builds"][0]
    assert (build["state"], build["engine"], build["exit_code"]) == ("cached", first["engine"], 0)
    assert (build["build"], build["verification"]) == (first["build"], first["verification"])
    assert build["saved_s"] > 0
    (row,) = farm.json("plan", net, "-t", "cpu", *QUICK)["rows"]
    assert (row["hit"], row["engine"]) == ("hit", build["engine"])
    table = farm("submit", net, "-t", "cpu", "--wait", *QUICK)
    assert table.lines[1].split()[:3] == ["cpu", "cached", "passed"]


def test_watch_tells_every_stage_in_a_line_of_its_own(farm: Live, net: Path, built: dict[str, Any]) -> None:
    told = farm("submit", net, "-t", "cpu", "--force", "--watch", *QUICK, *VISIBLE)
    assert told.code == 0, told.err
    stages = [line.split()[2].rstrip(":") for line in told.err.splitlines()[1:]]
    # A stage may be over before one can look; their order is fixed.
    way = ["waiting", "queued", "leased", "compiling", "building", "verifying", "benchmarking", "publishing", "done"]
    assert stages == sorted(stages, key=way.index)
    assert {"benchmarking", "done"} <= set(stages)
    assert told.lines[1].split()[:3] == ["cpu", "done", "passed"]


def test_a_terminal_shows_stages_live_and_then_the_table(farm: Live, net: Path, built: dict[str, Any]) -> None:
    told = farm.shown("submit", net, "-t", "cpu", "--force", "--wait", *QUICK, *VISIBLE)
    assert told.code == 0
    assert "\x1b[?25l" in told.out
    assert "●" in told.out
    assert "benchmarking" in told.out
    assert "passed" in told.out.splitlines()[-1]


def test_status_list_results_and_logs(farm: Live, built: dict[str, Any]) -> None:
    submission, build = built["id"], built["builds"][0]["build"]
    shown = farm("status", submission)
    assert "tags        made=here" in shown.out
    assert "●●●●●●●" in shown.out
    assert farm("status", submission, "--watch").code == 0
    assert submission in [item["id"] for item in farm.json("list", "--tag", "made=here")["submissions"]]
    assert farm.json("results", submission)["builds"][0] == built["builds"][0]
    assert farm("results", submission, "--wait").lines[1].split()[:3] == ["cpu", "done", "passed"]
    log = farm("logs", submission).out
    assert "-- building" in log
    assert farm("logs", build).out == farm("logs", submission, "--follow").out == log
    assert "-- preparing" in farm("logs", submission, "--preparation").out
    assert farm.json("logs", build)["logs"][0]["lines"] == log.splitlines()


def test_engines_are_the_database_of_artifacts(farm: Live, built: dict[str, Any]) -> None:
    engine = built["builds"][0]["engine"]
    for options in ([], ["--gpu", "cpu"], ["--model", "net"], ["--target", "cpu"], ["--precision", "fp32"]):
        assert engine in [item["id"] for item in farm.json("engines", "list", *options)["engines"]]
    for options in (["--gpu", "h200"], ["--model", "other"], ["--precision", "int8"]):
        assert farm.json("engines", "list", *options) == {"engines": []}
    shown = farm("engines", "show", engine).out
    for words in ("verified", "passed", "onnxruntime", "p50", "logits"):
        assert words in shown
    detail = farm.json("engines", "show", engine)
    assert detail["engine"]["id"] == engine
    assert detail["verifications"][0]["verdict"] == "passed"
    assert detail["benchmarks"][0]["protocol"].startswith("farm-")


def test_a_pinned_engine_stays(farm: Live, net: Path, built: dict[str, Any]) -> None:
    view = farm.json("submit", net, "-t", "cpu", "--name", "pinned", "--fp16", "--wait", *QUICK)
    engine = view["builds"][0]["engine"]
    assert farm.json("engines", "pin", engine)["engines"][0]["pinned"] is True
    refused = farm("engines", "rm", engine)
    assert (refused.code, f"farm engines unpin {engine}" in refused.err) == (2, True)
    assert farm("engines", "unpin", engine).code == 0
    assert farm("engines", "rm", engine).code == 0
    assert engine not in farm("engines").out
    # What is gone is built again, not taken from nowhere.
    again = farm.json("submit", net, "-t", "cpu", "--name", "pinned", "--fp16", "--wait", *QUICK)
    assert again["builds"][0]["state"] == "done"


def test_keys_differ_in_what_was_changed(farm: Live, net: Path, built: dict[str, Any]) -> None:
    engine = built["builds"][0]["engine"]
    other = farm.json("submit", net, "-t", "cpu", "--name", "half", "--fp16", "--wait", *QUICK)["builds"][0]["engine"]
    assert f"key                    {built['builds'][0]['key']}"[:4] in farm("key", engine).out
    told = farm("key", engine, other)
    assert [line.split() for line in told.lines] == [["FIELD", engine, other], ["options.precision", "fp32", "fp16"]]
    assert farm("key", engine, engine).err.startswith("the same key: ")
    assert farm.json("key", engine, other)["differences"] == [
        {"path": "options.precision", "left": "fp32", "right": "fp16"}
    ]
    compared = farm.json("compare", engine, other)
    assert [item["engine"] for item in compared["engines"]] == [engine, other]
    assert compared["engines"][0]["slower_percent"] == 0
    rows = [line.split()[0] for line in farm("compare", engine, other, "--metric", "mean").lines]
    assert {"p50", "p99", "size", "slower"} <= set(rows)


def test_names_point_at_digests_and_remember(farm: Live, tmp_path: Path) -> None:
    digests = []
    for seed in (1, 2):
        path = tmp_path / "moving.onnx"
        onnx.save(models.conv_net(seed=seed, channels=8, blocks=1), str(path))
        view = farm.json("submit", path, "-t", "cpu", "--wait", *QUICK)
        assert view["exit_code"] == 0
        digests.append(view["model"])
    assert digests[0] != digests[1]
    model = farm.json("models", "moving")
    assert model["model"] == digests[1]
    assert model["earlier"] == digests[:1]
    assert f"earlier  {digests[0]}" in farm("models", "moving").out
    assert any(line.split()[0] == "moving" for line in farm("models").lines)


@pytest.mark.parametrize("option", ["--atol=1e-12", "--rtol=1e-12", "--atol=logits:1e-12", "--check-error-stat=max"])
def test_tolerances_decide(farm: Live, net: Path, built: dict[str, Any], option: str) -> None:
    strict = ["--atol=1e-12", "--rtol=0"] if option.startswith("--check") else [option]
    strict += ["--atol=0"] if option.startswith("--rtol") else ["--rtol=0"] if option.startswith("--atol") else []
    told = farm("submit", net, "-t", "cpu", "--wait", "--name", "strict", *strict, option, *QUICK)
    assert told.code == 3, told.out
    assert "quarantined" in told.out or "failed" in told.out


def test_wrong_reference_outputs_quarantine(farm: Live, net: Path, tmp_path: Path) -> None:
    images = np.random.default_rng(0).standard_normal((1, 3, 16, 16)).astype(np.float32)
    outputs = models.plain_outputs(net, {"images": images})
    np.savez(tmp_path / "in.npz", images=images)
    np.savez(tmp_path / "out.npz", **outputs)
    np.savez(tmp_path / "wrong.npz", **{name: array + 1 for name, array in outputs.items()})
    given = ["--name", "told", "--loadInputs", tmp_path / "in.npz"]
    good = farm("submit", net, "-t", "cpu", "--wait", *given, "--loadRefOutputs", tmp_path / "out.npz", *QUICK)
    assert good.code == 0, good.err
    bad = farm("submit", net, "-t", "cpu", "--wait", *given, "--load-ref-outputs", tmp_path / "wrong.npz", *QUICK)
    assert bad.code == 3
    assert "quarantined" in bad.out


def test_what_cannot_be_built_says_why_and_where_to_look(farm: Live, tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    graph = models.conv_net(channels=8, blocks=1)
    graph.graph.node[0].op_type = "NoSuchOperator"
    path.write_bytes(graph.SerializeToString())
    told = farm("submit", path, "-t", "cpu", "--wait", *QUICK)
    assert told.code == 1
    assert told.lines[1].split()[:2] == ["cpu", "failed"]
    assert "NoSuchOperator" in told.err
    assert "farm logs bld-" in told.err
    again = farm("submit", path, "-t", "cpu", "--wait", *QUICK)
    assert again.code == 1
    assert "submit with --force to build it again" in again.err
    view = farm.json("list", "--name", "broken")["submissions"][0]
    tried = farm.json("retry", view["id"], "--force", "--wait", code=1)
    assert tried["tags"] == {"retry-of": view["id"]}
    assert tried["builds"][0]["failure"]["stage"] == "preparing"


def test_the_sdk_says_the_same(farm: Live, net: Path, tmp_path: Path, built: dict[str, Any]) -> None:
    quick = SubmitOptions(benchmark=BenchmarkPolicy(warmup_ms=10, duration_s=0.1, max_cv_percent=100000))
    with FarmClient(farm.url, farm.token) as client:
        view = client.submit(str(net), ["cpu"], quick, wait=True)
        assert str(view.builds[0].state) == "cached"
        (result,) = client.results(view.id)
        assert result.engine is not None
        assert result.engine.engine.key == built["builds"][0]["key"]
        path = tmp_path / "broken.onnx"
        graph = models.conv_net(channels=8, blocks=1, seed=5)
        graph.graph.node[0].op_type = "NoSuchOperator"
        path.write_bytes(graph.SerializeToString())
        with pytest.raises(BuildFailed, match="NoSuchOperator"):
            client.submit(str(path), ["cpu"], wait=True)


def test_objects_are_those_of_the_documentation(farm: Live, net: Path, built: dict[str, Any]) -> None:
    """Read strictly: a field more or less is an error."""
    engine = built["builds"][0]["engine"]
    for kind, arguments in (
        (SubmissionView, ["status", built["id"]]),
        (Plan, ["plan", net, "-t", "cpu"]),
        (EngineDetail, ["engines", "show", engine]),
        (ModelView, ["models", "net"]),
        (Sweep, ["gc", "--dry-run"]),
    ):
        from_json(kind, farm.json(*arguments))
    for item, name, arguments in (
        (SubmissionView, "submissions", ["list"]),
        (EngineView, "engines", ["engines"]),
        (DeviceView, "devices", ["devices"]),
        (TargetView, "targets", ["targets"]),
        (TokenView, "tokens", ["token"]),
        (ModelView, "models", ["models"]),
    ):
        views = farm.json(*arguments)[name]
        assert views
        for view in views:
            from_json(item, view)
    assert from_json(RequestKey, farm.json("key", engine)["key"]).digest == built["builds"][0]["key"]
