"""Makes each child of a slot in a container of the image that has its toolchain."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, Mapping, Optional, Sequence

from farm.protocol.errors import Unsupported
from farm.protocol.facts import DeviceFacts
from farm.protocol.target import BuildTarget
from worker.child.executor import Hears, Running
from worker.child.isolate import Limits
from worker.child.reproduce import SCRIPT

from .box import Box, Cards, write_script
from .contained import ContainedChild
from .engine import Engine

# Of a worker that is root: nobody's, and not the one that most systems use for nobody.
_NOT_ROOT = 65532
_PASSED = ("FARM_FAILPOINTS", "LANG", "TZ")
_PASSED_BEGINNINGS = ("LC_", "OMP_", "OPENBLAS_", "MKL_")


@dataclass(frozen=True)
class Toolchain:
    """An image, and what was measured in it."""

    image: str
    facts: DeviceFacts

    def serves(self, target: Optional[BuildTarget]) -> bool:
        """True where it builds for a target; for None, where it prepares graphs."""
        if target is None:
            return bool(self.facts.host_tools)
        wanted = (target.backend, target.backend_version)
        return any((item.name, item.version) == wanted for item in self.facts.backends)


@dataclass(frozen=True)
class Allowance:
    """What each container of a worker may take.

    Attributes:
        memory_bytes: Where the child has no limit of its own.
        scratch_bytes: What it may write.
        pids: Processes and threads.
        cpus: Processors' worth of time; None means all.
    """

    memory_bytes: int
    scratch_bytes: int
    pids: int = 1024
    cpus: Optional[float] = None

    def box(self, image: str, cards: Optional[Cards], labels: Mapping[str, str], environ: Mapping[str, str]) -> Box:
        """A container of an image with so much; what is true there of the worker's environment is passed on."""
        return Box(
            image=image,
            user=user(),
            memory_bytes=self.memory_bytes,
            scratch_bytes=self.scratch_bytes,
            pids=self.pids,
            cpus=self.cpus,
            cards=cards,
            labels=labels,
            environ=passed_on(environ),
        )


class ContainerExecutor:
    """See `worker.child.executor.Executor`.

    Args:
        engine: Makes containers.
        toolchains: The first that serves a target is taken.
        allowance: See there.
        cards: Of the slot; None means none.
        labels: By which containers of this slot are found again, see `labels_of`.
        environ: Of the worker; a few settings of it are passed on, and none that names a place or a secret.
    """

    def __init__(
        self,
        engine: Engine,
        toolchains: Sequence[Toolchain],
        allowance: Allowance,
        cards: Optional[Cards],
        labels: Mapping[str, str],
        environ: Mapping[str, str],
    ) -> None:
        self._engine = engine
        self._toolchains = toolchains
        self._allowance = allowance
        self._cards = cards
        self._labels = labels
        self._environ = environ

    def child(
        self, module: str, workspace: Path, limits: Limits, hears: Hears, target: Optional[BuildTarget] = None
    ) -> Running:
        """See `Executor`."""
        box = self.box(limits, target)
        write_script(box, module, workspace, SCRIPT)
        return ContainedChild(self._engine, box, module, workspace, limits, hears)

    def compilers(self, target: BuildTarget) -> Optional[Mapping[str, str]]:
        """See `Executor`. Where no image serves it, none, and its child says so."""
        found = [toolchain.facts.toolchain for toolchain in self._toolchains if toolchain.serves(target)]
        return found[0] if found else {}

    def box(self, limits: Limits, target: Optional[BuildTarget]) -> Box:
        """The container for a target. Raises: Unsupported: no image here serves it."""
        made = self._allowance.box(
            self._serving(target).image, self._cards if target is not None else None, self._labels, self._environ
        )
        return replace(made, memory_bytes=limits.memory_bytes or made.memory_bytes)

    def _serving(self, target: Optional[BuildTarget]) -> Toolchain:
        for toolchain in self._toolchains:
            if toolchain.serves(target):
                return toolchain
        wanted = f"builds with {target.backend} {target.backend_version}" if target else "prepares graphs"
        raise Unsupported(f"no image of this worker {wanted}", "FARM_WORKER_IMAGES names them; restart the worker.")


def labels_of(data: Path, slot: str) -> Dict[str, str]:
    """The labels of all containers of one slot of the worker with this data folder."""
    return {"farm.worker": hashlib.sha256(os.fsencode(str(data))).hexdigest()[:16], "farm.slot": slot}


def user() -> str:
    """Who a child is inside: this user, who may read its workspace, or nobody special where that is root."""
    if os.geteuid() == 0:
        return f"{_NOT_ROOT}:{_NOT_ROOT}"
    return f"{os.geteuid()}:{os.getegid()}"


def passed_on(environ: Mapping[str, str]) -> Dict[str, str]:
    """What of a worker's environment is true in a container as well."""
    return {name: value for name, value in environ.items() if name in _PASSED or name.startswith(_PASSED_BEGINNINGS)}
