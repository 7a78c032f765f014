"""Optimise a graph for this processor and save it."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Dict, Iterator, Tuple

from farm.protocol.errors import BuildFailed
from farm.runtime.onnxruntime_load import load
from farm.runtime.onnxruntime_options import session_options

from .base import BuildOrder
from .onnxruntime_weights import adopt

log = logging.getLogger(__name__)

ENGINE_FILE = "engine.onnx"
DATA_FILE = "engine.onnx.data"
# One file up to here; above, weights go beside it. A protobuf message ends at 2 GiB, and optimised weights may be
# larger than those of the model.
ONE_FILE_BYTES = 256 << 20
_BESIDE_FROM_BYTES = 1024


def optimize(source: Path, order: BuildOrder) -> Tuple[Tuple[str, ...], Dict[str, Any]]:
    """Write the engine into the output folder; its file names, and what to tell about it.

    Raises: BuildFailed: onnxruntime cannot take the graph, or cannot save it.
    """
    options = order.options.backend_options
    level = options.get("graph_optimization_level", "all")
    made = session_options(options, level)
    made.optimized_model_filepath = str(order.output / ENGINE_FILE)
    if _size(order) > ONE_FILE_BYTES:
        made.add_session_config_entry("session.optimized_model_external_initializers_file_name", DATA_FILE)
        made.add_session_config_entry(
            "session.optimized_model_external_initializers_min_size_in_bytes", str(_BESIDE_FROM_BYTES)
        )
    start = time.monotonic()
    load(source, made)
    files = _saved(order.output)
    if ENGINE_FILE not in files:
        raise BuildFailed("onnxruntime saved no optimised graph", "The log of the attempt has its messages.")
    adopt(order.output / ENGINE_FILE, source.parent, DATA_FILE)
    before, after = count_operators(source), count_operators(order.output / ENGINE_FILE)
    log.info("optimised %d operators into %d in %.1f s", before, after, time.monotonic() - start)
    return files, {"graph_optimization_level": level, "operators": after, "operators_of_the_model": before}


def _saved(folder: Path) -> Tuple[str, ...]:
    """What lies in the output folder. Weights of branches stay in the graph with some versions: no empty file then."""
    beside = folder / DATA_FILE
    if beside.is_file() and not beside.stat().st_size:
        beside.unlink()
    return tuple(name for name in (ENGINE_FILE, DATA_FILE) if (folder / name).is_file())


def count_operators(path: Path) -> int:
    """Operators of a graph, with those of its branches and loops; constants do not count."""
    import onnx

    return sum(1 for _ in operators(onnx.load(str(path), load_external_data=False).graph))


def operators(graph: Any) -> Iterator[Any]:
    """Every operator of a graph and of the graphs inside its operators."""
    for node in graph.node:
        if node.op_type != "Constant":
            yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from operators(attribute.g)


def _size(order: BuildOrder) -> int:
    return sum((order.model.parent / name).stat().st_size for name in order.files)
