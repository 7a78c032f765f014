"""Samples that the values of a graph are measured on: arrays of a file, or a folder of pictures and arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from farm.protocol.errors import Invalid, Unsupported
from farm.protocol.keys import StepCall
from farm.runtime.arrays import load_arrays

Array = Any
Arrays = Mapping[str, Array]

_PICTURES = frozenset((".bmp", ".jpeg", ".jpg", ".png", ".webp"))
_IMAGE_AXES, _COLOURS = 4, 3


def samples_in(path: Path, inputs: Arrays, order: str = "rgb") -> Iterator[dict[str, Array]]:
    """The samples, one after the other.

    Args:
        path: An .npz file in which each array holds the samples of an input along a new first axis; or a folder, of
            which each .npz file is one sample, and each picture too: as many times as the graph takes at once, in the
            size of its input, bytes as they are and floats between 0 and 1.
        inputs: Reference inputs: a sample has their shapes, and their values where it holds none of its own.
        order: Of the colours of pictures, as the graph takes them: rgb or bgr.

    Raises:
        Invalid: there are none, or they fit no input.
        Unsupported: pictures cannot be read here.
    """
    if not path.is_dir():
        yield from _stacked(path, inputs)
        return
    files = sorted(item for item in path.iterdir() if item.suffix.lower() in (*_PICTURES, ".npz"))
    if not files:
        raise Invalid(f"the folder {path} holds no samples", "Put pictures or .npz files there.")
    for item in files:
        given = load_arrays(item) if item.suffix == ".npz" else _picture(item, inputs, order)
        yield {**inputs, **_fitting(given, inputs, item.name)}


def _stacked(path: Path, inputs: Arrays) -> Iterator[dict[str, Array]]:
    arrays = load_arrays(path)
    counts = {len(array) if array.ndim else 0 for array in arrays.values()}
    if len(counts) != 1 or 0 in counts:
        raise Invalid(
            f"{path.name} does not hold the same samples of each input",
            "Stack the samples of each input along a new first axis.",
        )
    for number in range(counts.pop()):
        given = {name: array[number] for name, array in arrays.items()}
        yield {**inputs, **_fitting(given, inputs, f"sample {number} of {path.name}")}


def _fitting(given: Arrays, inputs: Arrays, what: str) -> Arrays:
    for name, array in given.items():
        wanted = inputs.get(name)
        if wanted is None or array.dtype != wanted.dtype or array.ndim != wanted.ndim:
            known = ", ".join(f"{key} {value.dtype.name} {value.shape}" for key, value in inputs.items())
            raise Invalid(f"{what} has {name!r} {array.dtype.name} {array.shape}", f"The inputs are {known}.")
    return given


def stacked(samples: Iterable[Arrays]) -> tuple[int, dict[str, Array]]:
    """How many they are, and each input of all of them along a new first axis.

    Raises: Invalid: their shapes differ.
    """
    import numpy as np

    found = list(samples)
    made = {}
    for name in found[0]:
        arrays = [sample[name] for sample in found]
        shapes = sorted({array.shape for array in arrays})
        if len(shapes) > 1:
            raise Invalid(
                f"the samples of {name!r} have the shapes {shapes[0]} and {shapes[1]}", "Give samples of one shape."
            )
        made[name] = np.stack(arrays)
    return len(found), made


def colour_order(calls: Iterable[StepCall]) -> str:
    """Of the pictures that a graph takes after these steps."""
    found = [call.parameters.get("order", "rgb") for call in calls if call.name == "image_input"]
    return str(found[0]) if found else "rgb"


def _picture(path: Path, inputs: Arrays, order: str) -> Arrays:
    import numpy as np

    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise Unsupported("pictures cannot be read here", "Install the extra host, or give an .npz file.") from error
    name, planes = _image_input(inputs)
    wanted = inputs[name]
    height, width = wanted.shape[2:] if planes else wanted.shape[1:3]
    try:
        with Image.open(path) as opened:
            pixels = np.asarray(opened.convert("RGB").resize((width, height), Image.Resampling.BILINEAR))
    except OSError as error:
        raise Invalid(f"{path.name} is no picture: {error}", "Take it out of the folder.") from error
    pixels = pixels[..., ::-1] if order == "bgr" else pixels
    image = pixels if wanted.dtype == np.uint8 else (pixels / 255).astype(wanted.dtype)
    image = image.transpose(2, 0, 1) if planes else image
    return {name: np.ascontiguousarray(np.broadcast_to(image, (len(wanted), *image.shape)))}


def _image_input(inputs: Arrays) -> tuple[str, bool]:
    """The input for pictures, and whether it takes a plane for each colour."""
    found = [
        (name, array.shape[1] == _COLOURS)
        for name, array in inputs.items()
        if array.ndim == _IMAGE_AXES and _COLOURS in (array.shape[1], array.shape[3])
    ]
    if len(found) != 1:
        raise Invalid(f"{len(found)} inputs take pictures of three colours", "Give samples as an .npz file.")
    return found[0]
