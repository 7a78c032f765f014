"""PyTorch for the processor, for the tests that need it: in a folder of its own, since no extra of the farm has it.

`python -m tests.support.pytorch` makes it (or finds it made) and prints the folder to append to the path. Where the
package registry has only builds for CUDA, name an index with others in `PIP_EXTRA_INDEX_URL`. `FARM_TEST_CACHE` is
where it is kept.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .packages import installed

VERSION = "2.13.0"
PACKAGE = f"torch=={VERSION}"
# What its newer exporter needs, and what reads weights that are no pickles.
WRITER, BESIDE = "onnxscript==0.7.2", ("safetensors==0.8.0",)


def folder(environ: Mapping[str, str]) -> Path:
    """The folder that holds the package `torch`; made on first use, which fetches some 200 MB.

    Raises: subprocess.CalledProcessError: a package could not be fetched.
    """
    return installed(environ, PACKAGE)


def torch(environ: Mapping[str, str], exporters: bool = False) -> Any:
    """The module: that of this Python where it has one, as on the machine of a card; else that of the folder.

    Args:
        environ: Says where folders of packages are kept.
        exporters: With what exporting through torch.export needs.
    """
    if exporters and (place := str(installed(environ, WRITER, beside=BESIDE))) not in sys.path:
        sys.path.append(place)
    if find_spec("torch") is None:
        sys.path.append(str(folder(environ)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module("torch")


if __name__ == "__main__":
    sys.stdout.write(f"{folder(os.environ)}\n")
