"""Upgrade campaigns: every live model built anew on another toolchain, compared, then promoted or not."""

from __future__ import annotations

import time
import uuid
from typing import Callable, Iterator, Optional, Sequence, Tuple

from farm.protocol.campaigns import CampaignAsk, CampaignDetail, CampaignState, CampaignView
from farm.protocol.errors import TimedOut, Unavailable

from .transport import Broken, Transport, segment

_LOOK_EVERY_S = 2.0
# A coordinator that is started again is back within it.
_PATIENCE_S = 60.0
_PRIORITY = -10

OnChange = Callable[[CampaignDetail], None]


class Campaigns:
    """Campaigns of the farm; `NotFound` for an unknown id. Promoting, rolling back and closing need `admin`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def start(
        self,
        backend: str,
        version: str,
        targets: Sequence[str] = ("all",),
        models: Sequence[str] = (),
        fail_if_slower_percent: Optional[float] = None,
        priority: int = _PRIORITY,
    ) -> CampaignDetail:
        """Build every live model anew on a toolchain, behind all that people wait for.

        Args:
            backend: `tensorrt`, `tensorrt_rtx` or `onnxruntime`.
            version: As far as it matters: `10.16` is also 10.16.1.11.
            targets: Words, as of a submission.
            models: Names; by default every model that lives there.
            fail_if_slower_percent: A median that grows by more, and by more than the noise, holds the campaign.
            priority: Of its builds.

        Raises: TargetUnavailable: no device has the toolchain. NotFound. Conflict: there is nothing to build anew.
        """
        ask = CampaignAsk(
            backend, version, tuple(targets), tuple(models), fail_if_slower_percent, priority, uuid.uuid4().hex
        )
        return self._transport.value(CampaignDetail, "POST", "/campaigns", ask, repeatable=True)

    def list(self, limit: int = 100) -> Tuple[CampaignView, ...]:
        """Campaigns, newest first."""
        return self._transport.values(CampaignView, "campaigns", "/campaigns", {"limit": limit})

    def show(self, campaign: str) -> CampaignDetail:
        """One campaign, with each new engine beside its former one."""
        return self._transport.value(CampaignDetail, "GET", _where(campaign))

    def promote(self, campaign: str, force: bool = False) -> CampaignDetail:
        """Let devices fetch the new engines, by `force` whatever stands against it; what failed keeps its former one.

        Raises: Conflict: something is not built yet, or stands against it.
        """
        body = {"force": force}
        return self._transport.value(CampaignDetail, "POST", _where(campaign) + "/promote", body, repeatable=True)

    def hold(self, campaign: str, reason: str = "") -> CampaignDetail:
        """Let it not be promoted yet; what is built goes on.

        Raises: Conflict: it is promoted, or over.
        """
        body = {"reason": reason}
        return self._transport.value(CampaignDetail, "POST", _where(campaign) + "/hold", body, repeatable=True)

    def retry(self, campaign: str) -> CampaignDetail:
        """Build again what failed or stands against promoting it.

        Raises: Conflict: nothing does, or it is over.
        """
        return self._transport.value(CampaignDetail, "POST", _where(campaign) + "/retry")

    def roll_back(self, campaign: str) -> CampaignDetail:
        """Let devices fetch what they did before; what is still built is cancelled.

        Raises: Conflict: it is over.
        """
        return self._transport.value(CampaignDetail, "POST", _where(campaign) + "/rollback", repeatable=True)

    def close(self, campaign: str) -> CampaignDetail:
        """Give up the way back; garbage collection may take the former engines.

        Raises: Conflict: it is not promoted.
        """
        return self._transport.value(CampaignDetail, "POST", _where(campaign) + "/close", repeatable=True)

    def wait(
        self,
        campaign: str,
        on_change: Optional[OnChange] = None,
        timeout_s: Optional[float] = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> CampaignDetail:
        """The campaign once every engine is built or failed, through restarts of the coordinator.

        Raises: TimedOut: the work goes on. CoordinatorError: it is away for long.
        """
        deadline = None if timeout_s is None else clock() + timeout_s
        told: Optional[CampaignDetail] = None
        for detail in self._looks(campaign, clock):
            if detail != told and on_change is not None:
                on_change(detail)
            told = detail
            if ended(detail):
                return detail
            if deadline is not None and clock() >= deadline:
                break
        raise TimedOut(
            f"{campaign} did not end within {timeout_s:g} s and goes on",
            f"Wait on with farm campaign show {campaign} --wait.",
            campaign=campaign,
        )

    def _looks(self, campaign: str, clock: Callable[[], float]) -> Iterator[CampaignDetail]:
        """The campaign now, and every while again."""
        answered_at = clock()
        while True:
            try:
                yield self.show(campaign)
                answered_at = clock()
            except (Broken, Unavailable):
                if clock() - answered_at > _PATIENCE_S:
                    raise
            self._transport.sleep(_LOOK_EVERY_S)


def ended(detail: CampaignDetail) -> bool:
    """Nothing of it is built any more, and the coordinator has said what it thinks of it."""
    return detail.exit_code is not None and detail.campaign.state is not CampaignState.RUNNING


def _where(campaign: str) -> str:
    return f"/campaigns/{segment(campaign)}"
