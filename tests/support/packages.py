"""Packages in folders of their own, for tests of what no extra of the farm has. `FARM_TEST_CACHE` is where they are."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .locks import only_one


def installed(environ: Mapping[str, str], package: str, prefix: str = "", beside: tuple[str, ...] = ()) -> Path:
    """The folder into which a package was installed for this Python, with what it needs; made on first use.

    Args:
        environ: Says where folders of packages are kept.
        package: With its version; names the folder.
        prefix: Of the folder's name.
        beside: Packages that go with it, in versions that it does not say itself.

    Raises: subprocess.CalledProcessError: a package could not be fetched.
    """
    cache = Path(environ.get("FARM_TEST_CACHE") or Path.home() / ".cache/farm-tests")
    folder = cache / f"{prefix}{package}-cp{sys.version_info.major}{sys.version_info.minor}"
    # Of several processes that want it one installs it, and the others wait.
    with only_one(cache / f"{folder.name}.lock"):
        if not folder.exists():
            part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=cache))
            try:
                # What is imported of it gets compiled then, which of PyTorch is little.
                install = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", str(part)]
                subprocess.run([*install, package, *beside], check=True, stdout=subprocess.DEVNULL)
                part.rename(folder)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    return folder
