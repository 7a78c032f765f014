"""From a network to a plan: rung by rung, told while it goes on, and with TensorRT's own words where it fails."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any, Dict

from farm.backends.tensorrt.precision import Meaning
from farm.protocol.errors import BuildFailed

from ..base import BuildOrder
from .climb import climb, failure
from .config import asked, configure
from .ladder import Rung, missing_rungs, rungs
from .library import Assembly
from .progress import Phases, Ticker, monitor, watch
from .timing import Timing


def make_plan(assembly: Assembly, order: BuildOrder, means: Meaning, timing: Timing, path: Path) -> Dict[str, Any]:
    """Build, with less memory and effort where memory is not enough, and write the plan.

    Returns: What happened, for the manifest: precision, limits, seconds, and every rung that was tried.

    Raises:
        MemoryError: even the lowest rung needs more memory than there is.
        BuildFailed: TensorRT gave up for another reason.
    """
    can = assembly.capabilities
    ladder = rungs(asked(order, can), can)
    attempt = partial(_built, assembly, order, means, timing, path)
    return climb(can.name, ladder, attempt, missing_rungs(can))


def _built(
    assembly: Assembly, order: BuildOrder, means: Meaning, timing: Timing, path: Path, rung: Rung
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
        return _built(assembly, order, means, timing, path, rung)
    if plan is None:
        raise failure(assembly.capabilities.name, assembly.sayings.errors(), "built nothing and does not say why")
    took_s = round(time.monotonic() - started, 3)
    path.write_bytes(plan)
    if assembly.capabilities.timing_caches:
        told["timing_cache"] = timing.told()
    return {**told, "layers": assembly.network.num_layers, "build_s": took_s}
