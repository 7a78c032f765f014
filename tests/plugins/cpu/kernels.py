"""Calls kernels on the processor with arrays; what a sanitizer or the player of CUDA says fails the test."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from . import child
from .compiled import library, preloaded, units_of

Array = Any


@dataclass(frozen=True)
class Output:
    """A buffer that comes back as an array; poisoned before the call."""

    shape: tuple[int, ...]
    dtype: Any


@dataclass(frozen=True)
class Scratch:
    """A buffer for the kernel alone; poisoned before the call."""

    size_bytes: int


Argument: TypeAlias = "Array | Output | Scratch | tuple[int, ...] | int | float | None"


class KernelDied(AssertionError):
    """Raised when a kernel ended its process: a sanitizer's report, or what it did that CUDA forbids."""


class Kernels:
    """The functions of one binding, or of a library that is there, in a process of their own.

    Close it, or use it in a `with`.
    """

    def __init__(self, *units: Path) -> None:
        made = units[0].suffix == ".so"
        self._library = units[0] if made else library(*units)
        self._process: subprocess.Popen[bytes] | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()

    @classmethod
    def of(cls, name: str) -> Kernels:
        """Those of a plugin of this repository, or of what plugins share."""
        return cls(*units_of(name))

    def call(self, symbol: str, *arguments: Argument) -> list[Array]:
        """What a function writes into its outputs, in the order of its arguments.

        Arrays go in as they are and must come back unchanged; whole numbers are int64_t, others double, None is null. A
        tuple is an array of int64_t for the launcher alone, also where kernels run on a card.

        Raises:
            KernelDied: it ended its process.
            AssertionError: it returned an error, or wrote to an input.
        """
        status, contents = self._asked(symbol, [_told(argument) for argument in arguments])
        assert status == 0, f"{symbol} returned CUDA error {status}"
        outputs = []
        places = iter(contents)
        for argument in arguments:
            if isinstance(argument, Output):
                outputs.append(np.frombuffer(next(places), argument.dtype).reshape(argument.shape))
            elif isinstance(argument, (Scratch, tuple)):
                next(places)
            elif isinstance(argument, np.ndarray):
                assert next(places) == argument.tobytes(), f"{symbol} wrote to an input"
        return outputs

    def status(self, symbol: str, *arguments: Argument) -> int:
        """The CUDA error that a function returns."""
        return self._asked(symbol, [_told(argument) for argument in arguments])[0]

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.communicate()
            self._process = None
        self._said.close()

    def __enter__(self) -> Kernels:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _asked(self, symbol: str, arguments: list[tuple[str, Any]]) -> tuple[int, list[bytes]]:
        if self._process is None:
            self._process = self._started()
        calls, answers = self._process.stdin, self._process.stdout
        assert calls is not None
        assert answers is not None
        try:
            pickle.dump((symbol, arguments), calls)
            calls.flush()
            answer: tuple[int, list[bytes]] = pickle.load(answers)
            return answer
        except (EOFError, BrokenPipeError) as error:
            self._process.kill()
            self._process.communicate()
            self._process = None
            self._said.seek(0)
            said = self._said.read().decode(errors="replace")
            raise KernelDied(f"{symbol}: {said[:6000] or 'it died without a word'}") from error

    def _started(self) -> subprocess.Popen[bytes]:
        self._said.seek(0)
        self._said.truncate()
        environ = {
            **os.environ,
            "LD_PRELOAD": preloaded(),
            "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:disable_coredump=1",
            "UBSAN_OPTIONS": "print_stacktrace=1",
        }
        command = [*_prefix(), sys.executable, "-I", child.__file__, str(self._library)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, env=environ)


def _told(argument: Argument) -> tuple[str, Any]:
    if isinstance(argument, Output):
        return "poison", int(np.prod(argument.shape)) * np.dtype(argument.dtype).itemsize
    if isinstance(argument, Scratch):
        return "poison", argument.size_bytes
    if argument is None:
        return "null", None
    if isinstance(argument, tuple):
        return "bytes", np.array(argument, np.int64).tobytes()
    if isinstance(argument, np.ndarray):
        return "bytes", argument.tobytes()
    return ("double", argument) if isinstance(argument, float) else ("int", int(argument))


@cache
def _prefix() -> tuple[str, ...]:
    """Addresses as they are, where that is allowed: sanitizers of old compilers fail by chance with random ones."""
    steady = ("setarch", "-R")
    try:
        found = subprocess.run([*steady, "true"], check=False, stderr=subprocess.DEVNULL).returncode == 0
    except FileNotFoundError:
        found = False
    return steady if found else ()
