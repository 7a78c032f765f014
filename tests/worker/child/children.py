"""Children that misbehave: `python -m tests.worker.child.children WORKSPACE`, with what to do in `spec.json`."""

from __future__ import annotations

import atexit
import ctypes
import json
import mmap
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def leave(workspace: Path, name: str, value: Any) -> None:
    """A file that appears in one step."""
    part = workspace / (name + ".part")
    part.write_text(json.dumps(value))
    os.replace(str(part), str(workspace / name))


def look_around(workspace: Path) -> None:
    """Everything that a curious build could find out."""
    parent = int(os.environ["FARM_CHILD_PARENT"])
    seen = {}
    for name in ("environ", "mem", "maps"):
        try:
            with open(f"/proc/{parent}/{name}", "rb") as stream:
                seen[name] = f"read {len(stream.read(1))}"
        except OSError as error:
            seen[name] = type(error).__name__
    descriptors = {}
    for name in os.listdir("/proc/self/fd"):
        try:
            descriptors[name] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:  # the one that lists
            continue
    limits = {"core": resource.getrlimit(resource.RLIMIT_CORE)}
    with open("/proc/self/status") as stream:
        (bounding,) = (line.split()[1] for line in stream if line.startswith("CapBnd:"))
    told = {
        "environ": dict(os.environ),
        "parent": seen,
        "descriptors": descriptors,
        "limits": limits,
        "bounding": bounding,
    }
    leave(workspace, "seen.json", told)


def look_for_secrets(workspace: Path) -> None:
    """What a build finds of files: those that its workspace names, one it makes, and what it can do where it may."""
    told = {}
    for path in json.loads((workspace / "paths.json").read_text()):
        try:
            told[path] = Path(path).read_text()
        except OSError as error:
            told[path] = type(error).__name__
    found = subprocess.run(["grep", "-rs", "farm_secret", str(workspace.parents[1])], capture_output=True, text=True)
    # Its own workspace is whole: links and moves between its folders work.
    (workspace / "a").mkdir()
    (workspace / "b").mkdir()
    (workspace / "a/made").write_text("mine")
    os.link(str(workspace / "a/made"), str(workspace / "b/linked"))
    os.replace(str(workspace / "b/linked"), str(workspace / "a/moved"))
    try:
        (workspace.parent / "planted").write_text("mine")
        planted = "done"
    except OSError as error:
        planted = type(error).__name__
    moved = (workspace / "a/moved").read_text()
    leave(workspace, "seen.json", {"files": told, "grep": found.stdout, "planted": planted, "moved": moved})


def tell_stages(workspace: Path) -> None:
    descriptor = int(os.environ["FARM_CHILD_STAGES"])
    os.write(descriptor, b'{"state": "building", "detail": "one"}\n')
    os.write(descriptor, b"this is no stage\n[1]\n" + b"x" * 9000 + b"\n")
    os.write(descriptor, b'{"state": "verifying"}\n')
    os.close(descriptor)
    print("went on without the pipe")  # noqa: T201


def have_grandchildren(workspace: Path) -> None:
    found = [subprocess.Popen(["sh", "-c", "sleep 600 & exec sleep 600"]) for _ in range(2)]
    leave(workspace, "pids.json", [os.getpid(), *(process.pid for process in found)])
    time.sleep(600)


def ignore_sigterm(workspace: Path) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    leave(workspace, "pids.json", [os.getpid()])
    while True:
        time.sleep(600)


def allocate(workspace: Path) -> None:
    held = []
    while True:
        held.append(bytearray(os.urandom(1 << 20)) * 16)


def talk(workspace: Path) -> None:
    print("one", flush=True)  # noqa: T201
    while not (workspace / "heard").exists():
        time.sleep(0.01)
    os.write(1, b"\xff\xfe not text\n")


def flood(workspace: Path) -> None:
    piece = b"x" * (1 << 20)
    for _ in range(256):
        os.write(1, piece)


def fail(workspace: Path) -> None:
    failure = {"kind": "invalid", "stage": "building", "message": "the parser refused it", "hint": "Export it again."}
    leave(workspace, "failure.json", failure)
    sys.exit(1)


def orphan_output(workspace: Path) -> None:
    """Ends, and leaves something behind that holds its output open."""
    subprocess.Popen(["sleep", "600"])


def escape(workspace: Path) -> None:
    """Leaves a process in a session of its own behind, with its output open and all descriptors it can have."""
    os.system("setsid sleep 600 & echo $! > pid")
    leave(workspace, "pids.json", [int((workspace / "pid").read_text())])


def allocate_in_another(workspace: Path) -> None:
    """A thread that starts a process which takes the memory."""
    code = "import os, time; held = os.urandom(1 << 20) * 600; time.sleep(600)"
    thread = threading.Thread(target=lambda: subprocess.run([sys.executable, "-c", code], check=False))
    thread.start()
    thread.join()


def allocate_stubbornly(workspace: Path) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    allocate(workspace)


def map_a_file(workspace: Path) -> None:
    """Touches every page of a file of 600 MB, as a runtime does with weights."""
    # On a disk: what lies in a tmpfs, where the workspace of a test may be, is memory indeed.
    with tempfile.TemporaryFile(dir="/var/tmp") as stream:
        stream.truncate(600 << 20)
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            leave(workspace, "sum.json", sum(mapped[place] for place in range(0, 600 << 20, 4096)))
            time.sleep(0.5)


def await_inputs(workspace: Path) -> None:
    """Ready before its inputs are there, as a child that loads its runtime."""
    leave(workspace, "ready.json", "ready")
    os.read(int(os.environ["FARM_CHILD_INPUTS"]), 1)
    leave(workspace, "seen.json", sorted(path.name for path in (workspace / "input").iterdir()))


def abort_when_taken_apart(workspace: Path) -> None:
    """As a runtime whose destructors crash, after a result that is there."""
    atexit.register(os.abort)
    leave(workspace, "result.json", "done")
    sys.stdout.write("all of the log")
    sys.exit(0)


DO: dict[str, Callable[[Path], None]] = {
    "look": look_around,
    "secrets": look_for_secrets,
    "stages": tell_stages,
    "grandchildren": have_grandchildren,
    "stubborn": ignore_sigterm,
    "allocate": allocate,
    "talk": talk,
    "flood": flood,
    "fail": fail,
    "orphan": orphan_output,
    "escape": escape,
    "allocate in another": allocate_in_another,
    "allocate stubbornly": allocate_stubbornly,
    "map": map_a_file,
    "segfault": lambda workspace: print(ctypes.string_at(0)),  # noqa: T201
    "abort": lambda workspace: os.abort(),
    "inputs": await_inputs,
    "abort when taken apart": abort_when_taken_apart,
    "nothing": lambda workspace: None,
    "exit": lambda workspace: sys.exit(7),
    "broken failure": lambda workspace: sys.exit((workspace / "failure.json").write_text("{") and 1),
    "sigkill": lambda workspace: os.kill(os.getpid(), signal.SIGKILL),
}

if __name__ == "__main__":
    DO[json.loads((Path(sys.argv[1]) / "spec.json").read_text())](Path(sys.argv[1]))
