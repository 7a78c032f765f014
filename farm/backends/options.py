"""The options that backends take by their own names: a plan refuses what no builder would honour."""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterator, Optional, Tuple

from farm.protocol.errors import Unsupported
from farm.protocol.options import BuildOptions
from farm.protocol.target import BuildTarget

from . import onnxruntime
from .option import Option
from .tensorrt.capabilities import capabilities_of
from .tensorrt.combinations import combination_problems
from .tensorrt.hardware import hardware_problems
from .tensorrt.options import tensorrt_options
from .tensorrt.switches import profile_problems

TENSORRT = ("tensorrt", "tensorrt_rtx", "trtexec")
# Every version lists every option, with a reason where it has none.
_ANY = "10.0.1"


def options_of(backend: str, version: str) -> Optional[Dict[str, Option]]:
    """The options of one version of a backend; None for a backend that its builder alone knows.

    Raises: Unsupported: farm does not know this version.
    """
    if backend == "onnxruntime":
        return onnxruntime.OPTIONS
    if backend in TENSORRT:
        return tensorrt_options(backend, capabilities_of(version, rtx=backend == "tensorrt_rtx"))
    return None


def every_name() -> FrozenSet[str]:
    """The names of all options of all backends."""
    newest = tuple(tensorrt_options(name, capabilities_of(_ANY)) for name in TENSORRT)
    return frozenset(name for known in (onnxruntime.OPTIONS, *newest) for name in known)


def problems(target: BuildTarget, options: BuildOptions) -> Tuple[str, ...]:
    """Why a target cannot honour the options, its version or its hardware: a sentence each, naming both."""
    try:
        found = option_problems(target.backend, target.backend_version, options)
        if target.backend in TENSORRT:
            found += hardware_problems(target, options)
            found += combination_problems(f"{target.backend} {target.backend_version}", options)
        if target.backend == "trtexec":
            found += profile_problems(target.backend_version, options)
    except Unsupported as error:
        return (error.message,)
    return found


def option_problems(backend: str, version: str, options: BuildOptions) -> Tuple[str, ...]:
    """Why this version of a backend cannot honour its options: a sentence each, naming the option and the version.

    Raises: Unsupported: farm does not know this version.
    """
    known = options_of(backend, version)
    return () if known is None else tuple(_problems(f"{backend} {version}", known, options))


def check_options(backend: str, version: str, options: BuildOptions) -> None:
    """Nothing, if this version of the backend can honour its options.

    Raises: Unsupported: the message names the option and the version.
    """
    for problem in option_problems(backend, version, options):
        raise Unsupported(problem, "Change that --option, or leave it out.")


def check_target(target: BuildTarget, options: BuildOptions) -> None:
    """Nothing, if version and hardware of the target can honour the options.

    Raises: Unsupported: the message names the option and what it is refused for.
    """
    for problem in problems(target, options):
        raise Unsupported(problem, "Change that option, or leave it out.")


def _problems(name: str, known: Dict[str, Option], options: BuildOptions) -> Iterator[str]:
    for word, value in sorted(options.backend_options.items()):
        option = known.get(word)
        if option is None:
            there = ", ".join(other for other, its in known.items() if not its.absent)
            yield f"{name} has no option {word!r}, only {there}"
        elif option.absent:
            yield f"{name} has no option {word!r}: {option.absent}"
        elif not option.accepts(value):
            yield f"{name} cannot honour {word} = {value!r}, which may be {option.allowed}"
        elif option.only_for and options.precision not in option.only_for:
            yield f"{name} uses {word} only for {', '.join(option.only_for)}, not for {options.precision}"
