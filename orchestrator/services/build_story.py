"""One build with all that led to it: its preparation, and who asked for it."""

from __future__ import annotations

from dataclasses import dataclass

from farm.protocol.errors import NotFound
from farm.protocol.states import ENDED_STATES
from farm.protocol.views import AttemptView, BuildView, PreparationView
from orchestrator.store import builds, submissions

from . import build_views
from .context import Context

_MOST_ASKED = 20


@dataclass(frozen=True)
class Asked:
    """A request for the build."""

    submission: str
    word: str
    state: str


@dataclass(frozen=True)
class Story:
    """A build and what led to it.

    Attributes:
        asked: The newest requests that want it, or wanted it.
    """

    build: BuildView
    preparation: PreparationView
    asked: tuple[Asked, ...]

    @property
    def active(self) -> bool:
        """It has not ended."""
        return self.build.state not in ENDED_STATES

    @property
    def attempts(self) -> tuple[AttemptView, ...]:
        """Of the preparation and of the build, in their order."""
        return (*self.preparation.attempts, *self.build.attempts)


def told(context: Context, build_id: str) -> Story:
    """The story of a build. Raises: NotFound."""
    with context.database.read() as connection:
        row = builds.by_id(connection, build_id)
        asked = submissions.of_build(connection, build_id, _MOST_ASKED)
    if row is None:
        raise NotFound(f"there is no build {build_id[:80]!r}", "Look for it among all builds.")
    return Story(
        build_views.show(context, build_id),
        build_views.preparation(context, row.preparation_id),
        tuple(Asked(item.submission_id, item.word, str(item.state)) for item in asked),
    )
