"""`submit`, `plan` and everything about submissions, against the double."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from farm.protocol.states import State
from tests.support.waiting import until

from ...double import TOKEN, Double
from ..conftest import Farm
from ..processes import start


def test_a_submit_prints_its_id_and_tells_the_person_how_to_follow(farm: Farm, model: Path) -> None:
    told = farm("submit", model, "--targets", "cpu,other")
    assert (told.code, told.out) == (0, "s1\n")
    assert "submitted net for cpu, other" in told.err
    assert "farm status s1 --watch" in told.err


@pytest.mark.parametrize(
    ("targets", "code"),
    [("cpu", 0), ("cached", 0), ("cpu,broken", 1), ("cpu,wrong", 3), ("broken,wrong", 3), ("offline", 6)],
)
def test_the_exit_code_is_that_of_the_worst_target(farm: Farm, model: Path, targets: str, code: int) -> None:
    assert farm("submit", model, "-t", targets, "--wait").code == code


def test_waiting_prints_what_came_out_for_each_target(farm: Farm, model: Path) -> None:
    told = farm("submit", model, "-t", "cpu", "-t", "cached,broken", "--wait")
    assert [line.split()[:3] for line in told.lines[1:]] == [
        ["cpu", "done", "passed"],
        ["cached", "cached", "passed"],
        ["broken", "failed", "-"],
    ]
    cpu, cached, broken = told.lines[1:]
    assert "3.5e-07  1.25 ms  1.75 ms      800 /s  eng-1" in cpu
    assert "saved 12 s" in cached
    assert "the operator Foo is unknown" in broken
    assert "broken: building failed: the operator Foo is unknown. Remove it." in told.err
    assert "farm logs b1-broken" in told.err


def test_watching_tells_each_stage_in_a_line(farm: Farm, double: Double, model: Path) -> None:
    double.auto = False
    moving = threading.Thread(target=_move_when_listened_to, args=(double,))
    moving.start()
    told = farm("submit", model, "-t", "cpu", "--watch")
    moving.join()
    assert [line.split("  ")[1:] for line in told.err.splitlines()[1:]] == [
        *(["cpu", "queued"], ["cpu", "building"], ["cpu", "done"])
    ]


def _move_when_listened_to(double: Double) -> None:
    until(lambda: "GET /events" in double.asked)
    for state in (State.BUILDING, State.DONE):
        seen = double.asked.count("GET /submissions/s1")
        double.move("s1", "cpu", state)
        until(lambda seen=seen: double.asked.count("GET /submissions/s1") > seen)  # type: ignore[misc]


def test_json_is_one_object_with_stable_names(farm: Farm, model: Path) -> None:
    told = farm("submit", model, "-t", "cpu,broken", "--wait", "--json", "--tag", "a=b")
    view = json.loads(told.out)
    assert told.err == ""
    assert (view["id"], view["name"], view["exit_code"], view["tags"]) == ("s1", "net", 1, {"a": "b"})
    cpu, broken = view["builds"]
    assert (cpu["target"], cpu["state"], cpu["engine"]) == ("cpu", "done", "eng-1")
    assert (cpu["verification"]["verdict"], cpu["verification"]["max_abs_error"]) == ("passed", 3.5e-07)
    assert (cpu["benchmark"]["median_ms"], cpu["benchmark"]["noisy"]) == (1.25, False)
    assert (broken["state"], broken["engine"], broken["benchmark"]) == ("failed", None, None)
    assert broken["failure"]["message"] == "the operator Foo is unknown"


def test_json_without_waiting_is_the_submission(farm: Farm, model: Path) -> None:
    view = json.loads(farm("submit", model, "-t", "cpu", "--json").out)
    assert [(item["target"], item["state"]) for item in view["builds"]] == [("cpu", "queued")]


def test_a_timeout_is_code_8_and_says_how_to_go_on(farm: Farm, double: Double, model: Path) -> None:
    double.auto = False
    told = farm("submit", model, "-t", "cpu", "--wait", "--timeout", "0.2s")
    assert told.code == 8
    assert "farm status s1 --watch" in told.err


def test_ctrl_c_detaches(environ: Any, double: Double, model: Path) -> None:
    double.auto = False
    env = {"FARM_URL": double.url, "FARM_TOKEN": TOKEN}
    child = start("submit", str(model), "-t", "cpu", "--wait", env=env)
    until(lambda: "GET /events" in double.asked)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=30)
    assert (child.returncode, out) == (130, "")
    assert "detached: s1 goes on. Come back with farm status s1 --watch" in err
    assert "Traceback" not in err
    assert double.submissions["s1"].builds[0].state is State.QUEUED


def test_a_clone_takes_model_targets_and_options(farm: Farm, double: Double, model: Path) -> None:
    farm("submit", model, "-t", "cpu,other", "--precision", "fp16", "--tag", "a=b", "--force")
    os.remove(str(model))
    assert farm("submit", "--clone", "s1", "--seed", "5").code == 0
    first, second = double.asks["s1"], double.asks["s2"]
    assert (second.name, second.model, second.targets) == (first.name, first.model, ("cpu", "other"))
    assert (second.options, second.tags) == (first.options, {"a": "b"})
    assert (second.reference.seed, second.force) == (5, False)


def test_a_clone_of_another_model_keeps_the_options_and_not_the_name(
    farm: Farm, double: Double, model: Path, tmp_path: Path
) -> None:
    farm("submit", model, "-t", "cpu", "--name", "mine", "--precision", "fp16")
    other = tmp_path / "other.onnx"
    other.write_bytes(model.read_bytes())
    farm("submit", other, "--clone", "s1")
    assert (double.asks["s2"].name, double.asks["s2"].options) == ("other", double.asks["s1"].options)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-t", "cpu"], "no model is given"),
        (["MODEL"], "no targets are given"),
        (["MODEL", "-t", "cpu,,x"], "empty word"),
        (["MODEL", "-t", "cpu", "--shapes", "x"], "cannot read the shape"),
        (["none.onnx", "-t", "cpu"], "No such file"),
        (["MODEL", "-t", "cpu", "--wait", "--timeout", "soon"], "not a time"),
        (["MODEL", "-t", "cpu", "--calib", "none.npz"], "cannot read none.npz"),
        (["--clone", "none", "-t", "cpu"], "there is no none"),
    ],
)
def test_what_cannot_be_right_is_code_2_and_sends_nothing(
    farm: Farm, double: Double, model: Path, arguments: Any, said: str
) -> None:
    told = farm("submit", *[str(model) if item == "MODEL" else item for item in arguments])
    assert (told.code, told.out) == (2, "")
    assert said in told.err
    assert double.submissions == {}


@pytest.mark.parametrize("verb", ["submit", "plan"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shapes", "X:1x3"], "--shapes names 'X', which is no input of the model. Its inputs are "),
        (["--minShapes", "X:1x3", "--maxShapes", "X:4x3"], "--shapes names 'X', which is no input"),
        (["--value", "rate=16000"], "--value names 'rate', which is no input of the model. Its inputs are "),
    ],
)
def test_an_input_that_the_model_does_not_have_is_code_2_before_anything_is_sent(
    farm: Farm, double: Double, model: Path, verb: str, arguments: Any, said: str
) -> None:
    told = farm(verb, model, "-t", "cpu", *arguments)
    assert (told.code, told.out) == (2, "")
    assert said in told.err
    assert double.asked == []


@pytest.mark.parametrize("verb", [["plan"], ["submit", "--dry-run"]])
def test_a_plan_has_a_row_for_each_target(farm: Farm, double: Double, model: Path, verb: Any) -> None:
    told = farm(*verb, model, "-t", "cpu,offline")
    assert told.code == 6
    rows = [["WORD"], ["cpu"], ["offline"]]
    assert [line.split()[:1] for line in told.lines] == [*rows, [], *rows]
    assert "builder flag FP16  IPluginV2DynamicExt" in told.lines[2]
    assert told.lines[-1] == "offline  nvcc 11.4"
    assert "offline: no device serves it" in told.err
    assert double.submissions == {}
    assert farm(*verb, model, "-t", "cpu").code == 0
    planned = json.loads(farm(*verb, model, "-t", "cpu", "--json").out)["rows"]
    assert [(row["word"], row["hit"]) for row in planned] == [("cpu", "miss")]


def test_status_of_one_and_of_what_goes_on(farm: Farm, double: Double, model: Path) -> None:
    double.auto = False
    assert "nothing is being built" in farm("status").err
    farm("submit", model, "-t", "cpu,other", "--tag", "a=b")
    assert "s1" in farm("status").out
    double.move("s1", "cpu", State.VERIFYING, "on here")
    told = farm("status", "s1")
    assert "tags        a=b" in told.out
    assert "cpu     verifying  ●●●●●○○" in told.out
    assert json.loads(farm("status", "s1", "--json").out)["id"] == "s1"
    double.finish("s1")
    assert farm("status", "s1", "--watch").code == 0
    assert "nothing is being built" in farm("status").err


def test_status_says_why_a_target_failed_as_waiting_does(farm: Farm, double: Double, model: Path) -> None:
    waited = farm("submit", model, "-t", "cpu,broken", "--wait")
    double.asked.clear()
    told = farm("status", "s1")
    lines = told.err.splitlines()
    assert lines == [
        "broken: building failed: the operator Foo is unknown. Remove it.",
        "  it is failed",
        "  farm logs b1-broken",
    ]
    assert "\n".join(lines) in waited.err
    # What has an engine is not asked for again.
    assert [path for path in double.asked if "/builds/" in path or "/engines/" in path] == ["GET /builds/b1-broken"]


def test_lists_are_filtered_by_the_coordinator(farm: Farm, model: Path) -> None:
    for _ in range(2):
        farm("submit", model, "-t", "cpu", "--wait")
    told = farm("list", "--state", "done", "--since", "2h", "--tag", "a=b", "--me")
    assert [line.split()[0] for line in told.lines] == ["SUBMISSION", "s2", "s1"]
    assert farm("list", "--state", "failed").err == "no submissions\n"
    assert len(json.loads(farm("list", "--json").out)["submissions"]) == 2


def test_results_again_later(farm: Farm, model: Path) -> None:
    farm("submit", model, "-t", "cpu,wrong", "--wait")
    told = farm("results", "s1")
    assert told.code == 3
    assert "quarantined" in told.out
    assert json.loads(farm("results", "s1", "--json").out)["exit_code"] == 3
    assert farm("results", "s1", "--wait").code == 3


def test_cancel_and_retry(farm: Farm, double: Double, model: Path) -> None:
    double.auto = False
    farm("submit", model, "-t", "cpu,other")
    assert farm("cancel", "s1", "--target", "cpu").err.splitlines() == ["cpu: cancelled", "other: queued"]
    assert json.loads(farm("cancel", "s1", "--json").out)["state"] == "cancelled"
    assert farm("status", "s1", "--watch").code == 7
    double.auto = True
    assert farm("retry", "s1").out == "s2\n"
    assert farm("retry", "s1", "--all", "--force", "--wait").code == 0
    assert double.asks["s3"].force


def test_logs_of_several_builds_name_the_target(farm: Farm, model: Path) -> None:
    farm("submit", model, "-t", "cpu,other", "--wait")
    assert farm("logs", "s1").lines == [
        *("cpu    building cpu", "cpu    done ü", "other  building other", "other  done ü")
    ]
    assert farm("logs", "s1", "--target", "cpu").lines == ["building cpu", "done ü"]
    assert farm("logs", "b1-other", "-f").lines == ["building other", "done ü"]
    assert sorted(farm("logs", "s1", "-f").lines) == sorted(farm("logs", "s1").lines)
    assert farm("logs", "none").code == 2


def test_a_build_that_never_started_shows_how_it_was_prepared(farm: Farm, double: Double, model: Path) -> None:
    double.auto = False
    farm("submit", model, "-t", "cpu")
    assert farm("logs", "s1").lines == ["fold: 12 nodes less", "simplify: failed"]
    double.finish("s1")
    assert farm("logs", "s1").lines == ["building cpu", "done ü"]
    assert farm("logs", "s1", "--preparation").lines == ["fold: 12 nodes less", "simplify: failed"]


def test_a_build_that_is_named_alone_shows_why_it_never_started(farm: Farm, double: Double, model: Path) -> None:
    farm("submit", model, "-t", "broken", "--wait")
    double.logs["b1-broken"] = b""
    assert farm("logs", "b1-broken").lines == ["Traceback", "Foo"]


def test_watching_needs_something_to_watch(farm: Farm) -> None:
    assert "farm status SUBMISSION --watch" in farm("status", "--watch").err
