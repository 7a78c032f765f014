"""The rig: a real TensorRT builder on a machine without a GPU.

It is NVIDIA's own package of TensorRT for RTX, which builds ahead of time without a card or a driver, installed into a
folder of its own. It runs nothing, since that takes a card.

`python -m tests.rig.rig` makes it (or finds it made) and prints the folder to put into `PYTHONPATH`, from which
`import tensorrt_rtx` works in the Python that made it. `FARM_TEST_CACHE` is where it is kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

VERSION = "1.7.1.116"
PACKAGE = f"tensorrt-rtx-cu13=={VERSION}"


def rig(environ: Mapping[str, str]) -> Path:
    """The folder that holds the package `tensorrt_rtx`; made on first use, which fetches 100 MB.

    Raises: subprocess.CalledProcessError: a package could not be fetched.
    """
    cache = Path(environ.get("FARM_TEST_CACHE") or Path.home() / ".cache/farm-tests")
    folder = cache / f"rig-{PACKAGE}-cp{sys.version_info.major}{sys.version_info.minor}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=cache))
        try:
            _install(part)
            part.rename(folder)
        except OSError:  # another run was first; its files are the same
            if not folder.exists():
                raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder


def _install(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), PACKAGE]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.stdout.write(f"{rig(os.environ)}\n")
