"""The builder `trtexec`: the same engines as those of `tensorrt`, for devices whose Python has no binding.

What the versions can do, what the options and the precisions mean and what is advised is `farm.backends.tensorrt`;
here an order becomes a command line (`command`), and what the program says becomes progress and errors (`complaint`).
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Tuple

from farm.backends.options import check_target
from farm.backends.tensorrt.capabilities import capabilities_of
from farm.backends.tensorrt.logger import Sayings
from farm.backends.tensorrt.precision import Meaning, Types, meaning, possible
from farm.backends.tensorrt.requirement import engine_requirement
from farm.device.machine import Machine
from farm.device.trtexec import find_trtexec, trtexec_version
from farm.protocol.errors import BuildFailed
from farm.protocol.model import FileRef
from farm.protocol.options import BuildOptions
from farm.protocol.timing import TIMING_CACHE_FILE
from farm.runtime.session import Session
from farm.runtime.trtexec.plugins import name_plugins
from farm.runtime.trtexec.program import Program, program
from farm.runtime.trtexec.session import TrtexecSession
from farm.runtime.trtexec.tensors import TENSORS_FILE, Tensors, check_names, write_tensors
from worker.child.result import LearnedCache

from ..base import Availability, Builder, BuildOrder, BuiltEngine, Capabilities
from ..tensorrt.builder import ENGINE_FILE
from ..tensorrt.climb import OutOfMemoryError, climb, failure
from ..tensorrt.config import asked
from ..tensorrt.ladder import Rung, missing_rungs, rungs
from ..tensorrt.parse import refusal
from ..tensorrt.profiles import check
from ..tensorrt.progress import Ticker, watch
from ..tensorrt.quantize import quantize
from ..tensorrt.types import check_types
from .command import build_arguments, told
from .complaint import complaint
from .hold import held_arguments, named
from .signature import signature
from .timing import FileTiming

log = logging.getLogger(__name__)


class TrtexecBuilder(Builder):
    """Engines of TensorRT 8.5 to 11, built by its own program."""

    name = "trtexec"

    def probe(self) -> Availability:
        """See `Builder.probe`."""
        machine = Machine()
        version = trtexec_version(machine)
        if version is not None:
            return Availability(self.name, version)
        path = find_trtexec(machine)
        reason = f"{path} does not start" if path else "there is no trtexec in PATH, nor where TensorRT puts it"
        return Availability(self.name, None, f"{reason}; install TensorRT's samples")

    def capabilities(self, version: str) -> Capabilities:
        """See `Builder.capabilities`; the rest of it is `farm.backends.tensorrt`."""
        return Capabilities(precisions=possible(capabilities_of(version)), plugins=True, several_profiles=True)

    def build(self, order: BuildOrder) -> BuiltEngine:
        """See `Builder.build`."""
        target, options = order.target, order.options
        can = capabilities_of(target.backend_version)
        card = target.gpu.compute_capability if target.gpu else None
        means = meaning(options.precision, can, card, order.calibration is not None)
        name = f"trtexec {can.version}"
        check_target(target, options)
        check(order, name)
        check_names(order.inputs)
        check_types(order.model, means, name)
        here = program(can.version)
        model, quantized = quantize(order, means.types, name)
        inputs, outputs = signature(order.model, can)
        timing = FileTiming(order.timing, order.scratch / TIMING_CACHE_FILE)
        effective = {**_plan(here, order, means, model, timing), **quantized}
        learned = timing.keep(order.output / TIMING_CACHE_FILE)
        write_tensors(order.output, Tensors(can.version, inputs, outputs))
        return BuiltEngine(
            (ENGINE_FILE, TENSORS_FILE),
            engine_requirement(target, options),
            effective,
            degraded="rungs_before" in effective,
            inputs=inputs,
            outputs=outputs,
            learned=LearnedCache(TIMING_CACHE_FILE, timing.grew_from) if learned else None,
        )

    def load_plugins(self, folder: Path, libraries: Sequence[FileRef]) -> Dict[str, Tuple[str, ...]]:
        """See `Builder.load_plugins`."""
        name_plugins(folder, libraries)
        return {}

    def open(self, engine: Path, options: BuildOptions) -> Session:
        """See `Builder.open`."""
        return TrtexecSession(engine, options)


def _plan(here: Program, order: BuildOrder, means: Meaning, model: Path, timing: FileTiming) -> Dict[str, Any]:
    """Build the plan, with less where memory is not enough. Returns: what happened, for the manifest."""
    sayings = Sayings(bool(order.options.backend_options.get("verbose")))
    graph, held = _held(here, order, means, model)

    def attempt(rung: Rung) -> Dict[str, Any]:
        sayings.forget()
        sayings.watches[:] = [timing.watch, watch(Ticker(order.progress))]
        arguments = build_arguments(here.can, order, means, rung, str(graph), ENGINE_FILE)
        log.info("%s %s", here.path, " ".join(arguments))
        started = time.monotonic()
        how = here.run((*arguments, *held, *timing.arguments(here.can)), order.output, sayings)
        took_s = round(time.monotonic() - started, 3)
        if how is not None and timing.blamed(sayings.errors()):
            timing.abandon(sayings.errors()[0])
            return attempt(rung)
        _check(here, how, sayings, model)
        _check_plan(order.output / ENGINE_FILE, here.name)
        timing.check()
        return {
            "precision": means.told,
            "precision_flags": list(means.flags),
            "arguments": told(arguments),
            **({"layers_held": held[0].count(":fp32")} if held else {}),
            "timing_cache": timing.told(),
            "build_s": took_s,
        }

    return climb(here.name, rungs(asked(order, here.can), here.can), attempt, missing_rungs(here.can))


def _check(here: Program, how: Optional[str], sayings: Sayings, model: Path) -> None:
    """The program ended well. Raises: as `Builder.build`, or for want of memory."""
    if how is None:
        return
    graph = complaint(sayings.errors())
    if graph is not None:
        raise refusal(graph, model, here.name, sayings.errors())
    raise failure(here.name, sayings.errors(), f"ended with {how} and does not say why")


def _held(here: Program, order: BuildOrder, means: Meaning, model: Path) -> Tuple[Path, Tuple[str, ...]]:
    """The graph to build and what holds the builder to its types, where it would choose them."""
    if means.types is not Types.MIXED or means.typed:
        return model, ()
    graph = named(order)
    try:
        return graph, held_arguments(here, graph, lambda how, sayings: _check(here, how, sayings, model))
    except OutOfMemoryError as error:
        raise MemoryError(f"{here.name} cannot read the graph: {error}") from error


def _check_plan(path: Path, name: str) -> None:
    if not path.is_file() or not path.stat().st_size:
        raise BuildFailed(f"{name} said that all went well and wrote no engine", "Try once more.")
