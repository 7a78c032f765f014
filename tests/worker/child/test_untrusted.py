from __future__ import annotations

import os
from pathlib import Path

import pytest

from farm.protocol.errors import Invalid
from farm.protocol.report import FailureKind
from farm.protocol.states import State
from worker.child.crash import reason_of
from worker.child.isolate import Ended
from worker.child.untrusted import check_left, read_left
from worker.lease.delivery import read_made


def put(path: Path, what: str) -> None:
    """Leave something under a name that is no plain file of a bearable size."""
    if what == "link":
        secret = path.with_name("secret")
        secret.write_text("farm_secret")
        path.symlink_to(secret)
    elif what == "endless":
        path.symlink_to("/dev/zero")
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    elif what == "huge":
        with path.open("wb") as stream:
            stream.truncate(1 << 40)


KINDS = ["link", "endless", "pipe", "folder", "huge", "nothing"]


@pytest.mark.parametrize("what", KINDS)
def test_what_is_no_plain_file_is_not_read(tmp_path: Path, what: str) -> None:
    put(tmp_path / "failure.json", what)
    with pytest.raises(OSError, match=r"failure\.json"):
        read_left(tmp_path / "failure.json")


@pytest.mark.parametrize("what", KINDS)
def test_a_failure_that_is_no_file_is_a_crash_and_a_result_that_is_none_a_failure(tmp_path: Path, what: str) -> None:
    put(tmp_path / "failure.json", what)
    failure = reason_of(Ended(status=1), tmp_path, State.BUILDING, "")
    assert failure.kind is FailureKind.CRASHED
    (tmp_path / "secret").unlink(missing_ok=True)
    put(tmp_path / "result.json", what)
    with pytest.raises(Invalid, match="its result cannot be read") as caught:
        read_made(tmp_path, is_build=True)
    assert "farm_secret" not in str(caught.value)


def test_a_plain_file_below_the_folder_may_be_sent(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/a.so").write_bytes(b"x")
    assert check_left(tmp_path, "plugins/a.so") == "plugins/a.so"


@pytest.mark.parametrize("what", ["link", "endless", "pipe", "folder", "nothing"])
def test_what_is_no_plain_file_is_not_sent(tmp_path: Path, what: str) -> None:
    put(tmp_path / "engine", what)
    with pytest.raises(Invalid, match="no plain file 'engine'"):
        check_left(tmp_path, "engine")


@pytest.mark.parametrize("name", ["/etc/passwd", "../engine", "a/../../engine", ""])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "engine").touch()
    (tmp_path / "output").mkdir()
    with pytest.raises(Invalid):
        check_left(tmp_path / "output", name)


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/engine").touch()
    (tmp_path / "output").symlink_to("elsewhere")
    (tmp_path / "real").mkdir()
    (tmp_path / "real/plugins").symlink_to("../elsewhere")
    for folder, name in [("output", "engine"), ("real", "plugins/engine")]:
        with pytest.raises(Invalid, match="no plain file"):
            check_left(tmp_path / folder, name)
