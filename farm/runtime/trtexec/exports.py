"""The files that trtexec writes: outputs, times, layers. Each is checked to be whole before it is believed."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import BuildFailed, Unsupported
from farm.protocol.plainjson import parse

from ..benchmark.protocol import Samples

Array = Any

OUTPUTS_FILE = "outputs.json"
TIMES_FILE = "times.json"
PROFILE_FILE = "profile.json"

_OUTPUT = re.compile(
    r'"name" : "(?P<name>[^\n]*)"\n'
    r'\s*, "dimensions" : "(?P<shape>[^"]*)"\n'
    r'\s*, "values" : \[ (?P<values>[^\]]*) \]\n  \}'
)
_SHAPE = re.compile(r"(?:\d+(?:x\d+)*)?")
# What it prints as numbers. Bytes without a sign are printed as characters.
_PRINTED = {"float32": "f8", "float16": "f8", "int8": "i8", "int32": "i8", "int64": "i8", "bool": "i8"}
_TIMES = ("h2dMs", "computeMs", "d2hMs", "latencyMs", "startH2dMs", "endD2hMs")
_UNSAFE = re.compile(r"[^A-Za-z0-9._,-]")


def read_printed(path: Path, specs: Sequence[TensorSpec]) -> Dict[str, Array]:
    """The outputs of `--exportOutput`: numbers in text, floats with six digits.

    Raises: BuildFailed: the file is not whole. Unsupported: a type that is not printed as numbers.
    """
    text = _text(path)
    if not text.endswith("]\n"):
        raise _torn(path, "is cut off")
    found = {match["name"]: match for match in _OUTPUT.finditer(text)}
    outputs = {}
    for spec in specs:
        if spec.dtype not in _PRINTED:
            raise Unsupported(f"trtexec prints the output {spec.name!r} of {spec.dtype} as no numbers")
        match = found.get(spec.name)
        shape = _SHAPE.fullmatch(match["shape"]) if match else None
        if match is None or shape is None:
            raise _torn(path, f"does not hold the output {spec.name!r}")
        sizes = tuple(int(size) for size in shape.group().split("x") if size)
        values = _numbers(match["values"], _PRINTED[spec.dtype], path)
        if values.size != math.prod(sizes):
            raise _torn(path, f"holds {values.size} of {math.prod(sizes)} elements of the output {spec.name!r}")
        outputs[spec.name] = values.astype(spec.dtype).reshape(sizes)
    return outputs


def read_raw(folder: Path, specs: Sequence[TensorSpec]) -> Dict[str, Array]:
    """The outputs of `--dumpRawBindingsToFile`: a file of bytes for each, whose name tells its shape.

    Raises: BuildFailed: one is missing or not whole. Unsupported: the names of two become one.
    """
    outputs = {}
    for spec in specs:
        safe = _UNSAFE.sub("_", spec.name)
        pattern = re.compile(re.escape(safe) + r"\.output\.((?:\d+(?:\.\d+)*)?)\.[A-Za-z0-9]+\.raw")
        named = [(path, match) for path in folder.iterdir() for match in [pattern.fullmatch(path.name)] if match]
        if not named:
            raise _torn(folder / f"{safe}.output", "is missing")
        if len(named) > 1 or sum(_UNSAFE.sub("_", other.name) == safe for other in specs) > 1:
            raise Unsupported(f"trtexec writes more than one output as {safe!r}", "Rename the outputs of the model.")
        path, match = named[0]
        sizes = tuple(int(size) for size in match.group(1).split(".") if size)
        content, wanted = path.read_bytes(), math.prod(sizes) * np.dtype(spec.dtype).itemsize
        if len(content) != wanted:
            raise _torn(path, f"has {len(content)} of {wanted} bytes")
        outputs[spec.name] = np.frombuffer(content, dtype=spec.dtype).reshape(sizes).copy()
    return outputs


def read_times(path: Path) -> Samples:
    """What `--exportTimes` wrote, without its warm-up; a latency is `h2d` + `compute` + `d2h`.

    Raises: BuildFailed: the file is not whole, or holds no inference.
    """
    rows = _rows(path)
    if not rows or any(not isinstance(row.get(name), (int, float)) for row in rows for name in _TIMES):
        raise _torn(path, "holds no times")
    phases = {name: tuple(float(row[f"{name}Ms"]) for row in rows) for name in ("h2d", "compute", "d2h")}
    wall_ms = max(row["endD2hMs"] for row in rows) - min(row["startH2dMs"] for row in rows)
    return Samples(tuple(float(row["latencyMs"]) for row in rows), float(wall_ms) / 1e3, phases)


def read_profile(path: Path) -> Tuple[Dict[str, Any], ...]:
    """What `--exportProfile` wrote: layers, the slowest first, as `Session.layers` tells them.

    Raises: BuildFailed: the file is not whole.
    """
    rows = [row for row in _rows(path) if "averageMs" in row]
    total = math.fsum(row["averageMs"] for row in rows) or 1.0
    layers = [
        {"name": row["name"], "operator": "", "mean_ms": row["averageMs"], "share": row["averageMs"] / total}
        for row in rows
    ]
    return tuple(sorted(layers, key=lambda layer: -float(layer["mean_ms"])))


def _numbers(text: str, dtype: str, path: Path) -> Array:
    try:
        return np.array(text.split(","), dtype=dtype) if text.strip() else np.empty(0, dtype)
    except ValueError as error:
        raise _torn(path, f"holds what is no number: {error}") from error


def _rows(path: Path) -> List[Dict[str, Any]]:
    try:
        found = parse(_text(path).encode())
    except ValueError as error:
        raise _torn(path, f"is no JSON: {error}") from error
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise _torn(path, "is no list of records")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError as error:
        raise _torn(path, f"cannot be read: {error.strerror}") from error


def _torn(path: Path, what: str) -> BuildFailed:
    return BuildFailed(f"trtexec said that all went well, and its {path.name} {what}", "Try once more.")
