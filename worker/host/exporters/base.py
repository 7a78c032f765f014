"""What every exporter has: a network in PyTorch, inputs for it, and one way to an ONNX file that is checked."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farm.protocol.detection import Detection
from farm.protocol.errors import BuildFailed, Invalid, Unsupported

from ..graph.metadata import write_detection, write_metadata
from .comparing import answers, largest_difference
from .order import NATIVE, PLUGIN, Exported, ExportOrder, Size
from .weights import load_weights
from .writing import Interface, write

if TYPE_CHECKING:
    from onnx import ModelProto

    from farm.client import FarmClient, SubmitOptions
    from farm.client.fetching import Fetched

__all__ = ["ExportOrder", "Exported", "Exporter", "Size", "check_order"]

Network = Any

# PyTorch and ONNX Runtime sum in different orders; shares of the root mean square of an output.
_TOLERANCE = 1e-3
_SMALLEST = 32
# What writes a precision into a graph.
_PRECISIONS: Mapping[str, tuple[str, ...]] = {
    "fp32": (),
    "fp16": ("float16",),
    "bf16": ("bfloat16",),
    "mix": ("mixed",),
}


class Exporter:
    """One network. A subclass says how it is made; the rest has defaults.

    Attributes:
        size: Of its images unless told otherwise.
        size_step: Height and width must be multiples of it.
        inputs: Names, in the order in which the network takes them.
        outputs: Names, in the order in which the network gives them.
        sizes_are_fixed: Height and width are decided when it is exported.
        batch_is_fixed: So is the batch.
        batch_is_open: The batch is left open without being asked for.
        forms: `native`: with ONNX's operators alone; `plugin`: with those of plugins; `sampled`: native, without
            RoiAlign and NonMaxSuppression. The first is the usual one.
        refines: It knows what `refinement` is.
        ranked: The output of scores that bring all outputs into their order, which is any where scores are equal.
        steps: Graph steps that its graphs go through.
        detection: How pictures go in and answers are read, where it finds objects: the file says so.
    """

    size: Size
    size_step = 1
    inputs: tuple[str, ...] = ("images",)
    outputs: tuple[str, ...]
    sizes_are_fixed = False
    batch_is_fixed = False
    batch_is_open = False
    forms: tuple[str, ...] = (NATIVE,)
    refines = False
    ranked = ""
    steps: tuple[str, ...] = ("fold", "simplify", "infer_shapes")
    detection: Detection | None = None

    def build_torch_model(self, order: ExportOrder) -> Network:
        """The network, its weights drawn so that values neither fade nor explode."""
        raise NotImplementedError

    def adapt_graph(self, model: ModelProto) -> ModelProto:
        """The graph with what must be repaired before anybody can use it."""
        return model

    def prepare_sample_inputs(self, batch: int, size: Size) -> tuple[Any, ...]:
        """Inputs to trace and to check with: normal numbers, as normalised images have them."""
        import torch

        return (torch.randn(batch, 3, size.height, size.width),)

    def custom_opset(self) -> Mapping[str, int]:
        """Domain to version of operators that are not ONNX's own."""
        return {}

    def ways(self) -> tuple[str, ...]:
        """Ways to write the network in PyTorch; the first is the one that is exported."""
        return ("",)

    def adapt_weights(self, state: dict[str, Any]) -> dict[str, Any]:
        """The weights of a file under the names of the network, where those of the original are others."""
        return state

    def network(self, order: ExportOrder) -> tuple[Network, str]:
        """The network as it is exported and measured, and where its weights are from."""
        import torch

        torch.manual_seed(order.seed)
        network = self.build_torch_model(order).eval()
        if order.weights is None:
            return network, f"drawn, seed {order.seed}"
        return network, load_weights(network, order.weights, self.adapt_weights)

    def export(self, path: Path, order: ExportOrder | None = None) -> Exported:
        """Write the ONNX file.

        Raises:
            Unsupported: the network cannot be exported so.
            Invalid: the weights do not fit.
            BuildFailed: PyTorch cannot write it, a graph step breaks it, or the file computes something else.
        """
        order = order or ExportOrder()
        check_order(type(self).__name__, self, order)
        network, weights = self.network(order)
        inputs = self.prepare_sample_inputs(order.batch, order.size or self.size)
        with tempfile.TemporaryDirectory(dir=path.absolute().parent) as scratch:
            part = Path(scratch) / "model.onnx"
            domains = {} if PLUGIN in self.forms and order.form != PLUGIN else self.custom_opset()
            interface = Interface(self.inputs, self.outputs, self._open_axes(order), domains)
            exporter, refused = write(network, inputs, part, interface, order.tool)
            opset = self._finished(part, {"weights": weights, "exporter": exporter})
            given = {name: value.numpy() for name, value in zip(self.inputs, inputs, strict=True)}
            steps = self._stepped(part, given, order)
            largest = self._checked(network, inputs, part, order) if order.check else None
            part.replace(path)
        return Exported(path, weights, exporter, refused, opset, steps, largest)

    def export_engine(
        self,
        target: str,
        folder: Path,
        order: ExportOrder | None = None,
        options: SubmitOptions | None = None,
        farm: FarmClient | None = None,
    ) -> Fetched:
        """Export, build for one target, and fetch the engine into a folder.

        Raises: as `export`, and FarmError: it was not built, or is not for this device.
        """
        from .sending import export_engine

        return export_engine(self, target, folder, order or ExportOrder(), options, farm)

    def _finished(self, path: Path, told: Mapping[str, str]) -> int:
        """Adapt, name and check the graph; its opset."""
        import onnx
        import torch

        model = self.adapt_graph(onnx.load(str(path)))
        write_metadata(model, {**told, "torch": torch.__version__})
        if self.detection is not None:
            write_detection(model, self.detection)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, str(path))
        return int(max(item.version for item in model.opset_import if not item.domain))

    def _stepped(self, path: Path, inputs: Mapping[str, Any], order: ExportOrder) -> tuple[str, ...]:
        """Run the graph steps, each held against the graph before it; what they did."""
        from farm.protocol.steps import planned_steps

        from ..graph.pipeline import Pipeline
        from ..load import load
        from ..runtime import run

        calls = [*(self.steps if order.steps is None else order.steps), *_PRECISIONS[order.precision]]
        if not calls:
            return ()
        outputs = run(path, inputs) if order.check else None
        scratch = path.parent / "steps"
        scratch.mkdir()
        pipeline = Pipeline(inputs, outputs, "" if order.check else "it was asked for without a check", scratch)
        model, reports = pipeline.run(load(path), planned_steps(calls))
        written = scratch / "written"
        written.mkdir()
        (name,) = model.write(written)
        shutil.move(written / name, path)
        return tuple(str(report) for report in reports)

    def _checked(self, network: Network, inputs: tuple[Any, ...], path: Path, order: ExportOrder) -> float:
        given = {name: value.numpy() for name, value in zip(self.inputs, inputs, strict=True)}
        largest = largest_difference(path, given, answers(network, inputs, self.outputs), self.ranked)
        # A precision is there to give up digits: how far outputs move is told, and judged by who asked for it.
        if largest.share > _TOLERANCE and not _PRECISIONS[order.precision]:
            raise BuildFailed(
                f"the exported graph differs from PyTorch by {largest}",
                "Export it with another version of PyTorch, and report it.",
            )
        return largest.share

    def _open_axes(self, order: ExportOrder) -> dict[str, dict[int, str]]:
        if not (order.dynamic or self.batch_is_open):
            return {}
        axes = {name: {0: "batch"} for name in (*self.inputs, *self.outputs)}
        if order.dynamic and not self.sizes_are_fixed:
            axes[self.inputs[0]].update({2: "height", 3: "width"})
        return axes


