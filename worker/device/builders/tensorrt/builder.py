"""The builders of the TensorRT family: `tensorrt`, and `tensorrt_rtx`, which builds ahead of time without a card.

The way of a build, each step a module: check the options (`farm.backends`) and the profiles (`profiles`), import the
binding and read the graph (`library`, `parse`), then configure and build (`plan`, `config`, `progress`), with less and
less (`ladder`) until it fits into memory.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import ClassVar, Dict, Sequence, Tuple

from farm.backends.options import check_target
from farm.backends.tensorrt.capabilities import capabilities_of
from farm.backends.tensorrt.logger import Sayings
from farm.backends.tensorrt.precision import meaning, possible
from farm.backends.tensorrt.requirement import engine_requirement
from farm.protocol.model import FileRef
from farm.protocol.options import BuildOptions
from farm.protocol.target import BuildTarget
from farm.protocol.timing import TIMING_CACHE_FILE
from farm.runtime.backends import opener
from farm.runtime.cuda.device import Device
from farm.runtime.session import Session
from farm.runtime.tensorrt.plugins import load_plugins
from worker.child.merging import Merged
from worker.child.result import LearnedCache

from ..base import Availability, Builder, BuildOrder, BuiltEngine, Capabilities
from .layers import network_layers
from .library import Assembly, library
from .merge import merge
from .parse import inputs_of, outputs_of
from .plan import make_plan
from .profiles import check
from .quantize import quantize
from .timing import Timing
from .types import check_types

ENGINE_FILE = "engine.plan"


class TensorRtBuilder(Builder):
    """Engines of TensorRT 8.5 to 11, built on the card that runs them."""

    name = "tensorrt"
    rtx: ClassVar[bool] = False

    def probe(self) -> Availability:
        """See `Builder.probe`."""
        try:
            version = str(import_module(self.name).__version__)
        except (ImportError, OSError) as error:
            return Availability(self.name, None, f"{error}; install NVIDIA's package {self.name}")
        return Availability(self.name, version)

    def capabilities(self, version: str) -> Capabilities:
        """See `Builder.capabilities`; the rest of it is `farm.backends.tensorrt`."""
        return Capabilities(
            precisions=possible(capabilities_of(version, self.rtx)), plugins=True, several_profiles=True
        )

    def get_ready(self) -> None:
        """See `Builder.get_ready`: the binding, and the context of the card, which builder and session share."""
        import_module(self.name)
        if not self.rtx:
            # Kept for the life of this process, which is that of the build.
            Device()

    def build(self, order: BuildOrder) -> BuiltEngine:
        """See `Builder.build`."""
        target, options = order.target, order.options
        capabilities = capabilities_of(target.backend_version, self.rtx)
        card = target.gpu.compute_capability if target.gpu else None
        means = meaning(options.precision, capabilities, card, order.calibration is not None)
        check_target(target, options)
        check(order, capabilities.name)
        check_types(order.model, means, capabilities.name)
        trt = library(capabilities)
        model, quantized = quantize(order, means.types, capabilities.name)
        assembly = Assembly(trt, capabilities, means, Sayings(bool(options.backend_options.get("verbose"))))
        assembly.read(model)
        timing = Timing(order.timing, assembly.sayings)
        made = make_plan(assembly, order, means, timing, order.output / ENGINE_FILE)
        effective = {**made, **quantized}
        learned = timing.keep(order.output / TIMING_CACHE_FILE)
        return BuiltEngine(
            (ENGINE_FILE,),
            engine_requirement(target, options),
            effective,
            degraded="rungs_before" in effective,
            inputs=inputs_of(assembly.network),
            outputs=outputs_of(assembly.network),
            layers=network_layers(assembly.network),
            learned=LearnedCache(TIMING_CACHE_FILE, timing.grew_from) if learned else None,
        )

    def load_plugins(self, folder: Path, libraries: Sequence[FileRef]) -> Dict[str, Tuple[str, ...]]:
        """See `Builder.load_plugins`."""
        return load_plugins(folder, libraries, self.name)

    def merge_timing_caches(self, target: BuildTarget, ours: Path, theirs: Path, output: Path) -> Merged:
        """See `Builder.merge_timing_caches`."""
        return merge(capabilities_of(target.backend_version, self.rtx), ours, theirs, output)

    def open(self, engine: Path, options: BuildOptions) -> Session:
        """See `Builder.open`."""
        return opener(self.name)(engine, options)


class TensorRtRtxBuilder(TensorRtBuilder):
    """Engines of TensorRT for RTX for a set of cards, built where none of them has to be."""

    name = "tensorrt_rtx"
    rtx = True

    def cannot_run(self, target: BuildTarget) -> str:
        """See `Builder.cannot_run`."""
        return f"{target.backend} {target.backend_version} built it ahead of time, with no card to run it on"
