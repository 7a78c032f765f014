"""A session over a plan: host arrays in, host arrays out, each inference in a lane of its own."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from threading import Condition
from typing import Any, ContextManager, Dict, Iterator, List, Mapping, Optional, Tuple

from farm.device.jetson_state import state as jetson_state
from farm.device.machine import Machine
from farm.device.nvml import throttle_reasons
from farm.device.telemetry import sample
from farm.protocol.errors import Invalid
from farm.protocol.options import BuildOptions

from ..cuda.device import Device
from ..session import Inference, Launch, Session
from ..values import Array
from .information import layer_information
from .lane import Lane
from .layers import profiled
from .load import Loaded
from .tensors import Tensor, tensors_of
from .timed import Timed

# Longer than any inference; who waits so long waits for itself.
_LONGEST_WAIT_S = 60.0


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


def open_rtx_session(path: Path, options: Optional[BuildOptions] = None) -> TensorRtSession:
    """The same for an engine of TensorRT for RTX."""
    return TensorRtSession(path, options or BuildOptions(), rtx=True)


class TensorRtSession(Session):
    """A session of TensorRT; safe to run from several threads, with contexts of their own where there may be more."""

    def __init__(self, path: Path, options: BuildOptions, rtx: bool = False) -> None:
        self._device = Device()
        with self._device.current():
            self._loaded = Loaded(path, options, rtx)
        self._tensors = tensors_of(self._loaded.trt, self._loaded.engine)
        super().__init__(
            inputs=tuple(item.spec for item in self._tensors if item.is_input),
            outputs=tuple(item.spec for item in self._tensors if not item.is_input),
            backend=self._loaded.trt.__name__,
            backend_version=self._loaded.capabilities.version,
            concurrent=_may_run_at_once(self._loaded, self._tensors),
            ranges=options.profiles,
        )
        self._changed = Condition()
        self._free: List[Lane] = []
        self._lanes: List[Lane] = []
        self._is_open = True

    def layers(self, arrays: Mapping[str, Array], runs: int = 10) -> Tuple[Dict[str, Any], ...]:
        """See `Session.layers`."""
        with self._lane() as lane:
            timed = profiled(self._loaded.trt, lane, arrays, runs)
        told = {layer["name"]: layer for layer in self.layer_information()}
        return tuple({**layer, **_kind(told.get(layer["name"], {}))} for layer in timed)

    def layer_information(self) -> Tuple[Dict[str, Any], ...]:
        """See `Session.layer_information`."""
        with self._device.current():
            return layer_information(self._loaded.trt, self._loaded.engine)

    def evidence(self) -> Dict[str, Any]:
        """See `Session.evidence`: clocks, power, temperature and why the card holds back, as far as it tells."""
        uuid = self._device.uuid()
        figures = sample(None, (uuid,) if uuid else ())
        jetson = jetson_state(Machine())
        told = {"gpu": figures, "gpu_throttle_reasons": throttle_reasons(figures)}
        return {**told, **({"jetson": jetson} if jetson else {})}

    def close(self) -> None:
        """See `Session.close`."""
        if self._is_open:
            self._is_open = False
            with self._device.current():
                for lane in self._lanes:
                    lane.close()
                self._free.clear()
                self._lanes.clear()
                self._loaded.close()
            self._device.close()

    def _place(self) -> ContextManager[Lane]:
        return self._lane()

    @contextmanager
    def _bound(self, arrays: Dict[str, Array], launch: Launch) -> Iterator[Inference]:
        with self._lane() as lane:
            lane.take(arrays)
            timed = Timed(lane, launch)
            try:
                yield timed
            finally:
                timed.close()

    @contextmanager
    def _lane(self) -> Iterator[Lane]:
        """A lane that nobody else uses during the block; a new one where all are in use and there may be more."""
        if not self._is_open:
            raise Invalid("the engine is closed", "Run it inside its `with` statement.")
        with self._device.current():
            lane = self._taken_lane()
            try:
                yield lane
            finally:
                with self._changed:
                    self._free.append(lane)
                    self._changed.notify()

    def _taken_lane(self) -> Lane:
        with self._changed:
            if not self._changed.wait_for(lambda: self._free or self.concurrent or not self._lanes, _LONGEST_WAIT_S):
                raise Invalid("the engine runs one inference at a time, and is busy", "Wait for the other one to end.")
            if not self._free:
                lane = Lane(self._device, self._loaded, self._tensors)
                self._lanes.append(lane)
                return lane
            return self._free.pop()


def _kind(told: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: told.get(name, "") for name in ("operator", "types")}


def _may_run_at_once(loaded: Loaded, tensors: Tuple[Tensor, ...]) -> bool:
    """False where two contexts would need one optimisation profile, which old versions do not let them share."""
    dynamic = any(-1 in item.spec.shape for item in tensors if item.is_input)
    return loaded.capabilities.profile_sharing or not dynamic
