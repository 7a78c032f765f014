"""Plugin libraries for the card of this machine, made as its worker makes them: by the compile child, with CMake.

`FARM_TOOLCHAIN` names the folder whose `include` holds TensorRT's headers, where they are in no usual place.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from farm.device.machine import Machine
from farm.device.toolchain import probe_toolchain
from farm.folders import named_folders
from farm.plugins.folder import PluginFolder, read_common, read_folder, shipped_folder, shipped_plugins
from farm.protocol.codec import dumps, loads
from farm.protocol.plugins import PluginSource, PluginWork, plugin_key
from farm.protocol.target import BuildTarget
from worker.child.compiling import CompileResult, CompileWork

# A compiler of device code holds up to 2 GB, and there may be more cores than memory for them.
_AT_ONCE = 8
_LONGEST_S = 500

Made = dict[str, tuple[PluginWork, Path]]


def compile_all(folder: Path, target: BuildTarget) -> Made:
    """Every plugin that comes with the farm: its name to what a build is told of it, and its library.

    Raises: AssertionError: one does not compile; it ends with what the compile child said.
    """
    found = [read_folder(path) for path in shipped_plugins(shipped_folder())]
    with ThreadPoolExecutor(min(_AT_ONCE, os.cpu_count() or 1)) as pool:
        return dict(pool.map(partial(_compiled, folder, target), found))


def _compiled(folder: Path, target: BuildTarget, plugin: PluginFolder) -> tuple[str, tuple[PluginWork, Path]]:
    name = plugin.manifest.name
    common, paths = read_common(shipped_folder())
    work = PluginWork(name, plugin.manifest.operators, PluginSource(plugin.files, common))
    workspace = folder / name
    for relative, sha256 in work.source.layout(name).items():
        path = workspace / "input" / name / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile({**paths, **plugin.paths}[sha256], path)
    (workspace / "output").mkdir()
    assert target.gpu is not None
    cards = (target.gpu.compute_capability,)
    tools = probe_toolchain(Machine(search=named_folders(os.environ)), cards)
    key = plugin_key(name, work.source, target, cards, tools)
    (workspace / "spec.json").write_text(dumps(CompileWork(target, (key,))))
    command = [sys.executable, "-m", "worker.device.compile.child", str(workspace)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_LONGEST_S)
    assert done.returncode == 0, done.stdout[-4000:]
    (made,) = loads(CompileResult, (workspace / "result.json").read_bytes()).libraries
    print(f"{name}: {made.compile_s:.0f} s, {made.inspected}")  # noqa: T201
    return name, (work, workspace / "output" / made.file.name)
