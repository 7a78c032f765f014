"""The onnxruntime builder: a graph optimised for this processor, saved, and run again exactly so.

The steps of a build, each a module: fix the axes the profiles fix (`onnxruntime_shapes`), quantize where int8 is
asked for (`onnxruntime_quantize`), optimise and save (`onnxruntime_optimize`), halve the weights where fp16 is asked
for (`onnxruntime_half`). docs/decisions/0005-onnxruntime-engine.md has the reasons.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Dict, Mapping

from farm.backends.options import check_options
from farm.protocol.errors import BuildFailed, Unsupported
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.requirement import requirement_from_target
from farm.protocol.target import BuildTarget
from farm.runtime.onnxruntime import open_session
from farm.runtime.session import Session

from .base import Availability, Builder, BuildOrder, BuiltEngine, Capabilities

log = logging.getLogger(__name__)


class OnnxRuntimeBuilder(Builder):
    """Engines for the processor. float16 halves what is stored, int8 also what is computed."""

    name = "onnxruntime"

    def probe(self) -> Availability:
        """See `Builder.probe`."""
        try:
            import onnx
            import onnxruntime
        except ImportError as error:
            return Availability(self.name, None, f"{error}; install the extra `worker`")
        if "CPUExecutionProvider" not in onnxruntime.get_available_providers():
            return Availability(self.name, None, "this onnxruntime was built without its CPU provider")
        log.debug("onnx %s", onnx.__version__)
        return Availability(self.name, onnxruntime.__version__)

    def capabilities(self, version: str) -> Capabilities:
        """See `Builder.capabilities`; every supported version (1.19 and later) can do the same."""
        return Capabilities(
            precisions=(Precision.FP32, Precision.FP16, Precision.INT8), plugins=False, several_profiles=True
        )

    def get_ready(self) -> None:
        """See `Builder.get_ready`."""
        self.probe()

    def build(self, order: BuildOrder) -> BuiltEngine:
        """See `Builder.build`."""
        from .onnxruntime_shapes import fix_axes

        version = self._usable(order.target)
        self.require(order.options.precision, version)
        check_options(self.name, version, order.options)
        source, fixed = fix_axes(order)
        try:
            return _built(order, source, version, fixed)
        except BuildFailed as error:
            if not fixed:
                raise
            # Sizes of the one branch may be impossible in another that is never taken, such as that of a second
            # sample rate; onnxruntime looks at both.
            log.warning("the graph cannot be built with fixed axes, so they stay open: %s", error.message)
            return _built(order, order.model, version, {"axes_left_open": error.message})

    def open(self, engine: Path, options: BuildOptions) -> Session:
        """See `Builder.open`."""
        return open_session(engine, options)

    def _usable(self, target: BuildTarget) -> str:
        """The version of the runtime, if runtime and processor are those of the target.

        An engine is made for what it is made on: anything else would carry a wrong requirement.
        """
        from farm.device.cpu import probe_cpu
        from farm.device.machine import Machine

        here = self.probe()
        if here.version != target.backend_version:
            raise Unsupported(
                f"this device has onnxruntime {here.version or 'in no usable form'}, "
                f"the build is for {target.backend_version}",
                here.reason or "Restart the worker, so that it enrols with what the device has now.",
            )
        sets = set(probe_cpu(Machine()).instruction_sets)
        if sets != set(target.instruction_sets):
            differing = ", ".join(sorted(sets ^ set(target.instruction_sets)))
            raise Unsupported(
                f"the instruction sets of this processor are not those of the target; they differ in {differing}",
                "Restart the worker, so that it enrols with what the device has now.",
            )
        return here.version


def _built(order: BuildOrder, source: Path, version: str, told: Mapping[str, Any]) -> BuiltEngine:
    """The engine of one graph. Raises: BuildFailed, and what the steps raise."""
    from .onnxruntime_half import halve_weights
    from .onnxruntime_optimize import optimize
    from .onnxruntime_quantize import quantize

    effective: Dict[str, Any] = {"precision": "float32", **told}
    if order.options.precision is Precision.INT8:
        source, quantized = quantize(source, order, version)
        effective.update(quantized)
    files, optimized = optimize(source, order)
    effective.update(optimized)
    if order.options.precision is Precision.FP16:
        files, halved = halve_weights(order)
        effective.update(halved)
    return BuiltEngine(files, requirement_from_target(order.target), effective)
