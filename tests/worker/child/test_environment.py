from __future__ import annotations

from pathlib import Path

import pytest

from worker.child.environment import scrubbed


@pytest.mark.parametrize(
    "name", ["PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDACXX", "NVIDIA_VISIBLE_DEVICES"]
)
def test_a_child_learns_where_things_are(name: str) -> None:
    assert scrubbed({name: "here"}, Path("/w"))[name] == "here"


@pytest.mark.parametrize(
    "name",
    [
        "FARM_TOKEN",
        "FARM_URL",
        "FARM_BROKER_URL",
        "FARM_DATABASE_URL",
        "FARM_WORKER_NAME",
        "NVIDIA_API_KEY",
        "NVIDIA_NGC_TOKEN",
        "LANGSMITH_API_KEY",
        "LANGFUSE_HOST",
        "PATH_TO_SECRETS",
        "CUDA_REGISTRY_PASSWORD",
        "OPENAI_API_KEY",
        "LD_PRELOAD",
        "SSH_AUTH_SOCK",
    ],
)
def test_a_child_learns_nothing_else(name: str) -> None:
    assert name not in scrubbed({name: "secret"}, Path("/w"))


def test_home_is_its_own() -> None:
    found = scrubbed({"HOME": "/home/me", "TMPDIR": "/elsewhere", "USER": "me"}, Path("/w"))
    assert (found["HOME"], found["TMPDIR"]) == ("/w/home", "/w/home")
    assert "USER" not in found


def test_its_runtime_tells_nobody_what_it_does() -> None:
    assert scrubbed({"ORT_DISABLE_TELEMETRY": "0"}, Path("/w"))["ORT_DISABLE_TELEMETRY"] == "1"
