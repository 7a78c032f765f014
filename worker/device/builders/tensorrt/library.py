"""The binding of TensorRT on this machine, and everything that is made before a build can start."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from farm.backends.tensorrt.capabilities import TensorRtCapabilities, Typing
from farm.backends.tensorrt.creators import register_creators
from farm.backends.tensorrt.logger import Sayings, logger
from farm.backends.tensorrt.precision import Meaning, Types
from farm.protocol.errors import BuildFailed, Unsupported

from .obey import float32_tensors, hold
from .parse import parse


def library(capabilities: TensorRtCapabilities) -> Any:
    """The binding, imported.

    Raises: Unsupported: it is not here, or of another version.
    """
    wanted = capabilities.version
    try:
        found = import_module(capabilities.module)
    except (ImportError, OSError) as error:
        raise Unsupported(
            f"this device cannot import {capabilities.module}: {error}", "Restart the worker, so that it enrols anew."
        ) from error
    if found.__version__ != wanted:
        raise Unsupported(
            f"this device has {capabilities.module} {found.__version__}, the build is for {wanted}",
            "Restart the worker, so that it enrols with what the device has now.",
        )
    return found


class Assembly:
    """A network that was read from a graph, with the builder it belongs to.

    TensorRT's objects refer to each other without keeping each other alive; here they live and end together.

    Attributes:
        trt: The binding.
        means: What the precision means for this version.
        sayings: What TensorRT has said.
    """

    def __init__(self, trt: Any, capabilities: TensorRtCapabilities, means: Meaning, sayings: Sayings) -> None:
        self.trt = trt
        self.capabilities = capabilities
        self.means = means
        self.sayings = sayings
        self._logger = logger(trt, sayings)
        register_creators(trt, self._logger)
        self.builder: Any = self._made(trt.Builder(self._logger))
        self.network: Any = self._made(self.builder.create_network(self._network_flags()))
        self._parser = trt.OnnxParser(self.network, self._logger)

    def read(self, model: Path) -> None:
        """Fill the network, held to the types of the graph where the builder would choose. Raises: as `parse`."""
        parse(self._parser, self.network, model, self.capabilities.name, self.sayings)
        if self.means.types is Types.MIXED and not self.means.typed:
            hold(self.trt, self.network, float32_tensors(model))

    def new_config(self) -> Any:
        """An empty configuration."""
        return self._made(self.builder.create_builder_config())

    def _network_flags(self) -> int:
        flags = self.trt.NetworkDefinitionCreationFlag
        asked = 1 << int(flags.EXPLICIT_BATCH) if self.capabilities.explicit_batch_flag else 0
        # From 11 on every network is typed by its graph; nothing has to be asked for.
        if self.means.typed and self.capabilities.typing is Typing.EITHER:
            asked |= 1 << int(flags.STRONGLY_TYPED)
        return asked

    def _made(self, value: Any) -> Any:
        """The value; the binding answers nothing where the library below it gave up."""
        if value is None:
            told = "; ".join(self.sayings.errors()) or "it does not say why"
            raise BuildFailed(f"{self.capabilities.name} does not start: {told}", "Run farm doctor on the device.")
        return value
