"""Children good and bad: `python -m tests.containers.children WORKSPACE`, with what to do in `spec.json`.

They tell what they see in their log, since files come out of a container only when its child is over.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_MIB = 1 << 20


def say(told: Any) -> None:
    """One line of the log."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def tried(do: Callable[[], object]) -> str:
    """What came of it: `done`, or the name of the error."""
    try:
        do()
    except socket.gaierror:
        return "no such name"
    except OSError as error:
        return os.strerror(error.errno or 0)
    return "done"


def await_file(workspace: Path, name: str) -> None:
    while not (workspace / name).exists():
        time.sleep(0.01)


def talk(workspace: Path) -> None:
    say("one")
    await_file(workspace, "heard")
    os.write(1, b"\xff\xfe not text\n")


def tell_stages(workspace: Path) -> None:
    descriptor = int(os.environ["FARM_CHILD_STAGES"])
    os.write(descriptor, b'{"state": "building", "detail": "one"}\nthis is no stage\n')
    os.write(descriptor, b'{"progress": "tactics", "share": 0.5}\n{"state": "verifying"}\n')


def make(workspace: Path) -> None:
    """A result with files of several sizes in several folders."""
    (workspace / "output/plugins").mkdir()
    (workspace / "output/engine.plan").write_bytes(b"engine" * _MIB)
    (workspace / "output/plugins/empty.so").touch()
    (workspace / "result.json").write_text(json.dumps((workspace / "input/model.onnx").read_text()))


def fail(workspace: Path) -> None:
    failure = {"kind": "invalid", "stage": "building", "message": "the parser refused it", "hint": "Export it again."}
    (workspace / "failure.json").write_text(json.dumps(failure))
    sys.exit(1)


def await_inputs(workspace: Path) -> None:
    say("ready")
    if os.read(int(os.environ["FARM_CHILD_INPUTS"]), 1):
        say(sorted(path.name for path in (workspace / "input").iterdir()))


def hold_on(workspace: Path) -> None:
    """Ignores what it can, and starts others that do, in sessions of their own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for _ in range(3):
        subprocess.Popen(["sh", "-c", "trap '' TERM; while :; do sleep 600; done"], start_new_session=True)
    say("holding on")
    time.sleep(600)


def allocate(workspace: Path) -> None:
    held = []
    while True:
        held.append(bytearray(os.urandom(_MIB)) * 16)


def look(workspace: Path) -> None:
    say(dict(os.environ))


def fork(workspace: Path) -> None:
    """Start processes that start processes."""

    def without_end() -> None:
        while True:
            with suppress(OSError):
                os.fork()

    say("forking")
    threading.Thread(target=without_end, daemon=True).start()
    without_end()


def count(workspace: Path) -> None:
    """How many processes there may be, at most."""
    started: list[int] = []
    with suppress(OSError):
        while len(started) < 5000:
            pid = os.fork()
            if not pid:
                time.sleep(600)
            started.append(pid)
    say(len(started))
    for pid in started:
        os.kill(pid, signal.SIGKILL)


def go_out(workspace: Path) -> None:
    """Over the network, and to the engine."""

    def connect(address: tuple[str, int]) -> None:
        socket.create_connection(address, 3).close()

    say(
        {
            "interfaces": sorted(name for _, name in socket.if_nameindex()),
            "address": tried(lambda: connect(("192.0.2.1", 80))),
            "name": tried(lambda: socket.getaddrinfo("farm", 80)),
            "engine": [path for path in ("/var/run/docker.sock", "/run/docker.sock") if Path(path).exists()],
        }
    )


def write_outside(workspace: Path) -> None:
    """Change the image, what was given, the kernel; become somebody else."""
    library = ctypes.CDLL(None, use_errno=True)

    def mount() -> None:
        if library.mount(b"tmpfs", b"/mnt", b"tmpfs", 0, b""):
            raise OSError(ctypes.get_errno(), "mount")

    (status,) = (line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "CapBnd" in line)
    say(
        {
            "root": tried(lambda: Path("/planted").write_text("x")),
            "library": tried(lambda: (Path(json.__file__).parent / "planted.py").write_text("x")),
            "input": tried(lambda: (workspace / "input/model.onnx").write_text("x")),
            "spec": tried(lambda: (workspace / "spec.json").write_text("x")),
            "beside": tried(lambda: Path("/given/planted").write_text("x")),
            "kernel": tried(lambda: Path("/proc/sys/kernel/core_pattern").write_text("x")),
            "mount": tried(mount),
            "root user": tried(lambda: os.setuid(0)),
            "runner": tried(lambda: Path("/proc/1/environ").read_bytes()),
            "kill": tried(lambda: os.kill(1, signal.SIGKILL)),
            "rights": status,
            "ids": [os.getuid(), os.getgid()],
        }
    )


def fill(workspace: Path) -> None:
    """Every place that can be written to."""
    told = {}
    for place in (workspace / "output", Path("/tmp"), Path("/dev/shm")):
        written = 0
        try:
            with (place / "filling").open("wb", buffering=0) as stream:
                while written < 4096 * _MIB:
                    written += stream.write(b"x" * _MIB)
        except OSError as error:
            told[str(place)] = [written // _MIB, os.strerror(error.errno or 0)]
    say(told)
    os.unlink(str(workspace / "output/filling"))


def link_out(workspace: Path) -> None:
    """Leave what is no file of its own."""
    os.symlink("/etc/hostname", str(workspace / "output/link"))
    os.symlink("/etc", str(workspace / "output/folder"))
    os.mkfifo(str(workspace / "output/pipe"))
    os.symlink("/proc/self/environ", str(workspace / "result.json"))
    (workspace / "output/plain").write_text("plain")


DO: dict[str, Callable[[Path], None]] = {
    "talk": talk,
    "stages": tell_stages,
    "make": make,
    "fail": fail,
    "inputs": await_inputs,
    "hold on": hold_on,
    "allocate": allocate,
    "look": look,
    "fork": fork,
    "count": count,
    "go out": go_out,
    "write outside": write_outside,
    "fill": fill,
    "link out": link_out,
    "segfault": lambda workspace: say(ctypes.string_at(0)),
    "exit": lambda workspace: sys.exit(7),
}

if __name__ == "__main__":
    DO[json.loads((Path(sys.argv[1]) / "spec.json").read_text())](Path(sys.argv[1]))
