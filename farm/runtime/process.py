"""A program as a process: its lines as they come, and its end whatever happens to who started it."""

from __future__ import annotations

import ctypes
import signal
import subprocess
from pathlib import Path
from typing import Callable, Optional, Sequence

from farm.protocol.errors import BuildFailed

Hear = Callable[[str], None]

_PR_SET_PDEATHSIG = 1
_LONGEST_LINE = 1 << 16


def run_program(command: Sequence[str], folder: Path, hear: Hear) -> int:
    """Run a program to its end; its status, negative for a signal.

    It is killed when this thread ends or an error leaves `hear`, a cancel among them.

    Args:
        command: The program and its arguments.
        folder: Where it runs: names of files in its arguments are relative to it.
        hear: Given each line of both of its outputs, without its end, as it is written.

    Raises: BuildFailed: it cannot be started.
    """
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def die_with_starter() -> None:
        prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)

    try:
        process = subprocess.Popen(
            list(command),
            cwd=str(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_starter,
        )
    except OSError as error:
        raise BuildFailed(f"{command[0]} does not start: {error.strerror}", "Run farm doctor on the device.") from error
    with process:
        try:
            _listen(process, hear)
        except BaseException:
            process.kill()
            raise
    return process.returncode


def ending(status: int) -> Optional[str]:
    """How a program ended whose status is not 0, such as `status 1` or `SIGSEGV`; None where all is well."""
    if status == 0:
        return None
    if status > 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _listen(process: subprocess.Popen[bytes], hear: Hear) -> None:
    output = process.stdout
    if output is None:
        raise TypeError("the output of this process goes elsewhere")
    # A line without an end, of gigabytes, comes in pieces.
    for line in iter(lambda: output.readline(_LONGEST_LINE), b""):
        hear(line.rstrip(b"\r\n").decode("utf-8", "replace"))
