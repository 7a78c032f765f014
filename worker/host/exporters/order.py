"""How to export, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# With ONNX's own operators; with those of the farm's plugins; with neither RoiAlign nor NonMaxSuppression, which not
# every TensorRT has.
NATIVE, PLUGIN, SAMPLED = "native", "plugin", "sampled"


@dataclass(frozen=True)
class Size:
    """Height and width of an image in pixels."""

    height: int
    width: int


@dataclass(frozen=True)
class ExportOrder:
    """How to export.

    Attributes:
        size: Of the images; None for the exporter's own.
        batch: Images at once.
        dynamic: Leave the batch open, and height and width where the network allows it.
        weights: A file of weights; None draws them.
        seed: Of drawn weights and of the inputs that the file is checked with.
        check: Hold the file against PyTorch.
        way: One of the exporter's `ways`, to compare runtimes with; empty for the one that is exported.
        form: One of the exporter's `forms`; empty for the first.
        refinement: Let each layer refine the boxes of the one before, in networks that can.
        precision: Of the weights and values in the file: fp32, fp16, bf16 or mix.
        steps: Graph steps; None for the exporter's own.
        tool: Which of PyTorch's exporters; empty for the first that works.
    """

    size: Size | None = None
    batch: int = 1
    dynamic: bool = False
    weights: Path | None = None
    seed: int = 0
    check: bool = True
    way: str = ""
    form: str = ""
    refinement: bool = False
    precision: str = "fp32"
    steps: tuple[str, ...] | None = None
    tool: str = ""


@dataclass(frozen=True)
class Exported:
    """What came of it.

    Attributes:
        weights: Where they are from.
        exporter: Which of PyTorch's exporters wrote the file.
        refused: Why those before it did not.
        opset: Of ONNX's own operators.
        steps: What each graph step did.
        largest_difference: Of any output from PyTorch's, as a share of its root mean square, or of whole numbers the
            share that is another; None where not checked.
    """

    path: Path
    weights: str
    exporter: str
    refused: tuple[str, ...]
    opset: int
    steps: tuple[str, ...]
    largest_difference: float | None
