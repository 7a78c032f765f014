"""Look at one TensorRT module: `python tensorrt_look.py FOLDER` with a JSON list of names on the standard input.

`Class.member`, or a bare name for what lies in the module. Prints JSON: `version`, and `symbols` with the kind and the
documentation of each name there is. Also runs by hand where TensorRT is installed (`FOLDER` may be `installed`), and
on Python 3.8.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

MODULES = ("tensorrt_bindings", "tensorrt_rtx_bindings", "tensorrt", "tensorrt_rtx")
_ABSENT = object()


def module_in(folder: str) -> Any:
    """The TensorRT module of a folder; it shares the process with nothing else."""
    if folder == "installed":
        return importlib.import_module("tensorrt")
    sys.path.insert(0, folder)
    (name,) = (name for name in MODULES if (Path(folder) / name).is_dir())
    return importlib.import_module(name)


def found(module: Any, names: list[str]) -> dict[str, tuple[str, str]]:
    """Kind and documentation of each name that is there."""
    told = {}
    for name in names:
        owner, _, member = name.rpartition(".")
        holder = getattr(module, owner, None) if owner else module
        value = getattr(holder, member, _ABSENT) if holder is not None else _ABSENT
        if value is not _ABSENT:
            told[name] = (kind(value), value.__doc__ or "")
    return told


def kind(value: Any) -> str:
    """What a member of a class of pybind11 is."""
    if isinstance(value, property):
        return "settable" if value.fset else "property"
    return "callable" if callable(value) else "value"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    trt = module_in(sys.argv[1])
    json.dump({"version": trt.__version__, "symbols": found(trt, json.load(sys.stdin))}, sys.stdout)
