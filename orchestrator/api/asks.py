"""Bodies and queries that only HTTP knows; everything larger is a value of `farm.protocol`."""

from __future__ import annotations

from dataclasses import dataclass

from farm.protocol.errors import Invalid
from farm.protocol.facts import DeviceFacts
from farm.protocol.options import Precision
from farm.protocol.plugins import DEFAULT_TRUST_GROUP
from farm.protocol.states import Scope, State

_MOST = 1000
_LONGEST_REASON = 1000


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= _MOST:
        raise Invalid(f"?limit: {limit} is not from 1 to {_MOST}")


@dataclass(frozen=True)
class CancelAsk:
    """Which target of a submission to cancel; None is all."""

    target: str | None = None


@dataclass(frozen=True)
class RetryAsk:
    """What of a submission to submit again.

    Attributes:
        failed: Only what did not end well.
        force: Build although the key has failed or been quarantined.
    """

    failed: bool = True
    force: bool = False


@dataclass(frozen=True)
class SweepAsk:
    """Whether garbage collection only tells what it would do."""

    dry_run: bool = True


@dataclass(frozen=True)
class TokenAsk:
    """A token to make. `expires_s` counts from now; devices of one `trust_group` share compiled plugins."""

    name: str
    scope: Scope
    device: str | None = None
    targets: tuple[str, ...] = ()
    expires_s: float | None = None
    trust_group: str = DEFAULT_TRUST_GROUP


@dataclass(frozen=True)
class CertifyAsk:
    """Which state of a timing cache to pin; None is the one that builds are given now."""

    sha256: str | None = None


@dataclass(frozen=True)
class PromoteAsk:
    """Whether a campaign is promoted although something stands against it; what failed keeps its former engine."""

    force: bool = False


@dataclass(frozen=True)
class HoldAsk:
    """Why a campaign shall not be promoted yet."""

    reason: str = ""

    def __post_init__(self) -> None:
        if len(self.reason) > _LONGEST_REASON:
            raise Invalid(f"the reason has {len(self.reason)} characters", f"Say it in {_LONGEST_REASON}.")


@dataclass(frozen=True)
class CampaignsQuery:
    """How many campaigns."""

    limit: int = 100

    def __post_init__(self) -> None:
        _check_limit(self.limit)


@dataclass(frozen=True)
class DeviceAsk:
    """A recorded device."""

    name: str
    facts: DeviceFacts


@dataclass(frozen=True)
class TargetAsk:
    """What a target word shall mean."""

    filter: str
    aliases: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True)
class ReleaseAsk:
    """Work goes back to the queue, and why."""

    token: int
    reason: str = ""


@dataclass(frozen=True)
class SubmissionsQuery:
    """Which submissions. `since` and `until` are ISO-8601; `tag` is `key=value` and may be repeated."""

    state: State | None = None
    name: str | None = None
    mine: bool = False
    tag: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    limit: int = 100

    def __post_init__(self) -> None:
        _check_limit(self.limit)


@dataclass(frozen=True)
class BuildsQuery:
    """Which builds."""

    state: State | None = None
    model: str | None = None
    target: str | None = None
    device: str | None = None
    limit: int = 100

    def __post_init__(self) -> None:
        _check_limit(self.limit)


@dataclass(frozen=True)
class EnginesQuery:
    """Which engines. `gpu` is a card, or a target word that selects one."""

    gpu: str | None = None
    model: str | None = None
    target: str | None = None
    precision: Precision | None = None
    limit: int = 100

    def __post_init__(self) -> None:
        _check_limit(self.limit)


@dataclass(frozen=True)
class EngineQuery:
    """For which request an engine is looked at: its verification and its measurement come first."""

    request: str | None = None


@dataclass(frozen=True)
class EventsQuery:
    """Which events, beginning behind `after`; new ones only where it is left out."""

    submission: str | None = None
    build: str | None = None
    after: int | None = None


@dataclass(frozen=True)
class LogQuery:
    """Which part of a log. `follow` streams until the attempt ends."""

    offset: int = 0
    attempt: str | None = None
    follow: bool = False


@dataclass(frozen=True)
class AppendQuery:
    """Where a piece of a log belongs, and the fencing token of the lease."""

    token: int
    offset: int


@dataclass(frozen=True)
class LogEnd:
    """Where a log ends now."""

    offset: int


@dataclass(frozen=True)
class PreparedAnswer:
    """The preparation that is complete now."""

    preparation: str
