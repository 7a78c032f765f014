from __future__ import annotations

import logging
from pathlib import Path

import pytest

from farm.protocol.errors import Invalid
from orchestrator.queue.choose import choose
from orchestrator.queue.no_wakeups import NoWakeups
from tests.support.waiting import until


def test_without_a_broker_workers_poll(tmp_path: Path) -> None:
    wakeups = choose("none", tmp_path)
    assert isinstance(wakeups, NoWakeups)
    wakeups.wake("xavier", "1")
    wakeups.forget("xavier")
    assert wakeups.worker_url("xavier") is None
    assert wakeups.healthy()
    wakeups.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.services
def test_a_configured_broker_is_used_as_it_is(tmp_path: Path, broker_url: str) -> None:
    wakeups = choose(broker_url, tmp_path, worker_url="redis://broker.example/0")
    assert wakeups.worker_url("xavier") == "redis://broker.example/0"
    until(wakeups.healthy)
    wakeups.close()


def test_by_default_the_farm_starts_a_broker_of_its_own(tmp_path: Path) -> None:
    wakeups = choose(None, tmp_path)
    url = wakeups.worker_url("xavier")
    assert url is not None
    assert url.startswith("redis://farm-xavier:")
    until(wakeups.healthy)
    wakeups.close()
    wakeups.close()


def test_where_no_server_is_at_hand_workers_poll_and_a_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with caplog.at_level(logging.WARNING):
        wakeups = choose(None, tmp_path)
    assert isinstance(wakeups, NoWakeups)
    assert "workers will poll" in caplog.text
    assert "riscv64" in caplog.text


@pytest.mark.parametrize("url", ["amqp://user:geheim@host", "redis://", "localhost:6379", "redis://host/name"])
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        choose(url, tmp_path)
    assert "geheim" not in str(refused.value)
    assert "redis://" in str(refused.value)
