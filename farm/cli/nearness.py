"""What somebody may have meant who typed a name that there is not."""

from __future__ import annotations

from typing import Dict, Iterable, List

# Shorter beginnings are shared by accident.
_BEGINNING = 3
# The usual 0.6 takes `--iterations` for `--calibrationdata`.
_ALIKE = 0.75
_MOST = 3


def near(typed: str, names: Iterable[str]) -> List[str]:
    """The names that are nearest, best first; one that begins as another does is nearer than one spelled alike.

    Dashes and capitals make no difference; of two spellings of one name the first stands for both.
    """
    from difflib import get_close_matches

    known: Dict[str, str] = {}
    for name in names:
        known.setdefault(_plain(name), name)
    wanted = _plain(typed)
    begun = [name for name in known if _begins(name, wanted)]
    found = sorted(begun, key=lambda name: abs(len(name) - len(wanted))) or get_close_matches(
        wanted, known, _MOST, _ALIKE
    )
    return [known[name] for name in found[:_MOST]]


def or_else(names: Iterable[str]) -> str:
    """The question that ends the sentence about a wrong name; empty where nothing is near."""
    told = " or ".join(repr(name) for name in names)
    return f"; did you mean {told}?" if told else ""


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def _begins(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= _BEGINNING and longer.startswith(shorter)
