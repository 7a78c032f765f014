"""What every exporter has: a network in PyTorch, inputs for it, and one way to an ONNX file that is checked."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farm.protocol.errors import BuildFailed, Invalid, Unsupported

from .weights import load_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import ModelProto

Array = Any
Network = Any

# The newest that TensorRT 8.5 reads.
OPSET = 17
# PyTorch and ONNX Runtime sum in different orders; shares of the root mean square of an output.
_TOLERANCE = 1e-3


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
    """

    size: Size | None = None
    batch: int = 1
    dynamic: bool = False
    weights: Path | None = None
    seed: int = 0
    check: bool = True
    way: str = ""


@dataclass(frozen=True)
class Exported:
    """What came of it.

    Attributes:
        weights: Where they are from.
        exporter: Which of PyTorch's exporters wrote the file.
        largest_difference: Of any output from PyTorch's, as a share of its root mean square; None where not checked.
    """

    path: Path
    weights: str
    exporter: str
    largest_difference: float | None


class Exporter:
    """One network. A subclass says how it is made; the rest has defaults.

    Attributes:
        size: Of its images unless told otherwise.
        input_name: Of the images.
        outputs: Names, in the order in which the network gives them.
        sizes_are_fixed: Height and width are decided when it is exported.
    """

    size: Size
    input_name = "images"
    outputs: tuple[str, ...]
    sizes_are_fixed = False

    def build_torch_model(self, way: str = "") -> Network:
        """The network, its weights drawn so that values neither fade nor explode."""
        raise NotImplementedError

    def ways(self) -> tuple[str, ...]:
        """Ways to write the network in PyTorch; the first is the one that is exported."""
        return ("",)

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

    def network(self, order: ExportOrder) -> tuple[Network, str]:
        """The network as it is exported and measured, and where its weights are from."""
        import torch

        torch.manual_seed(order.seed)
        network = self.build_torch_model(order.way).eval()
        if order.weights is None:
            return network, f"drawn, seed {order.seed}"
        return network, load_weights(network, order.weights)

    def export(self, path: Path, order: ExportOrder) -> Exported:
        """Write the ONNX file.

        Raises:
            Unsupported: the network cannot be exported so.
            Invalid: the weights do not fit.
            BuildFailed: PyTorch cannot write it, or the file computes something else.
        """
        import onnx
        import torch

        network, weights = self.network(order)
        inputs = self.prepare_sample_inputs(order.batch, order.size or self.size)
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            part = Path(scratch) / "model.onnx"
            exporter = self._traced(network, inputs, part, order)
            model = self.adapt_graph(onnx.load(str(part)))
            onnx.helper.set_model_props(model, {"weights": weights, "exporter": exporter, "torch": torch.__version__})
            onnx.checker.check_model(model, full_check=True)
            onnx.save(model, str(part))
            largest = self._difference(network, inputs, part) if order.check else None
            part.replace(path)
        return Exported(path, weights, exporter, largest)

    def _traced(self, network: Network, inputs: tuple[Any, ...], path: Path, order: ExportOrder) -> str:
        """The exporter that wrote the file."""
        import torch

        axes = self._open_axes(order)
        try:
            with torch.inference_mode(), warnings.catch_warnings():
                # That the tracer is old is known; of what it traces, the comparison with PyTorch tells more.
                warnings.simplefilter("ignore")
                torch.onnx.export(
                    network,
                    inputs,
                    str(path),
                    dynamo=False,
                    opset_version=OPSET,
                    input_names=[self.input_name],
                    output_names=list(self.outputs),
                    dynamic_axes=axes,
                    custom_opsets=dict(self.custom_opset()),
                )
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            raise BuildFailed(
                f"PyTorch {torch.__version__} cannot export the network: {str(error).strip().splitlines()[0][:300]}",
                "The operator that it names needs a symbolic, or the network another way to write it.",
            ) from error
        return "tracer"

    def _open_axes(self, order: ExportOrder) -> dict[str, dict[int, str]]:
        if not order.dynamic:
            return {}
        axes = {name: {0: "batch"} for name in (self.input_name, *self.outputs)}
        if not self.sizes_are_fixed:
            axes[self.input_name].update({2: "height", 3: "width"})
        return axes

    def _difference(self, network: Network, inputs: tuple[Any, ...], path: Path) -> float:
        import numpy as np
        import torch

        from worker.host.runtime import run

        with torch.inference_mode():
            made = network(*inputs)
        wanted = [made] if isinstance(made, torch.Tensor) else list(made)
        got = run(path, {self.input_name: inputs[0].numpy()})
        shares = []
        for name, tensor in zip(self.outputs, wanted, strict=True):
            reference = tensor.numpy()
            if not np.isfinite(reference).all() or (reference.size > 1 and reference.std() == 0):
                raise BuildFailed(
                    f"the output {name!r} of the network is constant or not finite",
                    "Give --weights, or another --seed.",
                )
            shares.append(float(np.abs(got[name] - reference).max() / np.sqrt(np.mean(np.square(reference)))))
        if max(shares) > _TOLERANCE:
            raise BuildFailed(
                f"the exported graph differs from PyTorch by {max(shares):.2g} of an output",
                "Export it with another version of PyTorch, and report it.",
            )
        return max(shares)


def check_order(name: str, exporter: Exporter, order: ExportOrder) -> None:
    """Refuse what would only fail minutes later.

    Raises: Invalid, Unsupported
    """
    size = order.size or exporter.size
    if order.batch < 1 or min(size.height, size.width) < 32:
        raise Invalid(
            "a batch below 1, or an image below 32x32 pixels", "Give --batch and --HW that a network can use."
        )
    if order.dynamic and order.size and not exporter.sizes_are_fixed:
        raise Unsupported(f"--dynamic leaves height and width of {name} open, and --HW sets them", "Give one of both.")
