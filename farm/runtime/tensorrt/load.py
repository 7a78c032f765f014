"""A plan, read into a process: TensorRT's objects in the order in which they need each other."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any, Mapping, Type

from farm.backends.tensorrt.advice import advice
from farm.backends.tensorrt.capabilities import TensorRtCapabilities, capabilities_of
from farm.backends.tensorrt.creators import register_creators
from farm.backends.tensorrt.logger import Sayings, logger
from farm.protocol.errors import BuildFailed, FarmError, NotFound
from farm.protocol.options import BuildOptions

from .binding import binding


class Loaded:
    """An engine in memory.

    Attributes:
        trt: The binding.
        engine: The `ICudaEngine`.
        sayings: What TensorRT says.
    """

    def __init__(self, path: Path, options: BuildOptions, rtx: bool) -> None:
        self.trt: Any = binding("tensorrt_rtx" if rtx else "tensorrt")
        self.capabilities: TensorRtCapabilities = capabilities_of(self.trt.__version__, rtx)
        self.sayings = Sayings()
        # TensorRT's objects refer to each other without keeping each other alive.
        self._logger = logger(self.trt, self.sayings)
        register_creators(self.trt, self._logger)
        self._runtime = self.trt.Runtime(self._logger)
        self._prepare(options.backend_options)
        self.engine: Any = self._deserialized(path)

    def new_context(self) -> Any:
        """An execution context.

        Raises: BuildFailed: mostly for want of memory.
        """
        self.sayings.forget()
        context = self.engine.create_execution_context()
        if context is None:
            raise self.failure("makes no execution context", "Free memory on the card, or run fewer at once.")
        return context

    def failure(self, what: str, hint: str, kind: Type[FarmError] = BuildFailed) -> FarmError:
        """An error with what TensorRT said about it, and with what to do where that is known."""
        errors = self.sayings.errors()
        told = "; ".join(errors) or "it does not say why"
        return kind(f"{self.capabilities.name} {what}: {told}", advice(errors) or hint)

    def close(self) -> None:
        """Free it, the engine before its runtime."""
        self.engine = None
        self._runtime = None

    def _prepare(self, options: Mapping[str, Any]) -> None:
        """What a plan of these options needs before it is read."""
        if options.get("versionCompatible"):
            # Such a plan brings the runtime it was built with, as code of the host: only what the manifest names may.
            self._runtime.engine_host_code_allowed = True
        if "useDLACore" in options:
            self._runtime.DLA_core = options["useDLACore"]

    def _deserialized(self, path: Path) -> Any:
        if not path.is_file() or not path.stat().st_size:
            raise NotFound(f"there is no engine in {path}", "Fetch it again.")
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as plan:
            engine = self._runtime.deserialize_cuda_engine(plan)
        if engine is None:
            raise self.failure(f"cannot load {path.name}", "An engine runs on the GPU and the version it is made for.")
        return engine
