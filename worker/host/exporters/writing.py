"""From a network to an ONNX graph, through whichever of PyTorch's exporters can."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farm.protocol.errors import BuildFailed, Invalid

# The newest that TensorRT 8.5 reads, and the file format of its time.
OPSET, _FORMAT = 17, 8
TRACER, EXPORT = "tracer", "torch.export"
# The tracer comes first: in seconds where the other takes minutes, and in operators of the opset that is asked for.
TOOLS = (TRACER, EXPORT)
_LONGEST = 300


@dataclass(frozen=True)
class Interface:
    """Names of a graph.

    Attributes:
        axes: Input or output to axis to the name of an axis of any size.
        domains: Of operators that are not ONNX's own, to their versions.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    axes: Mapping[str, Mapping[int, str]]
    domains: Mapping[str, int]


def write(
    network: Any, inputs: tuple[Any, ...], path: Path, interface: Interface, tool: str = ""
) -> tuple[str, tuple[str, ...]]:
    """Write the graph; the exporter that did, and why those before it could not.

    Raises:
        BuildFailed: none can.
        Invalid: there is no such exporter.
    """
    if tool and tool not in TOOLS:
        raise Invalid(f"PyTorch has no exporter {tool!r}", f"Its exporters are {' and '.join(TOOLS)}.")
    refused: list[str] = []
    for name in (tool,) if tool else TOOLS:
        try:
            _WRITERS[name](network, inputs, path, interface)
        except _errors() as error:
            refused.append(f"{name}: {_first_line(error)}")
        else:
            _date_back(path)
            return name, tuple(refused)
    raise BuildFailed(
        f"PyTorch cannot export the network. {'; '.join(refused)}",
        "The operator that it names needs a symbolic, or the network another way to write it.",
    )


def _traced(network: Any, inputs: tuple[Any, ...], path: Path, interface: Interface) -> None:
    import torch

    with torch.inference_mode(), _quietly():
        torch.onnx.export(
            network,
            inputs,
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(interface.inputs),
            output_names=list(interface.outputs),
            dynamic_axes={name: dict(axes) for name, axes in interface.axes.items()},
            custom_opsets=dict(interface.domains),
        )


def _exported(network: Any, inputs: tuple[Any, ...], path: Path, interface: Interface) -> None:
    import torch

    axes = {name: torch.export.Dim(name) for open_axes in interface.axes.values() for name in open_axes.values()}
    shapes = tuple(
        {place: axes[name] for place, name in interface.axes.get(given, {}).items()} for given in interface.inputs
    )
    with torch.inference_mode(), _quietly():
        torch.onnx.export(
            network,
            inputs,
            str(path),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(interface.inputs),
            output_names=list(interface.outputs),
            dynamic_shapes=shapes if axes else None,
            external_data=False,
            verbose=False,
        )


_WRITERS = {TRACER: _traced, EXPORT: _exported}


@contextmanager
def _quietly() -> Iterator[None]:
    """What the exporters warn of is known, or is told by the comparison with PyTorch."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _date_back(path: Path) -> None:
    """Write the format down that goes with the opset: an older reader may refuse a newer one for its number."""
    import onnx

    model = onnx.load(str(path))
    opset = next(item.version for item in model.opset_import if not item.domain)
    if opset <= OPSET and model.ir_version > _FORMAT:
        model.ir_version = _FORMAT
        onnx.save(model, str(path))


def _errors() -> tuple[type[Exception], ...]:
    """What exporters raise where they cannot; a package that one of them lacks is an ImportError."""
    import torch

    return RuntimeError, TypeError, ValueError, ImportError, torch.onnx.errors.OnnxExporterError


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:_LONGEST]
