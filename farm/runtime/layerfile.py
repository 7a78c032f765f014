"""The layers of an engine in a file beside it: what each computes and in which types, and how long it takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from farm.protocol.errors import Invalid

LAYERS_FILE = "layers.json"
# What an engine of ten thousand layers tells without its details; nobody reads more.
_MOST_BYTES = 4 << 20

Layer = Dict[str, Any]


def packed(source: str, layers: Sequence[Mapping[str, Any]], timed: Sequence[Mapping[str, Any]] = ()) -> bytes:
    """The content of the file: details go first where it grows too long, then the last layers.

    Args:
        source: Who tells of the layers, for people.
        layers: In their order: `name`, `operator`, `types`, and more.
        timed: `name`, `mean_ms` and `share` of those that were timed; what is in no layer comes last.
    """
    times = {item["name"]: {name: item[name] for name in ("mean_ms", "share")} for item in timed}
    known = {layer["name"] for layer in layers}
    merged: List[Layer] = [{**layer, **times.get(layer["name"], {})} for layer in layers]
    merged += [{**item} for item in timed if item["name"] not in known]
    written = _written(source, merged, 0)
    if len(written) > _MOST_BYTES:
        merged = [{name: value for name, value in layer.items() if name != "details"} for layer in merged]
        written = _written(source, merged, 0)
    whole = len(merged)
    while len(written) > _MOST_BYTES:
        merged = merged[: len(merged) * _MOST_BYTES // (len(written) + 1)]
        written = _written(source, merged, whole - len(merged))
    return written


def unpacked(content: bytes) -> Tuple[str, Tuple[Layer, ...]]:
    """Source and layers of the file again, the slowest first where any were timed.

    Raises: Invalid: it is no such file.
    """
    try:
        told = json.loads(content)
        layers = [{**layer, "name": str(layer["name"])} for layer in told["layers"]]
        layers.sort(key=lambda layer: -float(layer.get("mean_ms", 0.0)))
        return str(told["source"]), tuple(layers)
    except (ValueError, TypeError, KeyError) as error:
        raise Invalid(f"{LAYERS_FILE} cannot be read: {error}", "Fetch the engine again.") from error


def read_layers(folder: Path) -> Tuple[str, Tuple[Layer, ...]]:
    """Source and layers of a fetched engine; nothing where it has no such file.

    Raises: Invalid: it cannot be read.
    """
    try:
        return unpacked((folder / LAYERS_FILE).read_bytes())
    except FileNotFoundError:
        return "", ()
    except OSError as error:
        raise Invalid(f"cannot read {folder / LAYERS_FILE}: {error.strerror}", "Fetch the engine again.") from error


def _written(source: str, layers: Sequence[Layer], left_out: int) -> bytes:
    told = {"source": source, "left_out": left_out, "layers": layers}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
