"""ONNX Runtime with its optimisations off: what a graph computes, operator by operator, as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farm.onnxsummary import summary
from farm.protocol.errors import Invalid
from farm.runtime.onnxruntime_options import session_options

from .complaints import first_words, invalid, missing_operator
from .staged import needs_twins, run_staged, twins_of
from .twins import any_twins

if TYPE_CHECKING:
    from onnx import ModelProto

Array = Any


class CannotRun(Exception):
    """Raised when this host's ONNX Runtime lacks an operator of the graph: the graph may be right all the same."""


def version(model: ModelProto) -> str:
    """How references of a model name where they came from."""
    import onnxruntime

    twins = twins_of(model)
    beside = f", and NumPy for {', '.join(twins)}" if twins else ""
    return f"onnxruntime {onnxruntime.__version__}, optimisations off{beside}"


def run(path: Path, inputs: Mapping[str, Array], as_listed: bool = False) -> dict[str, Array]:
    """The outputs of a graph, by name; operators of plugins that have NumPy twins are computed by these.

    Args:
        path: The graph.
        inputs: More than it takes are no harm.
        as_listed: Compute the operators in the order in which the graph lists them, not in that of its leaves.

    Raises:
        CannotRun: there is no kernel for an operator.
        Invalid: the graph contradicts itself, or does not take these inputs.
    """
    # Reading a whole graph only to find that it needs no twin takes a second for each gigabyte.
    if any_twins(summary(path).operators):
        import onnx

        model = onnx.load(str(path), load_external_data=False)
        if needs_twins(model):
            return run_staged(model, path.parent, inputs, partial(_run, as_listed=as_listed))
    return _run(path, inputs, as_listed)


def _run(path: Path, inputs: Mapping[str, Array], as_listed: bool) -> dict[str, Array]:
    session = _session(path, as_listed)
    names = [output.name for output in session.get_outputs()]
    taken = {value.name for value in session.get_inputs()}
    try:
        arrays = session.run(names, {name: array for name, array in inputs.items() if name in taken})
    except Exception as error:  # its errors have no class in common
        _refuse(error, "the model does not run with the reference inputs")
    return dict(zip(names, arrays, strict=True))


def _session(path: Path, as_listed: bool) -> Any:
    import onnxruntime

    options = session_options({}, "disable")
    if as_listed:
        options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no class in common
        operator = missing_operator(error)
        if operator is not None:
            raise CannotRun(f"ONNX Runtime has no operator {operator} for this processor") from error
        _raise_memory(error)
        raise invalid(error) from error


def _refuse(error: Exception, what: str) -> None:
    _raise_memory(error)
    raise Invalid(
        f"{what}: {first_words(str(error))}",
        "Check --shapes, or give inputs with --loadInputs, --value or --range.",
    ) from error


def _raise_memory(error: Exception) -> None:
    if "bad_alloc" in str(error) or "Failed to allocate memory" in str(error):
        raise MemoryError(first_words(str(error))) from error
