"""Samples for int8 from a folder of pictures: what `farm submit --calib FOLDER` calls."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from farm.protocol.errors import Unsupported
from farm.protocol.options import with_shapes
from farm.protocol.steps import planned_steps

if TYPE_CHECKING:
    from farm.client import SubmitOptions

_OLDEST_PYTHON = (3, 11)


def write(model: Path, folder: Path, path: Path, options: SubmitOptions) -> int:
    """Write an .npz file of samples that fit what a graph takes after its steps; how many they are.

    Args:
        model: The ONNX file, or its folder.
        folder: Of pictures, and of .npz files with one sample each; equal ones give equal bytes.
        path: Of the file, which must not be in that folder.
        options: Of the submission: its shapes, and its steps, which may let the graph take bytes.

    Raises:
        Invalid: the folder holds no samples, or they fit no input.
        Unsupported: nothing here reads pictures or graphs.
    """
    if sys.version_info < _OLDEST_PYTHON:
        raise Unsupported(
            "pictures become samples with Python 3.11", "Give --calib an .npz file, or submit from a host."
        )
    from farm.device.machine import Machine
    from farm.runtime.arrays import save_arrays
    from worker.settings import memory_limit

    from .host.adapt import room_bytes
    from .host.graph.interface import Interface, split_calls
    from .host.load import load
    from .host.reference.inputs import reference_inputs
    from .host.samples import colour_order, samples_in, stacked

    first, _ = split_calls(planned_steps(options.steps))
    graph = Interface(load(model), first).model
    given = Path(options.inputs) if options.inputs else None
    policy = with_shapes(options.reference, options.build)
    inputs = reference_inputs(graph, policy, given, room_bytes(Machine(), memory_limit()))
    count, arrays = stacked(samples_in(folder, inputs, colour_order(first)))
    save_arrays(path, arrays)
    return count
