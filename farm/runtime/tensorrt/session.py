"""A session over a plan: host arrays in, host arrays out, each inference in a lane of its own."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any, Dict, List, Mapping, Optional, Tuple

from farm.device.nvml import throttle_reasons
from farm.device.telemetry import sample
from farm.protocol.errors import Invalid
from farm.protocol.options import BuildOptions

from ..cuda.device import Device
from ..session import Array, Inference, Launch, Session
from .lane import Lane
from .layers import profiled
from .load import Loaded
from .tensors import tensors_of
from .timed import Timed


def open_session(path: Path, options: Optional[BuildOptions] = None) -> TensorRtSession:
    """Load an engine of TensorRT on the first GPU that this process sees.

    Args:
        path: The plan.
        options: What it was built with: its profiles, and what a runtime has to know of its plan.

    Raises:
        BuildFailed: TensorRT cannot load it; the message is its own.
        Unsupported: there is no driver here, or an input or output is of a type that NumPy has not.
    """
    return TensorRtSession(path, options or BuildOptions())


class TensorRtSession(Session):
    """A session of TensorRT; safe to run from several threads, each of which gets a context of its own."""

    def __init__(self, path: Path, options: BuildOptions, rtx: bool = False) -> None:
        self._device = Device()
        self._loaded = Loaded(path, options, rtx)
        self._tensors = tensors_of(self._loaded.trt, self._loaded.engine)
        super().__init__(
            inputs=tuple(item.spec for item in self._tensors if item.is_input),
            outputs=tuple(item.spec for item in self._tensors if not item.is_input),
            backend=self._loaded.trt.__name__,
            backend_version=self._loaded.capabilities.version,
            concurrent=True,
            ranges=options.profiles,
        )
        self._lock = Lock()
        self._free: List[Lane] = []
        self._lanes: List[Lane] = []
        self._is_open = True

    def layers(self, arrays: Mapping[str, Array], runs: int = 10) -> Tuple[Dict[str, Any], ...]:
        """See `Session.layers`."""
        lane = self._lane()
        try:
            return profiled(self._loaded.trt, lane, arrays, runs)
        finally:
            self._give_back(lane)

    def evidence(self) -> Dict[str, Any]:
        """See `Session.evidence`: clocks, power, temperature and why the card holds back, as far as it tells."""
        figures = sample()
        return {"gpu": figures, "gpu_throttle_reasons": throttle_reasons(figures)}

    def close(self) -> None:
        """See `Session.close`."""
        if self._is_open:
            self._is_open = False
            for lane in self._lanes:
                lane.close()
            self._free.clear()
            self._lanes.clear()
            self._loaded.close()
            self._device.close()

    def _run(self, arrays: Dict[str, Array]) -> Dict[str, Array]:
        lane = self._lane()
        try:
            return lane.infer(arrays)
        finally:
            self._give_back(lane)

    def _bound(self, arrays: Dict[str, Array], launch: Launch) -> Inference:
        # The lane stays with the call: what is timed has its buffers already.
        lane = self._lane()
        lane.take(arrays)
        return Timed(lane, launch)

    def _lane(self) -> Lane:
        if not self._is_open:
            raise Invalid("the engine is closed", "Run it inside its `with` statement.")
        self._device.enter()
        with self._lock:
            if self._free:
                return self._free.pop()
        lane = Lane(self._device, self._loaded, self._tensors)
        with self._lock:
            self._lanes.append(lane)
        return lane

    def _give_back(self, lane: Lane) -> None:
        with self._lock:
            self._free.append(lane)
