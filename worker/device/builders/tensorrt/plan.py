"""From a network to a plan: rung by rung, told while it goes on, and with TensorRT's own words where it fails."""

from __future__ import annotations

import logging
import re
import time
from pathlib import Path
from typing import Any, Dict, List

from farm.backends.tensorrt.advice import advice
from farm.backends.tensorrt.precision import Meaning
from farm.protocol.errors import BuildFailed

from ..base import BuildOrder
from .config import asked, configure
from .ladder import Rung, is_out_of_memory, rungs
from .library import Assembly
from .parse import sentence
from .progress import Phases, Ticker, monitor, watch
from .timing import Timing

log = logging.getLogger(__name__)

# What stands before it is a place in the source of TensorRT.
_CODE = re.compile(r"Error Code \d+: .*", re.DOTALL)


def make_plan(assembly: Assembly, order: BuildOrder, means: Meaning, timing: Timing, path: Path) -> Dict[str, Any]:
    """Build, with less memory and effort where memory is not enough, and write the plan.

    Returns: What happened, for the manifest: precision, limits, seconds, and every rung that was tried.

    Raises:
        MemoryError: even the lowest rung needs more memory than there is.
        BuildFailed: TensorRT gave up for another reason.
    """
    fallen: List[Dict[str, str]] = []
    for rung in rungs(asked(order, assembly.capabilities), assembly.capabilities):
        if fallen:
            log.warning("not enough memory, so once more with: %s", rung.name)
        try:
            told = _built(assembly, order, means, rung, timing, path)
        except _OutOfMemoryError as error:
            fallen.append({"rung": rung.name, "error": str(error)})
        else:
            return {**told, "rung": rung.name, **({"rungs_before": fallen} if fallen else {})}
    tried = ", ".join(item["rung"] for item in fallen)
    raise MemoryError(f"{assembly.capabilities.name} tried {tried}; at last: {fallen[-1]['error']}")


class _OutOfMemoryError(Exception):
    """A rung needs more memory than there is."""


def _built(
    assembly: Assembly, order: BuildOrder, means: Meaning, rung: Rung, timing: Timing, path: Path
) -> Dict[str, Any]:
    assembly.sayings.forget()
    try:
        config, told = configure(assembly, order, means, rung)
        timing.attach(config)
    except AttributeError as error:
        # Which version has what is known before; a binding without it is not the one it says it is.
        raise BuildFailed(
            f"{assembly.capabilities.name} is not what its version says: {error}", "Install NVIDIA's own package."
        ) from error
    ticker = Ticker(order.progress)
    listener: Any = None
    if assembly.capabilities.progress_monitor:
        listener = monitor(assembly.trt, Phases(ticker))
        config.progress_monitor = listener
        assembly.sayings.watches[:] = [timing.watch]
    else:
        assembly.sayings.watches[:] = [timing.watch, watch(ticker)]
    started = time.monotonic()
    plan = assembly.builder.build_serialized_network(assembly.network, config)
    if plan is None and timing.blamed(assembly.sayings.errors()):
        timing.abandon(assembly.sayings.errors()[0])
        return _built(assembly, order, means, rung, timing, path)
    if plan is None:
        raise _failure(assembly)
    took_s = round(time.monotonic() - started, 3)
    path.write_bytes(plan)
    if assembly.capabilities.timing_caches:
        told["timing_cache"] = timing.told()
    return {**told, "layers": assembly.network.num_layers, "build_s": took_s}


def _failure(assembly: Assembly) -> Exception:
    errors = assembly.sayings.errors()
    if is_out_of_memory(errors):
        return _OutOfMemoryError(_said(errors[0]))
    name = assembly.capabilities.name
    if not errors:
        return BuildFailed(f"{name} built nothing and does not say why", "The log of the attempt may tell more.")
    hint = advice(errors) or "The log of the attempt has all that it said."
    return BuildFailed(f"{name} cannot build the engine: {_said(errors[0])}", hint)


def _said(error: str) -> str:
    coded = _CODE.search(error)
    return sentence(coded.group() if coded else error)
