"""The builder `trtexec`: the same engines as those of `tensorrt`, for devices whose Python has no binding.

What the versions can do, what the options and the precisions mean and what is advised is `farm.backends.tensorrt`;
here an order becomes a command line (`command`), and what the program says becomes progress and errors (`complaint`).
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any, Dict

from farm.backends.options import check_target
from farm.backends.tensorrt.capabilities import capabilities_of
from farm.backends.tensorrt.logger import Sayings
from farm.backends.tensorrt.precision import Meaning, meaning, possible
from farm.backends.tensorrt.requirement import engine_requirement
from farm.device.machine import Machine
from farm.device.trtexec import find_trtexec, trtexec_version
from farm.protocol.errors import BuildFailed
from farm.protocol.options import BuildOptions
from farm.runtime.session import Session
from farm.runtime.trtexec.program import Program, program
from farm.runtime.trtexec.session import TrtexecSession
from farm.runtime.trtexec.tensors import TENSORS_FILE, Tensors, check_names, write_tensors

from ..base import Availability, Builder, BuildOrder, BuiltEngine, Capabilities
from ..tensorrt.builder import ENGINE_FILE
from ..tensorrt.climb import climb, failure
from ..tensorrt.config import asked
from ..tensorrt.ladder import Rung, rungs
from ..tensorrt.parse import refusal
from ..tensorrt.profiles import check
from ..tensorrt.progress import Ticker, watch
from ..tensorrt.quantize import quantize
from ..tensorrt.types import check_types
from .command import build_arguments, told
from .complaint import complaint
from .signature import signature

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
        return Capabilities(precisions=possible(capabilities_of(version)), plugins=False, several_profiles=True)

    def build(self, order: BuildOrder) -> BuiltEngine:
        """See `Builder.build`."""
        target, options = order.target, order.options
        can = capabilities_of(target.backend_version)
        card = target.gpu.compute_capability if target.gpu else None
        means = meaning(options.precision, can, card, options.calibration is not None)
        name = f"trtexec {can.version}"
        check_target(target, options)
        check(order, name)
        check_names(order.inputs)
        check_types(order.model, means, name)
        here = program(can.version)
        model, quantized = quantize(order, means.types, name)
        inputs, outputs = signature(order.model, can)
        effective = {**_plan(here, order, means, model), **quantized}
        write_tensors(order.output, Tensors(can.version, inputs, outputs))
        return BuiltEngine(
            (ENGINE_FILE, TENSORS_FILE),
            engine_requirement(target, options),
            effective,
            degraded="rungs_before" in effective,
            inputs=inputs,
            outputs=outputs,
        )

    def open(self, engine: Path, options: BuildOptions) -> Session:
        """See `Builder.open`."""
        return TrtexecSession(engine, options)


def _plan(here: Program, order: BuildOrder, means: Meaning, model: Path) -> Dict[str, Any]:
    """Build the plan, with less where memory is not enough. Returns: what happened, for the manifest."""
    name = f"trtexec {here.can.version}"
    sayings = Sayings(bool(order.options.backend_options.get("verbose")))

    def attempt(rung: Rung) -> Dict[str, Any]:
        sayings.forget()
        sayings.watches[:] = [watch(Ticker(order.progress))]
        arguments = build_arguments(here.can, order, means, rung, str(model), ENGINE_FILE)
        log.info("%s %s", here.path, " ".join(arguments))
        started = time.monotonic()
        how = here.run(arguments, order.output, sayings)
        took_s = round(time.monotonic() - started, 3)
        if how is not None:
            refused_graph = complaint(sayings.errors())
            if refused_graph is not None:
                raise refusal(refused_graph, model, name, sayings.errors())
            raise failure(name, sayings.errors(), f"ended with {how} and does not say why")
        _check_plan(order.output / ENGINE_FILE, name)
        return {
            "precision": means.told,
            "precision_flags": list(means.flags),
            "arguments": told(arguments),
            "build_s": took_s,
        }

    return climb(name, rungs(asked(order, here.can), here.can), attempt)


def _check_plan(path: Path, name: str) -> None:
    if not path.is_file() or not path.stat().st_size:
        raise BuildFailed(f"{name} said that all went well and wrote no engine", "Try once more.")
