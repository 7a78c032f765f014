"""What a call of the client has at hand, and the table of all calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from farm import FarmClient
from farm.client import SubmitOptions
from farm.protocol.options import BenchmarkPolicy, BuildOptions

QUICK = SubmitOptions(benchmark=BenchmarkPolicy(warmup_ms=10.0, duration_s=0.1, max_cv_percent=1e5))


@dataclass(frozen=True)
class Site:
    """A client, the model on disk, the submission that built it, and an empty folder of the call's own."""

    client: FarmClient
    model: Path
    submission: str
    device: str
    folder: Path

    @property
    def engine(self) -> str:
        return str(self.client.status(self.submission).builds[0].engine)

    @property
    def build(self) -> str:
        return str(self.client.status(self.submission).builds[0].build)

    def variant(self, threads: int) -> SubmitOptions:
        """Options that make another key of the same model, so that it is built anew."""
        return replace(QUICK, name="variant", build=BuildOptions(backend_options={"intra_op_threads": threads}))

    @contextmanager
    def drained(self) -> Iterator[None]:
        """Nothing new is begun inside."""
        self.client.devices.drain(self.device)
        try:
            yield
        finally:
            self.client.devices.undrain(self.device)


Call = Callable[[Site], Any]
CALLS: dict[str, Call] = {}


def calls(name: str) -> Callable[[Call], Call]:
    """Makes a function the call of the method with this name."""

    def register(call: Call) -> Call:
        assert name not in CALLS
        CALLS[name] = call
        return call

    return register
