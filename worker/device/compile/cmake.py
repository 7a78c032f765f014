"""From the sources of one plugin to its library, by CMake."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Sequence, Tuple

from farm.protocol.errors import BuildFailed
from farm.protocol.plugins import PluginKey, library_name
from farm.runtime.process import ending, run_program

from .complaint import CompilerLog, advice, sentence
from .tools import Tools

log = logging.getLogger(__name__)

# Debian's nvcc takes the first ptxas in PATH, which may be that of another CUDA.
_FIRST_IN_PATH = 'PATH=$0:$PATH exec "$@"'


def compile_plugin(tools: Tools, key: PluginKey, sources: Path, scratch: Path, output: Path, jobs: int) -> Path:
    """Make the library of a key.

    Args:
        tools: Makes it.
        key: Names it.
        sources: Holds `CMakeLists.txt`, `common/` and the folder of the plugin.
        scratch: For what is made on the way.
        output: Where the library goes.
        jobs: How many compilers may run at once.

    Raises:
        BuildFailed: it does not compile; the message is the compiler's first error, and all of them end the log.
        MemoryError: the kernel ended a compiler.
    """
    configure = (tools.cmake, "-S", str(sources), "-B", str(scratch), *_definitions(tools, key, sources, output))
    build = (tools.cmake, "--build", str(scratch), "--parallel", str(jobs))
    for what in (configure, build):
        _run(tools, key.plugin, what, sources)
    made = output / library_name(key.plugin)
    if not made.is_file():
        told = f"CMake says that {key.plugin} is compiled, and there is no {made.name}"
        raise BuildFailed(told, "Compare its folder with that of another plugin.")
    return made


def architectures(cards: Sequence[str]) -> str:
    """Compute capabilities as CMake wants them: machine code for each, and of the newest also what later cards take."""
    numbers = sorted(int(card.replace(".", "")) for card in cards)
    return ";".join((*(f"{number}-real" for number in numbers[:-1]), str(numbers[-1])))


def _definitions(tools: Tools, key: PluginKey, sources: Path, output: Path) -> Tuple[str, ...]:
    told = {
        "CMAKE_BUILD_TYPE": "Release",
        "CMAKE_CUDA_COMPILER": tools.nvcc.path,
        "CMAKE_CXX_COMPILER": tools.cxx,
        "CMAKE_CUDA_ARCHITECTURES": architectures(key.compute_capabilities),
        "CMAKE_LIBRARY_OUTPUT_DIRECTORY": str(output),
        "FARM_PLUGIN": key.plugin,
        "FARM_PLUGIN_DIR": str(sources / key.plugin),
        "TensorRT_INCLUDE_DIR": tools.headers.folder,
    }
    return ("-G", tools.generator, *(f"-D{name}={value}" for name, value in told.items()))


def _run(tools: Tools, plugin: str, command: Tuple[str, ...], sources: Path) -> None:
    heard = CompilerLog(str(sources))
    log.info("%s", " ".join(command).replace(f"{sources}/", ""))
    first = str(Path(tools.nvcc.path).parent)
    how = ending(run_program(("/bin/sh", "-c", _FIRST_IN_PATH, first, *command), sources, heard.hear))
    if how is not None:
        raise _failure(plugin, heard, how)


def _failure(plugin: str, heard: CompilerLog, how: str) -> Exception:
    errors = heard.errors()
    if heard.ran_out_of_memory():
        return MemoryError(f"a compiler of the plugin {plugin} was ended for want of it")
    if errors:
        log.error("the plugin %s does not compile:", plugin)
    for line in errors:
        log.error("%s", line)
    what = sentence(errors) if errors else f"CMake ended with {how} and does not say why"
    return BuildFailed(f"the plugin {plugin} does not compile: {what}", advice(errors))
