"""An engine: the plan with its plugin libraries and a manifest that says what it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Tuple

from .detection import Detection
from .keys import RequestKey
from .model import FileRef
from .report import BenchmarkReport, VerificationReport
from .requirement import EngineRequirement

MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True)
class TensorSpec:
    """An input or output: ONNX element type such as `float32`, and shape; -1 is a dynamic axis, as ONNX writes it."""

    name: str
    dtype: str
    shape: Tuple[int, ...]


@dataclass(frozen=True)
class EngineManifest:
    """Everything a device needs to decide about, load and trust an engine; travels in the bundle.

    Attributes:
        files: The engine first, then what it needs beside it, then `plugins/...`; names are relative to the bundle.
        effective: The effective recipe: what really happened (compiler, retry rung, what the precision became, ...).
        detection: What its model says of pictures and of what it finds in them; None where it says nothing.
    """

    model_name: str
    model: str
    key: RequestKey
    requirement: EngineRequirement
    files: Tuple[FileRef, ...]
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]
    effective: Dict[str, Any] = field(default_factory=dict)
    degraded: bool = False
    built_on: str = ""
    built_at: str = ""
    verification: Optional[VerificationReport] = None
    benchmark: Optional[BenchmarkReport] = None
    farm_version: str = ""
    detection: Optional[Detection] = None
