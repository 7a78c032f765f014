"""What a builder is: a backend that makes engines and opens them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, ClassVar, Dict, Optional, Sequence, Tuple

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Unsupported
from farm.protocol.model import FileRef
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.requirement import EngineRequirement
from farm.protocol.target import BuildTarget
from farm.runtime.session import Session
from worker.child.merging import Merged
from worker.child.result import LearnedCache

# Told a phase in the words of the backend, and the share of its steps that is done where the backend counts them.
Progress = Callable[[str, Optional[float]], None]


def nobody(phase: str, share: Optional[float] = None) -> None:
    """Hears how far a build is, and does nothing with it."""


@dataclass(frozen=True)
class Availability:
    """Whether a builder can be used on this machine: its runtime's full version, or a reason in one sentence."""

    name: str
    version: Optional[str]
    reason: str = ""

    @property
    def ok(self) -> bool:
        """It can be used."""
        return self.version is not None


@dataclass(frozen=True)
class Capabilities:
    """What one version of a backend can do.

    Attributes:
        precisions: The words it can honour.
        plugins: It loads plugin libraries.
        several_profiles: One engine can hold more than one profile.
    """

    precisions: Tuple[Precision, ...]
    plugins: bool
    several_profiles: bool


@dataclass(frozen=True)
class TimingOrder:
    """The timing cache that a build may use.

    Attributes:
        given: The file to begin with; None where the fleet has none.
        sha256: Of that file.
        certified: It must serve as it is, and nothing of this build goes into it.
    """

    given: Optional[Path]
    sha256: Optional[str]
    certified: bool


@dataclass(frozen=True)
class BuildOrder:
    """Everything a builder needs to make one engine.

    Attributes:
        model: The prepared graph; its external data lies beside it.
        files: Names of the graph and its external data, relative to the folder of `model`.
        inputs: Of the prepared graph.
        calibration: The .npz file with samples, or None.
        output: Empty folder for the engine and what it needs beside it.
        scratch: Empty folder on the same disk, deleted by others.
        timing: None where the build does without a timing cache of the fleet.
        progress: Told how far it is, from any thread, as often as a person can read.
    """

    model: Path
    files: Tuple[str, ...]
    inputs: Tuple[TensorSpec, ...]
    options: BuildOptions
    target: BuildTarget
    calibration: Optional[Path]
    output: Path
    scratch: Path
    timing: Optional[TimingOrder] = None
    progress: Progress = nobody


@dataclass(frozen=True)
class BuiltEngine:
    """An engine on disk.

    Attributes:
        files: Names relative to the output folder, the engine first.
        requirement: What it asks of a device.
        effective: What really happened, for the manifest.
        degraded: It was made on a lower rung than asked for.
        inputs: As the backend tells them; needed only where the engine cannot be opened to be asked.
        outputs: Likewise.
        layers: Of the network before it was built, where an engine cannot be asked; see `farm.runtime.layerfile`.
        learned: What it leaves for the timing cache of the fleet.
    """

    files: Tuple[str, ...]
    requirement: EngineRequirement
    effective: Dict[str, Any] = field(default_factory=dict)
    degraded: bool = False
    inputs: Tuple[TensorSpec, ...] = ()
    outputs: Tuple[TensorSpec, ...] = ()
    layers: Tuple[Dict[str, Any], ...] = ()
    learned: Optional[LearnedCache] = None


class Builder(ABC):
    """Makes engines with one backend. Holds no state; a build runs in a process of its own.

    Attributes:
        name: As in the table and in `BuildTarget.backend`.
    """

    name: ClassVar[str]

    @abstractmethod
    def probe(self) -> Availability:
        """Whether this builder works here. Imports the runtime; never raises for a missing one."""

    @abstractmethod
    def capabilities(self, version: str) -> Capabilities:
        """What that version of the backend can do. The only place where versions are told apart."""

    def get_ready(self) -> None:  # noqa: B027  # most have nothing to do
        """Do in the process of a build what takes long and needs no model; may raise whatever the runtime raises."""

    @abstractmethod
    def build(self, order: BuildOrder) -> BuiltEngine:
        """Make the engine.

        Raises:
            Unsupported: an option this version cannot honour; the message names both.
            Invalid: the order contradicts the model.
            BuildFailed: the backend gave up; the message is its own.
        """

    def load_plugins(self, folder: Path, libraries: Sequence[FileRef]) -> Dict[str, Tuple[str, ...]]:
        """Make the operators of plugin libraries known in this process, before anything is parsed or opened.

        Returns: Name of each library to its creators, as `name version`; nothing where the backend does not tell.
        Raises: Unsupported: the backend takes none. BuildFailed: one cannot be loaded.
        """
        if libraries:
            raise Unsupported(f"{self.name} takes no plugins", "Submit the model to a target of TensorRT.")
        return {}

    def merge_timing_caches(self, target: BuildTarget, ours: Path, theirs: Path, output: Path) -> Merged:
        """Write a timing cache that holds what both hold, where ours has something that theirs has not.

        Raises: Unsupported: the backend cannot merge. BuildFailed: ours cannot be read.
        """
        raise Unsupported(f"{self.name} {target.backend_version} cannot merge timing caches")

    def cannot_run(self, target: BuildTarget) -> str:
        """Why no machine that builds for this target runs the engine, as a sentence; empty where it can.

        Such an engine is published as it is built: unverified and without a time, for this reason.
        """
        return ""

    @abstractmethod
    def open(self, engine: Path, options: BuildOptions) -> Session:
        """The engine, loaded and ready to run; use it in a `with` statement.

        Raises: BuildFailed: the backend cannot load it.
        """

    def require(self, precision: Precision, version: str) -> None:
        """The version can honour the precision.

        Raises: Unsupported
        """
        possible = self.capabilities(version).precisions
        if precision not in possible:
            words = ", ".join(map(str, possible))
            raise Unsupported(f"{self.name} {version} cannot build --precision {precision}", f"It can build {words}.")
