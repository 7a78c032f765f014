"""Which offers of a fleet are a toolchain that somebody named, and the one version of it that they have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from farm.protocol.errors import Invalid, TargetUnavailable
from farm.protocol.target import BuildTarget

from .targets import Offer, matching, one_door
from .words import TargetWord

_VERSION = re.compile(r"[0-9]+(\.[0-9A-Za-z+_-]+)*")
# The Python binding and trtexec are two doors to one runtime.
_FAMILIES = {"trtexec": "tensorrt"}


def family(backend: str) -> str:
    """The runtime behind a builder."""
    return _FAMILIES.get(backend, backend)


def doors(backend: str) -> tuple[str, ...]:
    """Every builder with the runtime of this one."""
    return (family(backend), *(door for door, runtime in _FAMILIES.items() if runtime == family(backend)))


@dataclass(frozen=True)
class Toolchain:
    """A runtime and its version, as far as it is written: `10.16` is also 10.16.1.11, and not 10.160.

    Raises: Invalid: it is no version.
    """

    backend: str
    version: str

    def __post_init__(self) -> None:
        if not _VERSION.fullmatch(self.version):
            raise Invalid(f"{self.version[:40]!r} is no version", "Write it as farm devices show tells it.")

    def is_of(self, target: BuildTarget) -> bool:
        """True when this target is built with it."""
        return family(target.backend) == family(self.backend) and f"{target.backend_version}.".startswith(
            f"{self.version}."
        )

    def __str__(self) -> str:
        return f"{self.backend} {self.version}"


def offered(
    toolchain: Toolchain, words: Sequence[str], table: Sequence[TargetWord], offers: Sequence[Offer]
) -> tuple[BuildTarget, ...]:
    """The targets of these words that enrolled devices build with a toolchain, all of one version.

    Raises:
        Invalid: A filter cannot be read, or no word was given.
        TargetUnavailable: A word is unknown, none of its devices has the toolchain, or they have several versions.
    """
    if not words:
        raise Invalid("no target was given", "Name one with --targets, such as --targets v100, or --targets all.")
    enrolled = [offer for offer in offers if not offer.recorded]
    found: list[BuildTarget] = []
    for word in dict.fromkeys(word.strip() for word in words):
        selected = matching(word, table, enrolled)
        having = [offer for offer in selected if toolchain.is_of(offer.target)]
        if not having:
            raise _lacking(toolchain, word, selected)
        found += [offer.target for offer in one_door(having)]
    _check_one_version(toolchain, found)
    return tuple(target for at, target in enumerate(found) if target not in found[:at])


def _check_one_version(toolchain: Toolchain, found: Iterable[BuildTarget]) -> None:
    versions = sorted({target.backend_version for target in found})
    if len(versions) > 1:
        raise TargetUnavailable(
            f"{toolchain} is {len(versions)} versions on these devices: {', '.join(versions)}",
            f"Write one in full, such as {versions[-1]}.",
            candidates=versions,
        )


def _lacking(toolchain: Toolchain, word: str, selected: Sequence[Offer]) -> TargetUnavailable:
    theirs = [offer.target for offer in selected if family(offer.target.backend) == family(toolchain.backend)]
    versions = sorted({target.backend_version for target in theirs})
    told = f"they have {', '.join(versions)}" if versions else f"they have no {family(toolchain.backend)}"
    told = told if selected else "there is no such device"
    return TargetUnavailable(
        f"no enrolled device of {word!r} builds with {toolchain}: {told}",
        f"Bring {toolchain} to such a device, start its worker again, then start the campaign.",
        candidates=versions,
    )
