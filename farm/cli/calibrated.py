"""A folder of pictures after `--calib`: it becomes the file of samples that a build takes."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, Mapping

from farm.protocol.errors import Invalid

from .ask import submit_options
from .console import say
from .group import from_group

if TYPE_CHECKING:
    from farm.client import SubmitOptions

# Of the model, the folder, the file to write, and the options of the submission; it gives how many samples there are.
Write = Callable[[Path, Path, Path, "SubmitOptions"], int]

ENTRY_POINTS = "farm.samples"


@contextmanager
def calibrated(given: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
    """What was given, with a file of samples in the place of a folder, as long as it lasts.

    Raises: Invalid: the model is not at hand, the folder holds no samples that fit it, or nothing here reads pictures.
    """
    folder = given["calib"]
    if folder is None or not Path(folder).is_dir():
        yield dict(given)
        return
    if not given["model"]:
        raise Invalid("the samples of a folder take the size of the model's input", "Name the ONNX file, too.")
    from farm.client import SubmitOptions

    write: Write = from_group(ENTRY_POINTS, "pictures", "what makes samples of pictures")
    with tempfile.TemporaryDirectory(prefix="farm-calib-") as scratch:
        path = Path(scratch) / "calibration.npz"
        count = write(Path(given["model"]), Path(folder), path, submit_options(given, SubmitOptions()))
        say(f"took {count} samples from {folder}")
        yield {**given, "calib": str(path)}
