"""Some values of each output, kept with a verification, to compare with what other devices gave for the same inputs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, Callable, Dict, List, Mapping

import numpy as np

from farm.protocol.report import VerificationReport
from farm.protocol.samples import pack

Array = Any
Keep = Callable[[bytes], object]

EACH, ALL = 4_096, 8_192
"""How many are kept of one output, and of all outputs of an engine, at most: 32 and 64 KiB before packing."""


def with_values(report: VerificationReport, outputs: Mapping[str, Array], keep: Keep) -> VerificationReport:
    """The report, which says what was given to `keep`: evenly spaced values of each output, in the report's order.

    Of an output with n elements the k values are those at `i * n // k`; all of them where they are few. So two devices
    keep the same elements, whatever they computed.
    """
    share = min(EACH, ALL // max(1, len(outputs)))
    chosen: Dict[str, List[float]] = {name: _spaced(array, share) for name, array in outputs.items()}
    told = [replace(item, values=len(chosen.get(item.name, ()))) for item in report.outputs]
    values = [value for item in told for value in chosen.get(item.name, ())]
    if not values:
        return report
    stored = pack(values)
    keep(stored)
    return replace(report, outputs=tuple(told), values=hashlib.sha256(stored).hexdigest())


def _spaced(array: Array, most: int) -> List[float]:
    flat = np.asarray(array).reshape(-1)
    if flat.dtype.kind not in "fiub":
        return []
    count = min(flat.size, most)
    places = np.arange(count, dtype=np.int64) * flat.size // max(1, count)
    chosen: List[float] = flat[places].astype(np.float64).tolist()
    return chosen
