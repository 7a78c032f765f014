"""A session whose inferences take the time a test says, on a clock that the test owns."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import cycle
from typing import Any, Dict, Iterable, Iterator, Mapping, Tuple

import numpy as np

from farm.protocol.engine import TensorSpec
from farm.runtime.session import Inference, Launch, Phases, Place, Session
from farm.runtime.values import NOTHING, Rest


class ClockedSession(Session):
    """`y` is `x`; each inference moves the clock by the next duration, over and over."""

    def __init__(self, durations_ms: Iterable[float], concurrent: bool = False) -> None:
        spec = (TensorSpec("x", "float32", (1,)),)
        super().__init__(spec, (TensorSpec("y", "float32", (1,)),), "clocked", "1.0", concurrent)
        self.now = 100.0
        self.calls = 0
        self.phases: Phases = None
        self._durations = cycle(durations_ms)

    def clock(self) -> float:
        return self.now

    def layers(self, arrays: Mapping[str, Any], runs: int = 10) -> Tuple[Dict[str, Any], ...]:
        return ({"name": "all", "operator": "Identity", "mean_ms": 1.0, "share": 1.0},)

    def close(self) -> None:
        pass

    def pass_by(self) -> None:
        """One inference takes its time."""
        self.now += next(self._durations) / 1e3
        self.calls += 1

    @contextmanager
    def _place(self) -> Iterator[Place]:
        yield Clocked(self)

    @contextmanager
    def _bound(self, arrays: Dict[str, Any], launch: Launch) -> Iterator[Inference]:
        def inference() -> Phases:
            self.pass_by()
            return self.phases

        yield inference


class Clocked(Place):
    """Gives back what it gets."""

    def __init__(self, session: ClockedSession) -> None:
        super().__init__()
        self._session = session

    def infer(
        self, inputs: Mapping[str, Any], outputs: Mapping[str, Any] = NOTHING, rest: Rest = Rest.HOST
    ) -> Dict[str, Any]:
        self._session.pass_by()
        return {"y": inputs["x"]}


X = {"x": np.zeros(1, np.float32)}
