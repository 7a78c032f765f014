"""NVIDIA's Python bindings of TensorRT, imported without TensorRT: the wheel alone, over a library of empty functions.

The bindings need a handful of functions of `libnvinfer` and its parser before anything is built. A library that has
their names lets the module load, so that every class, method and enumerator can be looked at; nothing can be called.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .locks import only_one

_STUBS = (
    *(f"createInfer{kind}_INTERNAL" for kind in ("Builder", "Runtime", "Refitter")),
    *("createNvOnnxParser_INTERNAL", "createNvOnnxParserRefitter_INTERNAL", "getNvOnnxParserVersion"),
    *("getPluginRegistry", "getBuilderPluginRegistry", "initLibNvInferPlugins"),
    # Up to 8.6 also those of the parsers for Caffe and UFF.
    *("_ZN14nvcaffeparser117createCaffeParserEv", "_ZN14nvcaffeparser123shutdownProtobufLibraryEv"),
    *("_ZN11nvuffparser15createUffParserEv", "_ZN11nvuffparser23shutdownProtobufLibraryEv"),
    "_ZN11nvuffparser8FieldMapC1EPKcPKvNS_9FieldTypeEi",
)
_LIBRARIES = (
    *(f"lib{name}.so.{major}" for name in ("nvinfer", "nvinfer_plugin", "nvonnxparser") for major in (8, 10, 11)),
    "libnvparsers.so.8",
    "libtensorrt_rtx.so.1",
    "libtensorrt_onnxparser_rtx.so.1",
)
_LOOK = Path(__file__).with_name("tensorrt_look.py")


@dataclass(frozen=True)
class Bindings:
    """One wheel.

    Attributes:
        package: Its name in a registry.
        version: Empty for the newest.
        rtx: It is TensorRT for RTX.
        python: Version of the interpreter it is for; empty for the running one.
    """

    package: str
    version: str = ""
    rtx: bool = False
    python: str = ""

    def __str__(self) -> str:
        return f"{self.package}-{self.version or 'newest'}"


@dataclass(frozen=True)
class Seen:
    """What the bindings have of the names that were asked for; a name that is not there is absent.

    Attributes:
        version: What they say of themselves.
        symbols: Name to its kind (`value`, `property`, `settable`, `callable`) and its documentation.
    """

    version: str
    symbols: Mapping[str, tuple[str, str]]


def look(bindings: Bindings, names: Iterable[str], environ: Mapping[str, str], interpreter: Path | None = None) -> Seen:
    """What these bindings have of these names, found out in a process of its own.

    Raises: subprocess.CalledProcessError: they cannot be fetched or imported.
    """
    cache = Path(environ.get("FARM_TEST_CACHE") or Path.home() / ".cache/farm-tests") / "tensorrt-bindings"
    with only_one(cache / "lock"):
        folder, libraries = _unpacked(bindings, cache), _stub_library(cache)
    done = subprocess.run(
        [str(interpreter or sys.executable), str(_LOOK), str(folder)],
        input=json.dumps(sorted(names)),
        env={"LD_LIBRARY_PATH": str(libraries), "PATH": environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return Seen(told["version"], {name: (kind, text) for name, (kind, text) in told["symbols"].items()})


def _unpacked(bindings: Bindings, cache: Path) -> Path:
    """The folder that holds the package; fetched once, and the newest each time, since only the registry knows it."""
    python = bindings.python or "{}.{}".format(*sys.version_info)
    folder = cache / f"{bindings}-{python}"
    if folder.exists() and bindings.version:
        return folder
    wheels = cache / "wheels"
    _fetch(bindings, python, wheels)
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        # The wheel of 8.5 holds the libraries too, half a gigabyte of them.
        wanted = [name for name in archive.namelist() if name.endswith(("__init__.py", "/tensorrt.so", "_rtx.so"))]
        part = cache / "part"
        archive.extractall(part, wanted)
    wheel.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return folder


def _fetch(bindings: Bindings, python: str, wheels: Path) -> None:
    wanted = f"{bindings.package}=={bindings.version}" if bindings.version else bindings.package
    only = ["--no-deps", "--only-binary=:all:", "--python-version", python]
    _run([sys.executable, "-m", "pip", "download", "-q", *only, "-d", str(wheels), wanted])


def _stub_library(cache: Path) -> Path:
    folder = cache / "stub"
    if not (folder / _LIBRARIES[-1]).exists():
        compiler = shutil.which(os.environ.get("CC", "cc"))
        if compiler is None:
            raise RuntimeError("the bindings are tried over a stub library: install a C compiler, or name it in CC")
        folder.mkdir(exist_ok=True)
        source = folder / "stub.c"
        source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in _STUBS))
        for library in _LIBRARIES:
            _run([compiler, "-shared", "-fPIC", "-w", "-o", str(folder / library), str(source)])
    return folder


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr)
