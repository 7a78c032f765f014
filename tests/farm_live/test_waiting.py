"""Waiting for work that nobody does: a device enrols and never claims, so that everything stays where it is put."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from farm.protocol.codec import to_json
from farm.protocol.states import Role
from farm.protocol.work import Enrolment, Heartbeat
from tests.support.coordinator import cpu_facts
from tests.support.waiting import until

from .live import Live


@pytest.fixture(scope="module")
def sleeper(coordinator: Live) -> Iterator[httpx.Client]:
    """A device that promises to build for `cpu`, and speaks only when it is told to."""
    secret = coordinator("token", "create", "sleeper", "--scope", "worker", "--device", "sleeper").out.strip()
    headers = {"Authorization": f"Bearer {secret}"}
    enrolment = Enrolment("sleeper", cpu_facts("sleeper"), (Role.HOST, Role.DEVICE), ("cpu0",))
    with httpx.Client(base_url=f"{coordinator.url}/api/v1", headers=headers) as device:
        told = device.post("/enrol", json=to_json(enrolment))
        assert told.status_code == 200, told.text
        yield device


@pytest.fixture
def asleep(coordinator: Live, sleeper: httpx.Client) -> Live:
    """A coordinator whose only device is there and claims nothing."""
    assert sleeper.post("/heartbeat", json=to_json(Heartbeat())).status_code == 200
    return coordinator


@pytest.fixture
def model(silero: Path) -> Path:
    """A real model."""
    return silero / "silero_vad.onnx"


def submitted(farm: Live, model: Path, *options: str) -> str:
    told = farm("submit", model, "-t", "cpu", *options)
    assert told.code == 0, told.err
    return told.out.strip()


def interrupted(child: subprocess.Popen[str], err: Path) -> tuple[int, str, str]:
    """What a waiting command said and came to when Ctrl-C was pressed while it waited."""
    until(lambda: "waiting" in err.read_text(), 30)
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=30)
    return child.returncode, out, err.read_text()


@pytest.mark.parametrize("verb", ["submit --watch", "status --watch", "retry --watch"])
def test_ctrl_c_detaches_prints_the_id_and_leaves_the_work(
    asleep: Live, model: Path, tmp_path: Path, verb: str
) -> None:
    word = verb.split()[0]
    earlier = submitted(asleep, model, "--name", "left")
    if word == "retry":
        asleep("cancel", earlier)
    arguments = [model, "-t", "cpu", "--name", "left"] if word == "submit" else [earlier]
    with (tmp_path / "err").open("w") as err:
        child = asleep.started(word, *arguments, "--watch", stderr=err)
        code, out, said = interrupted(child, tmp_path / "err")
    assert (code, out) == (130, "")
    last = said.splitlines()[-1]
    assert last.startswith("detached: sub-")
    submission = last.split()[1]
    assert last.endswith(f"Come back with farm status {submission} --watch")
    assert "Traceback" not in said
    assert asleep.json("status", submission)["state"] == "waiting"
    asleep("cancel", submission)
    asleep("cancel", earlier)


def test_a_timeout_gives_up_and_the_work_goes_on(asleep: Live, model: Path) -> None:
    told = asleep("submit", model, "-t", "cpu", "--wait", "--timeout", "1s")
    assert told.code == 8
    submission = told.err.splitlines()[0].split(":")[0]
    assert f"farm status {submission} --watch" in told.err
    assert asleep.json("cancel", submission)["state"] == "cancelled"


def test_a_cancelled_submission_is_code_7_everywhere(asleep: Live, model: Path) -> None:
    submission = submitted(asleep, model)
    assert asleep("cancel", submission).err == "cpu: cancelled\n"
    assert asleep("status", submission, "--watch").code == 7
    told = asleep.json("results", submission, code=7)
    assert (told["exit_code"], told["builds"][0]["state"]) == (7, "cancelled")
    again = asleep("retry", submission)
    assert again.code == 0
    view = asleep.json("status", again.out.strip())
    assert (view["state"], view["tags"]) == ("waiting", {"retry-of": submission})
    asleep("cancel", view["id"])


def test_two_that_want_the_same_are_cancelled_one_by_one(asleep: Live, model: Path) -> None:
    first, second = submitted(asleep, model), submitted(asleep, model)
    build = asleep.json("status", first)["builds"][0]["build"]
    assert asleep.json("status", second)["builds"][0]["build"] == build
    asleep("cancel", first)
    assert asleep.json("status", second)["state"] == "waiting"
    assert asleep.json("cancel", second)["state"] == "cancelled"


def test_lists_are_narrowed(asleep: Live, model: Path) -> None:
    mine = submitted(asleep, model, "--name", "narrow", "--tag", "team=a")
    other = submitted(asleep, model, "--name", "narrow", "--tag", "team=b")

    def ids(*options: str) -> list[str]:
        return [item["id"] for item in asleep.json("list", *options)["submissions"]]

    assert ids("--name", "narrow") == [other, mine]
    assert ids("--tag", "team=a") == [mine]
    assert set(ids("--state", "waiting", "--me", "--since", "1h")) >= {mine, other}
    assert ids("--name", "narrow", "--until", "2020-01-01") == []
    assert ids("--name", "narrow", "--limit", "1") == [other]
    assert [line.split()[0] for line in asleep("status").lines[1:]][:2] == [other, mine]
    for submission in (mine, other):
        asleep("cancel", submission)


def test_a_clone_takes_what_is_not_given(asleep: Live, model: Path) -> None:
    first = submitted(asleep, model, "--name", "cloned", "--fp16", "--tag", "a=b", "--atol", "1e-2")
    clone = asleep("submit", "--clone", first, "--tag", "c=d").out.strip()
    keys = [asleep.json("status", item)["builds"][0]["key"] for item in (first, clone)]
    assert keys[0] == keys[1]
    view = asleep.json("status", clone)
    assert (view["name"], view["tags"]) == ("cloned", {"a": "b", "c": "d"})
    for submission in (first, clone):
        asleep("cancel", submission)


def test_a_dry_run_stores_nothing(asleep: Live, model: Path) -> None:
    before = asleep.json("list")["submissions"]
    told = asleep("submit", model, "-t", "cpu", "--dry-run")
    assert (told.code, told.lines[0].split()[0]) == (0, "WORD")
    assert asleep.json("list")["submissions"] == before


def test_a_log_that_has_not_begun_is_empty(asleep: Live, model: Path) -> None:
    submission = submitted(asleep, model)
    assert asleep("logs", submission).out == ""
    (log,) = asleep.json("logs", submission)["logs"]
    assert (log["target"], log["lines"]) == ("cpu", [])
    assert asleep("logs", submission, "--json", "--follow").code == 2
    asleep("cancel", submission)


def test_devices_drain_and_claim_again(asleep: Live, model: Path) -> None:
    assert asleep("devices", "drain", "sleeper").err == "sleeper: draining\n"
    assert asleep.json("devices", "show", "sleeper")["state"] == "draining"
    assert asleep("devices", "undrain", "sleeper").err == "sleeper: claiming again\n"
    assert asleep.json("devices", "show", "sleeper")["state"] != "draining"


def test_stages_are_live_in_a_terminal_and_ctrl_c_is_told(asleep: Live, model: Path) -> None:
    told = asleep.shown("submit", model, "-t", "cpu", "--wait", "--timeout", "2s")
    assert told.code == 8
    assert "waiting" in told.out
    assert "\x1b[?25l" in told.out  # a live display hides the cursor
    assert told.out.rstrip().endswith("--watch.")


def test_retired_devices_take_no_more(asleep: Live, model: Path) -> None:
    """The last test: afterwards nobody is left."""
    assert asleep("devices", "retire", "sleeper").err == "sleeper: retired\n"
    assert asleep("submit", model, "-t", "cpu").code == 6
