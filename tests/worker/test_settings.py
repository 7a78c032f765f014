from __future__ import annotations

import os

import pytest

from worker.settings import take_environment


def test_a_secret_is_read_once_and_inherited_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARM_TOKEN", "farm_secret")
    monkeypatch.setenv("FARM_WORKER_NAME", "box")
    assert take_environment()["FARM_TOKEN"] == "farm_secret"
    assert "FARM_TOKEN" not in os.environ
    assert os.environ["FARM_WORKER_NAME"] == "box"
