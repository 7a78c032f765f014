"""What one process of the farm does from when to when, as a JSON line for each span; runs wherever the farm does.

`record` is to be called before anything of ours is imported: functions are wrapped as their modules come. Nothing in
the farm knows of it. The monotonic clock of Linux is one for all processes, so that their spans compare.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.util import find_spec
from typing import Any

from .points import HEAVY, POINTS, label_of

_LAUNCH = "worker.child.launch"


class Recorder:
    """Writes the spans of this process to the end of a file that others write to as well."""

    def __init__(self, path: str, process: str) -> None:
        self.path = path
        self._process = process
        # Opened now: a child is shut out of most folders later.
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """What the block does."""
        began_s = time.monotonic()
        try:
            yield
        finally:
            self.told(name, began_s, time.monotonic())

    def told(self, name: str, began_s: float, ended_s: float) -> None:
        """One span; one write, so that lines of processes do not mix."""
        thread = threading.current_thread().name
        told = {"process": self._process, "thread": thread, "name": name, "began_s": began_s, "ended_s": ended_s}
        os.write(self._file, (json.dumps(told) + "\n").encode())

    def wrap(self, owner: Any, name: str) -> None:
        """Let a function of a module or a class tell its spans."""
        plain = getattr(owner, name)
        is_block = hasattr(plain, "__wrapped__") and _gives(plain.__wrapped__)

        @functools.wraps(plain)
        def told(*given: Any, **named: Any) -> Any:
            with self.span(label_of(name, given)):
                return plain(*given, **named)

        @contextmanager
        def told_block(*given: Any, **named: Any) -> Iterator[Any]:
            with self.span(label_of(name, given)), plain(*given, **named) as inside:
                yield inside

        setattr(owner, name, told_block if is_block else told)


def record(path: str, process: str) -> Recorder:
    """Record this process, and the children of a worker.

    Args:
        path: Of the file.
        process: What it is called there.
    """
    recorder = Recorder(path, process)
    recorder.wrap(os, "fsync")
    sys.meta_path.insert(0, _Finder(recorder))
    subprocess.Popen = _recorded_children(recorder)  # type: ignore[misc]  # of this process alone
    return recorder


def _gives(function: Callable[..., Any]) -> bool:
    return bool(function.__code__.co_flags & 0x20)


def _recorded_children(recorder: Recorder) -> Any:
    class Popen(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, command: Any, *given: Any, **named: Any) -> None:
            if isinstance(command, list) and _LAUNCH in command:
                command = _recorded(recorder.path, command)
            super().__init__(command, *given, **named)

    return Popen


def _recorded(path: str, command: list[str]) -> list[str]:
    place = command.index(_LAUNCH)
    name = "child " + command[place + 1].replace("worker.", "").replace(".child", "")
    code = f"from {__name__} import run; run({path!r}, {name!r}, {_LAUNCH!r}, {time.monotonic()!r})"
    return [command[0], "-c", code, *command[place + 1 :]]


def run(path: str, process: str, module: str, started_s: float) -> None:
    """Run a module as `-m` does, recorded.

    Args:
        path: As `record`.
        process: As `record`.
        module: Gets the arguments of this process.
        started_s: When the process was begun.
    """
    import runpy

    recorder = record(path, process)
    recorder.told("start of Python", started_s, time.monotonic())
    runpy.run_module(module, run_name="__main__", alter_sys=True)


class _Finder(MetaPathFinder):
    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._finding: set[str] = set()

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname in self._finding or not (fullname in POINTS or fullname in HEAVY):
            return None
        self._finding.add(fullname)
        try:
            spec = find_spec(fullname)
        finally:
            self._finding.discard(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Wrapping(spec.loader, self._recorder)
        return spec


class _Wrapping(Loader):
    """Loads as another does, and wraps what is to be told."""

    def __init__(self, loader: Any, recorder: Recorder) -> None:
        self._loader = loader
        self._recorder = recorder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: Any) -> Any:
        return self._loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        name = module.__name__
        with self._recorder.span(f"import {name}") if name in HEAVY else _nothing():
            self._loader.exec_module(module)
        for point in POINTS.get(name, ()):
            *path, last = point.split(".")
            owner = module
            for step in path:
                owner = getattr(owner, step)
            self._recorder.wrap(owner, last)


@contextmanager
def _nothing() -> Iterator[None]:
    yield
