"""What a run has really tried of things that not every machine has, for the last lines of its report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_TRIED: dict[str, set[str]] = {}
_ABSENT: dict[str, str] = {}


def expect(kind: str, absent: str) -> None:
    """This kind is to be reported, in these words where nothing of it is tried."""
    _TRIED.setdefault(kind, set())
    _ABSENT[kind] = absent


def tried(kind: str, one: str) -> None:
    """One of this kind has been tried, and it did what was asked."""
    _TRIED.setdefault(kind, set()).add(one)


def told() -> list[tuple[str, str, list[str]]]:
    """All of it, as another process of the run can `take` it."""
    return [(kind, _ABSENT.get(kind, ""), sorted(ones)) for kind, ones in _TRIED.items()]


def take(told: Iterable[tuple[str, str, list[str]]]) -> None:
    """What another process of the run tried counts as tried here."""
    for kind, absent, ones in told:
        _TRIED.setdefault(kind, set()).update(ones)
        if absent:
            _ABSENT[kind] = absent


def lines() -> Iterator[str]:
    """One for each kind, with how many and which."""
    for kind, ones in _TRIED.items():
        named = ", ".join(sorted(ones, key=_in_order)) or _ABSENT.get(kind, "nothing was tried")
        yield f"{kind}: {len(ones)} tried ({named})" if ones else f"{kind}: NONE tried ({named})"


def _in_order(one: str) -> list[tuple[bool, int, str]]:
    parts = one.replace("_", ".").split(".")
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]
