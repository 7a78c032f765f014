"""What a compile child is told in `spec.json`, and what it leaves in `result.json`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, Tuple

from farm.protocol.model import FileRef
from farm.protocol.plugins import PluginKey
from farm.protocol.target import BuildTarget


@dataclass(frozen=True)
class CompileWork:
    """Make one library for each of these keys; their sources lie in `input/`, each in a folder of its name."""

    target: BuildTarget
    keys: Tuple[PluginKey, ...]


@dataclass(frozen=True)
class CompiledLibrary:
    """A library in `output/`.

    Attributes:
        compilers: What each tool says of itself, in full.
        inspected: What was found inside it.
    """

    plugin: str
    file: FileRef
    compile_s: float
    compilers: Dict[str, str] = field(default_factory=dict)
    inspected: Dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CompileResult:
    """A library for each key, in their order."""

    libraries: Tuple[CompiledLibrary, ...]