def check_order(name: str, exporter: Exporter, order: ExportOrder) -> None:
    """Refuse what would only fail minutes later.

    Raises: Invalid, Unsupported
    """
    size = order.size or exporter.size
    step = exporter.size_step
    if order.batch < 1 or min(size.height, size.width) < _SMALLEST:
        raise Invalid(
            "a batch below 1, or an image below 32x32 pixels", "Give --batch and --HW that a network can use."
        )
    if size.height % step or size.width % step:
        raise Invalid(f"{name} takes heights and widths that are multiples of {step}", "Give such an --HW.")
    if order.dynamic and exporter.batch_is_fixed:
        raise Unsupported(f"{name} is written for one batch and size", "Leave --dynamic out, and give --batch.")
    if order.dynamic and order.size and not exporter.sizes_are_fixed:
        raise Unsupported(f"--dynamic leaves height and width of {name} open, and --HW sets them", "Give one of both.")
    if order.form and order.form not in exporter.forms:
        raise Unsupported(f"{name} has no form {order.form!r}", f"It has {' and '.join(exporter.forms)}.")
    if order.refinement and not exporter.refines:
        raise Unsupported(f"{name} has no boxes that layers refine", "Leave --refinement out.")
    if order.precision not in _PRECISIONS:
        known = ", ".join(_PRECISIONS)
        raise Unsupported(
            f"no file is written in {order.precision}", f"Give one of {known}; farm submit --precision has the others."
        )
