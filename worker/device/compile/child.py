"""`python -m worker.device.compile.child WORKSPACE`: plugins become libraries, in a process of its own.

Their code is somebody else's: it is compiled where a build is built, with the same limits, and looked into before
anybody loads it. Apart from the build, because what a build has loaded could change what is shared with other devices.
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Optional

from farm.backends.tensorrt.capabilities import capabilities_of
from farm.device.machine import Machine
from farm.device.system import memory_bytes
from farm.filehash import file_ref
from farm.folders import named_folders
from farm.protocol.plugins import PluginKey
from farm.protocol.states import State
from worker.child.compiling import CompiledLibrary, CompileResult, CompileWork
from worker.child.guard import Stages, guard
from worker.settings import memory_limit, stages_descriptor, toolchain_variables

from .cmake import compile_plugin
from .library import check_library, inspect
from .tools import Tools, find_tools

log = logging.getLogger(__name__)

# What one compiler of device code may hold; a Jetson has more cores than memory for them.
_COMPILER_BYTES = 2 << 30


def compile_all(work: CompileWork, workspace: Path, stages: Stages, machine: Optional[Machine] = None) -> CompileResult:
    """Make the library of each key, from `input/` into `output/`.

    Raises: FarmError: why there is none. MemoryError
    """
    stages.enter(State.COMPILING, ", ".join(key.plugin for key in work.keys))
    here = machine or Machine(search=named_folders(toolchain_variables()))
    jobs = _jobs(here)
    made = []
    for number, key in enumerate(work.keys):
        stages.progress(f"compiling {key.plugin}", number / len(work.keys))
        made.append(_compile(work, key, here, workspace, jobs))
    return CompileResult(tuple(made))


def _compile(work: CompileWork, key: PluginKey, machine: Machine, workspace: Path, jobs: int) -> CompiledLibrary:
    can = capabilities_of(work.target.backend_version, work.target.backend == "tensorrt_rtx")
    tools: Tools = find_tools(machine, key, can)
    log.info("compiling %s for compute capability %s", key.plugin, ", ".join(key.compute_capabilities))
    for name, told in sorted(tools.compilers.items()):
        log.info("%s: %s", name, told)
    scratch = workspace / "scratch" / key.plugin
    scratch.mkdir(parents=True)
    started = time.monotonic()
    path = compile_plugin(tools, key, workspace / "input" / key.plugin, scratch, workspace / "output", jobs)
    took_s = round(time.monotonic() - started, 3)
    found = inspect(path)
    check_library(found, path.name, key.compute_capabilities, can)
    log.info("%s: %d bytes in %.1f s", path.name, path.stat().st_size, took_s)
    return CompiledLibrary(key.plugin, file_ref(path), took_s, tools.compilers, found.told())


def _jobs(machine: Machine) -> int:
    room = memory_limit() or memory_bytes(machine)
    return max(1, min(machine.cores, room // _COMPILER_BYTES))


def main() -> int:
    """Compile what the workspace says; the exit status."""
    if len(sys.argv) != 2:
        sys.stderr.write("usage: python -m worker.device.compile.child WORKSPACE\n")
        return 2
    return guard(CompileWork, compile_all, State.COMPILING, Path(sys.argv[1]), stages_descriptor())


if __name__ == "__main__":
    sys.exit(main())
