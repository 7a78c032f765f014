"""A build that looks for tokens in files that belong to its own user, as root and as somebody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterator, List, Sequence, Tuple

import pytest

from worker.child import landlock
from worker.child.isolate import Child, Limits
from worker.slots import held

ROOT = Path(__file__).parents[3]
SECRET = "farm_secret_of_this_test"
needs_landlock = pytest.mark.skipif(
    not landlock.version(), reason="this kernel has no Landlock, so that builds can read tokens: NOT tested"
)


def place(folder: Path) -> Tuple[Path, Path, Path]:
    """The data folder of a farm on one machine, the file of `farm configure`, and a file that everybody may read."""
    data, config, beside = folder / "data", folder / "config/farm/config.toml", folder / "beside.txt"
    for name in ("admin.token", "worker.token", "farm.env", "farm.db", "worker/cache/blob"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text(SECRET)
    config.parent.mkdir(parents=True)
    config.write_text(SECRET)
    beside.write_text("for all")
    # A second way in.
    (folder / "way").symlink_to(data)
    return data, config, beside


def seen_by_a_child(folder: Path, hidden: Sequence[Path], paths: Sequence[Path]) -> Any:
    workspace = folder / "data/worker/workspace"
    workspace.mkdir()
    (workspace / "spec.json").write_text('"secrets"')
    (workspace / "paths.json").write_text(json.dumps([str(path) for path in paths]))
    said: List[bytes] = []
    with held(folder / "slots", "cpu0") as lock:
        child = Child(
            "tests.worker.child.children",
            workspace,
            Limits(60.0),
            lock,
            {"PATH": os.environ["PATH"]},
            said.append,
            lambda *told: None,
            hidden=hidden,
        )
        child.start()
        assert child.wait().status == 0, b"".join(said)
    return json.loads((workspace / "seen.json").read_text())


def secrets_of(data: Path, config: Path) -> Tuple[Path, ...]:
    files = ("admin.token", "worker.token", "farm.env", "farm.db", "worker/cache/blob")
    return (*(data / name for name in files), config, data.parent / "way/admin.token")


@needs_landlock
def test_a_build_finds_no_token_in_any_file(tmp_path: Path) -> None:
    data, config, beside = place(tmp_path)
    paths = secrets_of(data, config)
    seen = seen_by_a_child(tmp_path, (data, config, tmp_path / "not/there"), (*paths, beside))
    assert seen["files"] == {**{str(path): "PermissionError" for path in paths}, str(beside): "for all"}
    assert (seen["grep"], seen["planted"], seen["moved"]) == ("", "PermissionError", "mine")


def test_a_build_from_which_nothing_is_hidden_finds_them(tmp_path: Path) -> None:
    """Guards the test above: what it does not find is there to be found."""
    data, config, _ = place(tmp_path)
    seen = seen_by_a_child(tmp_path, (), secrets_of(data, config))
    assert set(seen["files"].values()) == {SECRET}
    assert "admin.token" in seen["grep"]
    assert seen["planted"] == "done"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may pass through, which those that pytest makes are not."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@needs_landlock
def test_somebody_without_rights_is_kept_out_as_root_is(open_folder: Path) -> None:
    (open_folder / "data/lib").mkdir(parents=True)
    (open_folder / "data/lib/of_the_build.py").write_text("ANSWER = 42")
    (open_folder / "data/token").write_text(SECRET)
    (open_folder / "data/token").chmod(0o600)
    (open_folder / "beside").write_text("for all")
    code = (
        "import os, sys\n"
        "from worker.child import landlock\n"
        "if os.geteuid() == 0:\n"
        "    for path in ('data/token', 'data', 'data/lib', 'beside', '.'):\n"
        "        os.chown(path, 65534, 65534)\n"
        "    os.setgroups([]), os.setgid(65534), os.setuid(65534)\n"
        f"assert open('data/token').read() == {SECRET!r}\n"
        "hidden = [os.path.abspath('data')]\n"
        "assert landlock.confine(hidden, (), landlock.inside(hidden, sys.path))\n"
        "import of_the_build\n"
        "assert of_the_build.ANSWER == 42\n"
        "assert open('beside').read() == 'for all'\n"
        "for mode in ('r', 'a', 'w'):\n"
        "    try:\n"
        "        open('data/token', mode)\n"
        "        sys.exit('opened')\n"
        "    except PermissionError:\n"
        "        print('kept out')\n"
    )
    environ = {"PYTHONPATH": f"{ROOT}:{open_folder / 'data/lib'}", "PYTHONDONTWRITEBYTECODE": "1"}
    folder = str(open_folder)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "kept out\n" * 3), done.stderr


def test_what_lies_in_a_hidden_place_is_told_from_the_place_itself(tmp_path: Path) -> None:
    hidden = (str(tmp_path / "data"),)
    (tmp_path / "data/venv").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "data/venv")
    places = (str(tmp_path / "data"), str(tmp_path / "link"), str(tmp_path), str(tmp_path / "database"), "")
    assert landlock.inside(hidden, places) == (str(tmp_path / "data/venv"),)
