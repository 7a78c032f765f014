"""The program of this machine, run with what TensorRT says of it in errors."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Optional, Sequence

from farm.backends.tensorrt.advice import advice
from farm.backends.tensorrt.capabilities import TensorRtCapabilities, capabilities_of
from farm.backends.tensorrt.logger import Sayings
from farm.backends.tensorrt.program_log import ProgramLog
from farm.device.machine import Machine
from farm.device.trtexec import find_trtexec, trtexec_version
from farm.protocol.errors import BuildFailed, FarmError, Unsupported

from ..process import ending, run_program
from .plugins import plugin_arguments

Failure = Callable[[Sequence[str], str], Exception]


class Program:
    """trtexec of one version.

    Attributes:
        path: Where it is.
        can: What its TensorRT can do.
    """

    def __init__(self, path: str, can: TensorRtCapabilities) -> None:
        self.path = path
        self.can = can

    @property
    def name(self) -> str:
        """For messages."""
        return f"trtexec {self.can.version}"

    def run(self, arguments: Sequence[str], folder: Path, sayings: Sayings) -> Optional[str]:
        """Run it in a folder; what it says goes to `sayings`. How it ended, None where all went well.

        Raises: BuildFailed: it does not start.
        """
        log = ProgramLog(sayings.take)
        status = run_program((self.path, *plugin_arguments(self.can), *arguments), folder, log.hear)
        log.end()
        return ending(status)

    def failure(self, what: str, how: str, sayings: Sayings, hint: str) -> BuildFailed:
        """An error with what TensorRT said about it, and how the program ended where it said nothing."""
        errors = sayings.errors()
        told = "; ".join(errors[:3]) or f"it ended with {how} and does not say why"
        return BuildFailed(f"{self.name} {what}: {told}", advice(errors) or hint)


def program(version: Optional[str] = None, machine: Optional[Machine] = None) -> Program:
    """The program of this machine.

    Args:
        version: That it must have; None takes any.
        machine: This one by default.

    Raises: Unsupported: there is none, or of another version.
    """
    here = machine or Machine()
    path = find_trtexec(here)
    if path is None:
        raise _absent("this device has no trtexec")
    # The fourth number is told by others; three of them are the program's own.
    found = trtexec_version(here, (version,) if version else ())
    if found is None:
        raise _absent(f"{path} does not start, or is no trtexec")
    if version is not None and found != version:
        raise _absent(f"this device has trtexec {found}, this is for {version}")
    return Program(path, capabilities_of(found))


def _absent(what: str) -> FarmError:
    return Unsupported(what, "Install TensorRT's samples, or put the folder of trtexec into PATH; see farm doctor.")
