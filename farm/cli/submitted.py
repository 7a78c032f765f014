"""What verbs that submit do then: print the id of the submission, or stay with it until it has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping, Optional

from farm.protocol.exits import Exit
from farm.protocol.views import SubmissionView

from .console import emit_json, out, say
from .options import option
from .words import seconds

if TYPE_CHECKING:
    from farm.client import FarmClient

WAIT_OPTIONS = (
    option("--wait", is_flag=True, help="Return when every target has ended, with its exit code."),
    option("--watch", is_flag=True, help="As --wait, and tell every stage when nobody looks, too."),
    option("--timeout", metavar="TIME", help="Wait no longer: 90s, 15m, 2h. The work goes on."),
)


@dataclass(frozen=True)
class Stay:
    """Whether a verb stays with what it submits, and how it tells of it.

    Attributes:
        until_ended: What came of it is told, not its id.
        lines: Every stage is told when nobody looks, too.
        timeout_s: None waits as long as it takes.
    """

    until_ended: bool
    lines: bool
    timeout_s: Optional[float]
    as_json: bool

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Stay:
        """As `WAIT_OPTIONS` and `--json` were given. Raises: Invalid: a time that is none."""
        timeout_s = seconds("--timeout", given["timeout"]) if given["timeout"] else None
        return cls(given["wait"] or given["watch"], given["watch"], timeout_s, given["as_json"])

    def tell(self, client: FarmClient, view: SubmissionView) -> int:
        """Tell of what was submitted; the exit code."""
        if self.until_ended:
            from .following import finish

            return finish(client, view, self.timeout_s, self.lines, self.as_json)
        if self.as_json:
            emit_json(view)
        else:
            out(view.id)
            say(f"submitted {view.name} for {', '.join(item.target for item in view.builds)}")
            say(f"follow it with farm status {view.id} --watch")
        return Exit.DONE
