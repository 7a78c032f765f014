"""What a build child leaves in `result.json`: all of a `BuildResult` that only the child knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Tuple

from farm.protocol.engine import TensorSpec
from farm.protocol.model import FileRef
from farm.protocol.report import BenchmarkReport, VerificationReport
from farm.protocol.requirement import EngineRequirement


@dataclass(frozen=True)
class LearnedCache:
    """A timing cache in `output/` that holds more than the one of this digest, which the build began with."""

    name: str
    grew_from: Optional[str]


@dataclass(frozen=True)
class ChildResult:
    """What a build made; its files lie in `output/` under their names.

    Attributes:
        files: The engine first, then what it needs beside it; empty where an existing engine was used.
        samples: The file with every sample of the measurement; its digest is in the benchmark too.
        values: The file with some values of each output; its digest is in the verification too.
        learned: What the build leaves for the timing cache of the fleet.
    """

    files: Tuple[FileRef, ...]
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]
    requirement: EngineRequirement
    verification: VerificationReport
    benchmark: Optional[BenchmarkReport] = None
    effective: Dict[str, Any] = field(default_factory=dict)
    degraded: bool = False
    samples: Optional[FileRef] = None
    values: Optional[FileRef] = None
    learned: Optional[LearnedCache] = None
