"""The pages that stand in the head of each page. Only what exists is listed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A link of the navigation; pages below its path, and below `more`, belong to it."""

    title: str
    path: str
    more: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """True for its own page and the pages below it."""
        return any(path == own or path.startswith(own + "/") for own in (self.path, *self.more))


NAVIGATION = (
    Place("Fleet", "/fleet", ("/devices",)),
    Place("Builds", "/builds"),
    Place("Models", "/models", ("/engines", "/compare")),
    Place("Campaigns", "/campaigns"),
)
