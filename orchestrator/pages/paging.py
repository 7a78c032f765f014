"""Long lists, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from farm.protocol.errors import Invalid

_MOST_PAGES = 100_000


@dataclass(frozen=True)
class Span:
    """A page of a list. `total` is known once the list was looked at.

    Raises: Invalid: there is no such page of any list.
    """

    page: int
    size: int = 50
    total: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.page <= _MOST_PAGES:
            raise Invalid(f"there is no page {self.page}", "Pages begin at 1.")

    @property
    def first(self) -> int:
        """How many things stand before it."""
        return (self.page - 1) * self.size

    @property
    def last(self) -> int:
        """The number of the last thing on it, counted from 1."""
        return min(self.first + self.size, self.total)

    @property
    def pages(self) -> int:
        """How many pages there are; an empty list has one."""
        return max(1, -(-self.total // self.size))

    def over(self, total: int) -> Span:
        """The same page of a list of this length."""
        return replace(self, total=total)
