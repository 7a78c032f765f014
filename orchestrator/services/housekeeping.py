"""What must be tidied up again and again and is nobody's errand: ended logs, forgotten uploads, old quarantine."""

from __future__ import annotations

import logging
import threading

from farm.protocol.errors import FarmError

from . import logs
from .context import Context

log = logging.getLogger(__name__)

_PERIOD_S = 1.0
# A full disk is not told of each second.
_AFTER_FAILURE_S = 10.0
_SWEEP_S = 3600.0
_UPLOAD_IDLE_S = 2 * 86400.0
_QUARANTINE_S = 30 * 86400.0


def run(context: Context, stop: threading.Event) -> None:
    """Tidy up until told to stop; what fails is told and tried again."""
    swept_at = context.clock()
    while not stop.wait(_PERIOD_S):
        try:
            logs.seal_ended(context)
            if context.clock() - swept_at >= _SWEEP_S:
                swept_at = context.clock()
                sweep(context)
        except (FarmError, OSError) as error:
            log.warning("tidying up failed: %s", error)
            stop.wait(_AFTER_FAILURE_S)


def sweep(context: Context) -> None:
    """Forget the uploads that nobody goes on with, and what was put aside long ago."""
    for upload in context.blobs.sweep_uploads(_UPLOAD_IDLE_S):
        log.info("gave up the upload %s of %s, idle for days", upload.id, upload.owner)
    for sha256 in context.blobs.sweep_quarantine(_QUARANTINE_S):
        log.info("removed the corrupt blob %s", sha256)
