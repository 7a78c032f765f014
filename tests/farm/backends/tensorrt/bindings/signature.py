"""Signatures as pybind11 writes them into documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(r"^(?:\d+\. )?(\w+)\((.*)\)(?: -> .*)?$")


@dataclass(frozen=True)
class Parameter:
    """One parameter; `self` is none."""

    name: str
    optional: bool


def signatures(documentation: str, name: str) -> tuple[tuple[Parameter, ...], ...]:
    """The parameters of each overload of a function."""
    told = []
    for line in documentation.splitlines():
        matched = _LINE.match(line.strip())
        if matched and matched[1] == name and "*args" not in matched[2]:
            told.append(tuple(_parameters(matched[2])))
    return tuple(told)


def takes(overloads: tuple[tuple[Parameter, ...], ...], given: tuple[str, ...]) -> bool:
    """An overload can be called with these parameters, in this order and with no other."""
    return any(
        tuple(parameter.name for parameter in overload if not parameter.optional or parameter.name in given) == given
        for overload in overloads
    )


def _parameters(text: str) -> list[Parameter]:
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[(<{") - (letter in "])>}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    named = [part.strip() for part in parts if part.strip()]
    return [Parameter(re.split(r"[:=\s]", part)[0], "=" in part) for part in named if not part.startswith("self")]
