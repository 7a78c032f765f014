"""The options that backends take by their own names: a plan refuses what no builder would honour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, Optional, Tuple

from farm.protocol.errors import Unsupported
from farm.protocol.options import BuildOptions, Precision

OPTIMIZATION_LEVELS = ("disable", "basic", "extended", "all")
CALIBRATION_METHODS = ("minmax", "entropy", "percentile")


@dataclass(frozen=True)
class Option:
    """One option of a backend.

    Attributes:
        allowed: The values it may have, in words.
        accepts: True for such a value.
        only_for: The one precision that uses it; None where all do.
    """

    allowed: str
    accepts: Callable[[Any], bool]
    only_for: Optional[Precision] = None


def _one_of(words: Tuple[str, ...], only_for: Optional[Precision] = None) -> Option:
    return Option("one of " + ", ".join(words), lambda value: value in words, only_for)


def _switch(only_for: Optional[Precision] = None) -> Option:
    return Option("true or false", lambda value: type(value) is bool, only_for)


_THREADS = Option("a whole number from 0 (all cores) to 1024", lambda value: type(value) is int and 0 <= value <= 1024)

# A backend that is not here is asked by its builder alone. Those of onnxruntime that concern no precision also hold
# at run time, and travel in the engine's manifest.
BACKEND_OPTIONS: Dict[str, Dict[str, Option]] = {
    "onnxruntime": {
        "intra_op_threads": _THREADS,
        "inter_op_threads": _THREADS,
        "allow_spinning": _switch(),
        "denormal_as_zero": _switch(),
        "graph_optimization_level": _one_of(OPTIMIZATION_LEVELS),
        "calibration_method": _one_of(CALIBRATION_METHODS, Precision.INT8),
        "per_channel": _switch(Precision.INT8),
    },
}


def option_problems(backend: str, version: str, options: BuildOptions) -> Tuple[str, ...]:
    """Why this version of a backend cannot honour its options: a sentence each, naming the option and the version."""
    known = BACKEND_OPTIONS.get(backend)
    return () if known is None else tuple(_problems(f"{backend} {version}", known, options))


def check_options(backend: str, version: str, options: BuildOptions) -> None:
    """Nothing, if this version of the backend can honour its options.

    Raises: Unsupported: the message names the option and the version.
    """
    for problem in option_problems(backend, version, options):
        raise Unsupported(problem, "Change that --option, or leave it out.")


def _problems(name: str, known: Dict[str, Option], options: BuildOptions) -> Iterator[str]:
    for word, value in sorted(options.backend_options.items()):
        option = known.get(word)
        if option is None:
            yield f"{name} has no option {word!r}, only {', '.join(known)}"
        elif not option.accepts(value):
            yield f"{name} cannot honour {word} = {value!r}, which may be {option.allowed}"
        elif option.only_for not in (None, options.precision):
            yield f"{name} uses {word} only for {option.only_for}, not for {options.precision}"
