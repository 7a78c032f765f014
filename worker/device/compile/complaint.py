"""What compilers say, and of it the lines that tell why there is no library: the first error first."""

from __future__ import annotations

import logging
import re
from typing import List, Sequence, Tuple

log = logging.getLogger(__name__)

# Of gcc, of nvcc's own front end, of its driver and of ptxas, of linkers, of CMake.
_ERROR = re.compile(
    r"error( #[\w-]+)?:|\berror\s*: |nvcc fatal|ptxas fatal|undefined reference|multiple definition|cannot find -l"
    r"|CMake Error|No space left on device|\bKilled\b",
    re.IGNORECASE,
)
_CMAKE = "CMake Error"
# Said of an error by programs that only pass it on.
_PASSED_ON = re.compile(r"^(g?make(\[\d+\])?|ninja|collect2)\b")
_CONTEXT = 6
_MOST_LINES = 60
_LONGEST_LINE = 400
_KEPT = 20000

_ADVICE: Tuple[Tuple[str, str], ...] = (
    (
        r"unsupported GNU version|unsupported clang version|host_config\.h",
        "This CUDA takes older C++ compilers only: install one, and name a folder whose bin has it as c++ in "
        "FARM_TOOLCHAIN.",
    ),
    (r"NvInfer\w*\.h: No such file", "Install TensorRT's headers whole: one of them is missing in their folder."),
    (r"cuda_runtime\w*\.h: No such file|cannot find -lcuda", "Install the package cuda-cudart-dev of that CUDA too."),
    (
        r"Unsupported gpu architecture|is not defined for option 'gpu-name'",
        "Install a CUDA toolkit that knows this card.",
    ),
    (r"No space left on device", "Free space on the disk of the worker's data folder."),
    (
        r"uses too much shared data|too much shared memory",
        "Use less static shared memory, or ask for it at the launch.",
    ),
    (r"uses too many? (registers|parameters)", "Give the kernel __launch_bounds__, or less to hold."),
    (r"calling a __host__ function", "A kernel may call only functions that are __device__ or constexpr."),
    (
        r"not a member of .nvinfer1|nvinfer1.*has not been declared",
        "Use what plugins/common offers instead of TensorRT's own classes: they differ from version to version.",
    ),
    (r"treated as errors|-Werror", "The plugin makes this warning an error: mend what it warns of."),
)


class CompilerLog:
    """Hears lines, keeps them for a complaint, and puts them into the log without the folder they were compiled in.

    Args:
        folder: Of the sources.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder.rstrip("/") + "/"
        self._lines: List[str] = []

    def hear(self, line: str) -> None:
        """One line of a compiler or of CMake."""
        short = line.replace(self._folder, "")
        log.info("%s", short)
        if len(self._lines) < _KEPT:
            self._lines.append(short[:_LONGEST_LINE])

    def errors(self) -> Tuple[str, ...]:
        """Blocks of lines around errors, joined in their order; the first line is the first error."""
        return errors_in(self._lines)

    def ran_out_of_memory(self) -> bool:
        """The kernel ended a compiler for want of memory."""
        return any("Killed signal" in line or "out of memory" in line.lower() for line in self._lines)


def errors_in(lines: Sequence[str]) -> Tuple[str, ...]:
    """The lines that say what is wrong, at most sixty of them."""
    begins = [number for number, line in enumerate(lines) if _ERROR.search(line) and not _PASSED_ON.match(line)]
    begins = begins or [number for number, line in enumerate(lines) if _ERROR.search(line)]
    found: List[str] = []
    after = -1
    for number in begins:
        for line in lines[max(number, after) : number + _CONTEXT]:
            if line.strip() and not _PASSED_ON.match(line) and len(found) < _MOST_LINES:
                found.append(line.rstrip())
        after = max(after, number + _CONTEXT)
    return tuple(found)


def sentence(errors: Sequence[str]) -> str:
    """The first error on one line, without a full stop."""
    if not errors:
        return "the compiler does not say why"
    # CMake tells where in its first line, and what in the next.
    told = " ".join(errors[:2]) if errors[0].startswith(_CMAKE) else errors[0]
    return " ".join(told.split())[:_LONGEST_LINE].rstrip(".")


def advice(errors: Sequence[str]) -> str:
    """What to do about it, where that is known; else where the rest is."""
    text = "\n".join(errors)
    known = (told for pattern, told in _ADVICE if re.search(pattern, text))
    return next(known, "Mend the plugin; the log of the attempt has what the compiler said.")
