"""`python -m worker.containers.runner ORDER`: the first process of a container, which runs one child and tells of it.

It is outside what it runs: hidden, and not to be killed from inside, as the first process of its name space. When its
input closes, since the worker is gone, or its child is over, it ends, and the kernel ends all others with it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, Optional

from farm.cycles import collect_seldom
from farm.hiding import hide
from worker.child.guard import FAILURE_FILE, RESULT_FILE
from worker.child.isolate import Child, Limits
from worker.settings import take_environment

from .frames import DATA, END, ENDED, FILE, GO_ON, LOG, PIECE_BYTES, STAGE, frame

# What the worker gives, read-only, and where the child works: memory of a limited size.
GIVEN, WORKSPACE = Path("/given"), Path("/workspace")
_OWN = ("output", "home", RESULT_FILE, FAILURE_FILE)
_LOOK_S = 0.02
_DESCRIPTORS = 1024


class Speaker:
    """Says frames, from any thread. The child cannot: the descriptor is not inherited."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._alone = threading.Lock()

    def say(self, kind: bytes, data: bytes) -> None:
        """One frame, whole."""
        left = memoryview(frame(kind, data))
        with self._alone:
            while left:
                left = left[os.write(self._descriptor, left) :]

    def stage(self, state: str, detail: str) -> None:
        """A stage begins."""
        self.say(STAGE, json.dumps({"state": state, "detail": detail}).encode())

    def progress(self, phase: str, share: Optional[float]) -> None:
        """It is so far."""
        self.say(STAGE, json.dumps({"progress": phase, "share": share}).encode())


def main() -> None:
    """Run one child to its end."""
    told = json.loads(sys.argv[1])
    collect_seldom()
    hide(_DESCRIPTORS)
    speaker = Speaker(os.dup(1))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    (WORKSPACE / "output").mkdir()
    link_given(GIVEN, WORKSPACE)
    limits = Limits(float(told["deadline_s"]), told["memory_bytes"])
    child = Child(
        told["module"],
        WORKSPACE,
        limits,
        null,
        take_environment(),
        lambda data: speaker.say(LOG, data),
        speaker.stage,
        speaker.progress,
    )
    # Both before anything could take all the processes that this container may have.
    threading.Thread(target=_obey, args=(sys.stdin.buffer, child), daemon=True).start()
    threading.Thread(target=_follow, daemon=True).start()
    child.start(early=bool(told["early"]))
    _STARTED.set()
    ended = child.wait()
    end_all()
    if ended.status is not None:
        _leave(speaker, WORKSPACE)
    speaker.say(ENDED, json.dumps(asdict(ended)).encode())
    os._exit(0)


_STARTED = threading.Event()


def _obey(orders: BinaryIO, child: Child) -> None:
    """Do what the worker says; when it says nothing any more, be gone."""
    try:
        for line in orders:
            _STARTED.wait()
            told = json.loads(line)
            if told["do"] == GO_ON:
                link_given(GIVEN, WORKSPACE)
                child.go_on()
            elif told["do"] == END:
                child.kill(str(told["reason"]))
    finally:
        os._exit(1)


def _follow() -> None:
    """What the worker puts there later, such as the answer about clocks, is there too."""
    while True:
        time.sleep(_LOOK_S)
        with suppress(OSError):
            link_given(GIVEN, WORKSPACE)


def link_given(given: Path, workspace: Path) -> None:
    """Show what was given, in the workspace: by links, since it is read-only and the workspace is not."""
    for name in os.listdir(str(given)):
        if name not in _OWN:
            with suppress(FileExistsError):
                os.symlink(str(given / name), str(workspace / name))


def end_all() -> None:
    """Kill every other process of the container, however many there are and whatever session they are in."""
    with suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _leave(speaker: Speaker, workspace: Path) -> None:
    """Tell the files that the child left, its result last."""
    for name in (*files_in(workspace, "output"), FAILURE_FILE, RESULT_FILE):
        try:
            # Not through a link, and not from a pipe: what is none of the child's own files is not told.
            opened = os.open(str(workspace / name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        with os.fdopen(opened, "rb") as stream:
            speaker.say(FILE, json.dumps({"name": name}).encode())
            for piece in iter(lambda: stream.read(PIECE_BYTES), b""):
                speaker.say(DATA, piece)


def files_in(workspace: Path, folder: str) -> Iterator[str]:
    """Names of plain files below a folder of the workspace, in order; no link is followed."""
    for at, folders, names in os.walk(str(workspace / folder), followlinks=False):
        folders.sort()
        for name in sorted(names):
            path = Path(at) / name
            if path.is_file() and not path.is_symlink():
                yield str(path.relative_to(workspace))


def order_of(module: str, limits: Limits, early: bool) -> str:
    """What `main` is told."""
    told: Dict[str, Any] = {
        "module": module,
        "deadline_s": limits.deadline_s,
        "memory_bytes": limits.memory_bytes,
        "early": early,
    }
    return json.dumps(told)


if __name__ == "__main__":
    main()
