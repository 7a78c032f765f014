"""Running a farm that has no worker yet: tokens, target words, settings, the doctor, and how errors end."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from .live import Live


def test_a_token_is_made_used_listed_and_revoked(coordinator: Live) -> None:
    made = coordinator("token", "create", "ci", "--scope", "submit", "--expires", "1h")
    assert made.code == 0
    (secret,) = made.lines
    assert secret not in made.err
    assert coordinator("list", env={"FARM_TOKEN": secret}).code == 0
    refused = coordinator("gc", env={"FARM_TOKEN": secret})
    assert (refused.code, len(refused.err.splitlines())) == (9, 1)
    (listed,) = [item for item in coordinator.json("token", "list")["tokens"] if item["name"] == "ci"]
    assert (listed["scope"], listed["revoked_at"]) == ("submit", None)
    assert secret not in json.dumps(listed)
    assert coordinator("token", "revoke", "ci").err == f"revoked {listed['id']}\n"
    after = coordinator("list", env={"FARM_TOKEN": secret})
    assert after.code == 9
    assert after.err.startswith(f"error: the token 'ci' ({listed['id']}) was revoked. ")


def test_of_two_tokens_with_one_name_none_is_guessed(coordinator: Live) -> None:
    first, second = (coordinator.json("token", "create", "twin", "--scope", "fetch")["token"]["id"] for _ in range(2))
    told = coordinator("token", "revoke", "twin")
    assert told.code == 2
    assert first in told.err
    assert second in told.err
    assert coordinator.json("token", "revoke", first) == {"revoked": first}
    assert coordinator.json("token", "revoke", "twin") == {"revoked": second}


def test_a_fetch_token_can_neither_submit_nor_administer(coordinator: Live, silero: Path) -> None:
    secret = coordinator("token", "create", "device", "--scope", "fetch").out.strip()
    for arguments in (
        ["submit", silero / "silero_vad.onnx", "-t", "cpu"],
        ["token", "list"],
        ["devices", "retire", "x"],
    ):
        told = coordinator(*arguments, env={"FARM_TOKEN": secret})
        assert (told.code, told.out) == (9, "")
        assert "token" in told.err


def test_an_own_target_word_comes_and_goes(coordinator: Live) -> None:
    added = coordinator("targets", "add", "big", "sm>=80,mem>=16GiB", "--alias", "huge,large", "--description", "cards")
    assert added.err == "big means sm>=80,mem>=16GiB; served now by no device\n"
    (big,) = [item for item in coordinator.json("targets")["targets"] if item["name"] == "big"]
    assert (big["aliases"], big["builtin"]) == (["huge", "large"], False)
    assert any(line.split()[0] == "big" for line in coordinator("targets", "list").lines)
    assert coordinator("targets", "rm", "big").code == 0
    assert "big" not in coordinator("targets").out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["targets", "rm", "cpu"], 2, "'cpu' is built in"),
        (["targets", "add", "x", "sm>>80"], 2, "Write for instance sm>=80."),
        (["devices", "show", "nobody"], 2, "Run farm devices list."),
        (["devices", "drain", "nobody"], 2, "Run farm devices list."),
        (["engines", "show", "eng-none"], 2, "Run farm engines list."),
        (["engines", "rm", "eng-none"], 2, "Run farm engines list."),
        (["engines", "pin", "eng-none"], 2, "Run farm engines list."),
        (["models", "nothing"], 2, "Run farm models."),
        (["key", "eng-a", "eng-b"], 2, "no engine, build, request, model or key is 'eng-a'"),
        (["compare", "eng-a", "eng-b"], 2, "Run farm engines list."),
        (["status", "sub-none"], 2, "there is no submission"),
        (["results", "sub-none"], 2, "there is no submission"),
        (["cancel", "sub-none"], 2, "there is no submission"),
        (["retry", "sub-none"], 2, "there is no submission"),
        (["logs", "bld-none"], 2, "there is no"),
        (["fetch", "nothing"], 4, "there is no model 'nothing'"),
        (["submit", "/etc/hostname", "-t", "cpu"], 2, "is not an ONNX file"),
        (["devices", "add", "--facts", "/etc/hostname"], 2, "Record them with farm doctor --facts"),
    ],
)
def test_what_is_not_there_is_one_sentence_and_an_error_object(
    coordinator: Live, arguments: list[str], code: int, said: str
) -> None:
    told = coordinator(*arguments)
    assert (told.code, told.out) == (code, "")
    assert said in told.err
    assert len(told.err.splitlines()) == 1
    error = coordinator.json(*arguments, code=code)["error"]
    assert set(error) == {"code", "message", "hint", "details"}
    assert error["message"] in told.err


def test_empty_lists_are_empty_objects_and_a_sentence(coordinator: Live) -> None:
    for verb, name in (("list", "submissions"), ("models", "models"), ("engines", "engines")):
        assert coordinator.json(verb) == {name: []}
        told = coordinator(verb)
        assert (told.code, told.out, told.err) == (0, "", f"no {name}\n")
    assert coordinator.json("gc", "--dry-run")["dry_run"] is True
    assert coordinator("gc").out.startswith("removed 0 files")


def test_configure_once_and_ask_without_any_variable(coordinator: Live, tmp_path: Path) -> None:
    nothing = {"FARM_URL": "", "FARM_TOKEN": "", "HOME": str(tmp_path)}
    assert "no coordinator is set" in coordinator("list", env=nothing).err
    wrong = coordinator("configure", "--url", coordinator.url, "--token", "nonsense", env=nothing)
    assert wrong.code == 9
    assert not (tmp_path / ".config").exists()
    done = coordinator("configure", "--url", coordinator.url, "--token", coordinator.token, env=nothing)
    assert done.code == 0
    config = tmp_path / ".config/farm/config.toml"
    assert os.stat(config).st_mode & 0o777 == 0o600
    assert coordinator("list", env=nothing).code == 0
    # A variable goes over the file, a flag over both.
    assert coordinator("list", env={**nothing, "FARM_URL": "http://127.0.0.1:9"}).code == 9
    told = coordinator("list", "--url", coordinator.url, env={**nothing, "FARM_URL": "http://127.0.0.1:9"})
    assert told.code == 0


def test_the_doctor_sees_the_coordinator(coordinator: Live) -> None:
    checks = {item["name"]: item for item in coordinator.json("doctor")["checks"]}
    assert {name: checks[name]["status"] for name in ("coordinator", "token", "clock")} == {
        "coordinator": "ok",
        "token": "ok",
        "clock": "ok",
    }
    assert {"driver", "CUDA", "TensorRT", "C++ compiler", "nvcc", "CMake", "TensorRT headers", "Docker"} <= set(checks)
    assert {"disk", "broker", "Python", "packages"} <= set(checks)
    lost = coordinator("doctor", env={"FARM_TOKEN": "nonsense"})
    assert lost.code == 1
    assert any(line.split()[:2] == ["token", "fail"] for line in lost.lines)


def test_facts_of_this_machine_can_be_recorded_and_registered(coordinator: Live, tmp_path: Path) -> None:
    told = coordinator("doctor", "--facts", tmp_path / "here.json")
    assert told.code == 0
    view = coordinator.json("devices", "add", "--facts", tmp_path / "here.json", "--name", "twin-of-here")["devices"][0]
    assert (view["name"], view["state"]) == ("twin-of-here", "recorded")
    (row,) = coordinator.json("plan", _smallest(tmp_path), "-t", "cpu")["rows"]
    assert (row["backend"], row["hit"], row["recorded"]) == ("onnxruntime", "miss", ["twin-of-here"])
    assert coordinator("devices", "retire", "twin-of-here").err == "twin-of-here: retired\n"
    assert coordinator("plan", _smallest(tmp_path), "-t", "cpu").code == 6


def test_a_terminal_gets_a_drawn_table(coordinator: Live) -> None:
    told = coordinator.shown("targets")
    assert told.code == 0
    assert "─────" in told.out


def _smallest(folder: Path) -> Path:
    """A file that is a model as far as a client can tell: a version and an empty graph with a name."""
    path = folder / "net.onnx"
    path.write_bytes(b"\x08\x0a\x3a\x05\x12\x03net")
    return path
