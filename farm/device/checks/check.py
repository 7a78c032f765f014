"""What a check says: its name, how it stands, what was found, how to mend it."""

from __future__ import annotations

from dataclasses import dataclass

from farm.protocol.states import Word


class Status(Word):
    """`warn`: something that only some builds need is missing. `fail`: what is there does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One line of `farm doctor`.

    Attributes:
        found: What was found, in a few words.
        mend: What to do about it, as an imperative; empty where nothing is wrong.
    """

    name: str
    status: Status
    found: str
    mend: str = ""


def ok(name: str, found: str) -> Check:
    """All is well."""
    return Check(name, Status.OK, found)


def warn(name: str, found: str, mend: str) -> Check:
    """Some builds cannot be made here."""
    return Check(name, Status.WARN, found, mend)


def fail(name: str, found: str, mend: str) -> Check:
    """Something is there and does not work."""
    return Check(name, Status.FAIL, found, mend)
