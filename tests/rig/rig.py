"""The rig: a real TensorRT builder on a machine without a GPU.

It is NVIDIA's own package of TensorRT for RTX, which builds ahead of time without a card or a driver, installed into a
folder of its own. It runs nothing, since that takes a card.

`python -m tests.rig.rig` makes it (or finds it made) and prints the folder to put into `PYTHONPATH`, from which
`import tensorrt_rtx` works in the Python that made it. `FARM_TEST_CACHE` is where it is kept.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.packages import installed

VERSION = "1.7.1.116"
PACKAGE = f"tensorrt-rtx-cu13=={VERSION}"


def rig(environ: Mapping[str, str]) -> Path:
    """The folder that holds the package `tensorrt_rtx`; made on first use, which fetches 100 MB.

    Raises: subprocess.CalledProcessError: a package could not be fetched.
    """
    return installed(environ, PACKAGE, "rig-")


if __name__ == "__main__":
    sys.stdout.write(f"{rig(os.environ)}\n")
