"""The pages that stand in the head of each page. Only what exists is listed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A link of the navigation; pages below its path belong to it."""

    title: str
    path: str

    def holds(self, path: str) -> bool:
        """True for its own page and the pages below it."""
        return path == self.path or path.startswith(self.path + "/")


NAVIGATION = (Place("Fleet", "/fleet"), Place("Builds", "/builds"))
