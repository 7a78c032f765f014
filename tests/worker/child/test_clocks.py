from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from worker.child.clocks import CLOCKS_FILE, answer, await_answer


def test_the_child_waits_for_the_answer_of_its_worker(tmp_path: Path) -> None:
    late = threading.Timer(0.2, answer, (tmp_path, {"locked": True, "graphics_mhz": 1410}))
    late.start()
    assert await_answer(tmp_path, has_worker=True) == {"locked": True, "graphics_mhz": 1410}
    late.join()


def test_without_a_worker_nobody_waits(tmp_path: Path) -> None:
    told = await_answer(tmp_path, has_worker=False)
    assert told == {"locked": False, "reason": "there is no worker that could lock the clocks"}
    assert await_answer(tmp_path, has_worker=True, longest_s=0.05)["locked"] is False


def test_a_link_that_the_child_left_is_not_followed(tmp_path: Path) -> None:
    workspace, other = tmp_path / "w", tmp_path / "other"
    workspace.mkdir()
    other.write_text("mine")
    (workspace / CLOCKS_FILE).symlink_to(other)
    answer(workspace, {"locked": False})
    assert (other.read_text(), json.loads((workspace / CLOCKS_FILE).read_text())) == ("mine", {"locked": False})
    (workspace / f"{CLOCKS_FILE}.part").symlink_to(other)
    with pytest.raises(OSError, match="exists"):
        answer(workspace, {"locked": True})
    assert other.read_text() == "mine"
