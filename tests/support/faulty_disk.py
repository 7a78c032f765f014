"""A disk that fails or is slow, for one process: its calls of the C library get a real errno, or come late."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_SOURCE = Path(__file__).with_suffix(".c")


@dataclass(frozen=True)
class Fault:
    """What happens to one kind of call on some files.

    Attributes:
        call: `write`, `sync` or `read`; also their kin, such as `pwrite`, `fdatasync` and `sendfile`.
        path: Part of the path of the files.
        number: The errno; 0 lets the call through.
        delay_s: Before either.
    """

    call: str
    path: str
    number: int = errno.EIO
    delay_s: float = 0.0


class FaultyDisk:
    """The faults of one process, changed while it runs.

    Attributes:
        environ: What the process is started with.
    """

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which(os.environ.get("CC", "cc"))
        assert compiler, "there is no C compiler; install one"
        library = folder / "faulty_disk.so"
        command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(library), str(_SOURCE)]
        subprocess.run(command, check=True)
        self._file = folder / "faults"
        self.environ = {"LD_PRELOAD": str(library), "FAULTY_DISK_RULES": str(self._file)}
        self.mend()

    @property
    def prefix(self) -> tuple[str, ...]:
        """What stands before a command that is to be started so."""
        return ("env", *(f"{name}={value}" for name, value in self.environ.items()))

    def fail(self, *faults: Fault) -> None:
        """From now on these faults and no others; the first that fits a call counts."""
        lines = (f"{item.call} {item.number} {item.delay_s * 1000:.0f} {item.path}\n" for item in faults)
        young = self._file.with_suffix(".new")
        young.write_text("".join(lines))
        os.replace(young, self._file)

    def mend(self) -> None:
        """From now on every call succeeds at its own speed."""
        self.fail()
