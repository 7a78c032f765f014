"""Exporters of somebody else, in a file of his own: of networks that end in one module of PyTorch."""

from __future__ import annotations

from typing import Any

from worker.host.exporters.base import Exporter, ExportOrder, Size


class Ending(Exporter):
    """A product, and a module after it that a subclass names."""

    size = Size(32, 32)
    outputs = ("y",)
    end: str = "ReLU"
    arguments: tuple[float, ...] = ()
    sizes_are_fixed = True

    def build_torch_model(self, order: ExportOrder) -> Any:
        """A network of three thousand weights."""
        from torch import nn  # type: ignore[import-not-found]

        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 4), getattr(nn, self.end)(*self.arguments))


class Constant(Ending):
    """One whose answers are all the same."""

    end, arguments = "Hardtanh", (100.0, 101.0)


class Threshold(Ending):
    """One that the tracer has no symbolic for."""

    end, arguments = "Threshold", (0.1, 0.5)


class Adapted(Ending):
    """One whose graph is changed after it was written."""

    def adapt_graph(self, model: Any) -> Any:
        """Twice the answer."""
        from onnx import helper

        model.graph.node[-1].output[0] = "half"
        model.graph.node.append(helper.make_node("Add", ["half", "half"], ["y"], "Add_of_his"))
        return model
