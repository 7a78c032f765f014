"""What TensorRT says while it builds: to the log of the build, and kept as far as a failure needs it."""

from __future__ import annotations

import logging
import threading
from typing import Any, Callable, Dict, List, Tuple

log = logging.getLogger(__name__)

Watch = Callable[[str], None]

_MOST_ERRORS = 50
_LONGEST = 2000
# By the names of `ILogger.Severity`, most severe first.
_LEVELS = {
    "INTERNAL_ERROR": logging.ERROR,
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "INFO": logging.INFO,
    "VERBOSE": logging.DEBUG,
}


class Sayings:
    """Takes every message of TensorRT; its threads may speak at once.

    Attributes:
        watches: Given the text of each message, also of those that are too detailed for the log.
    """

    def __init__(self, verbose: bool = False) -> None:
        self.watches: List[Watch] = []
        self._verbose = verbose
        self._errors: List[str] = []
        self._lock = threading.Lock()

    def take(self, severity: str, text: str) -> None:
        """TensorRT said something."""
        for watch in self.watches:
            watch(text)
        level = _LEVELS.get(severity, logging.INFO)
        if level >= logging.ERROR:
            with self._lock:
                self._errors.append(text)
                del self._errors[:-_MOST_ERRORS]
        if level > logging.DEBUG or self._verbose:
            # What the user asked to see is shown, whatever the level of this process.
            log.log(max(level, logging.INFO), "[TensorRT] %s: %s", severity.lower(), text[:_LONGEST])

    def errors(self) -> Tuple[str, ...]:
        """The errors so far, the first first: later ones are mostly its consequences."""
        with self._lock:
            return tuple(self._errors)

    def forget(self) -> None:
        """Begin again, as for a second attempt."""
        with self._lock:
            self._errors.clear()


def logger(trt: Any, sayings: Sayings) -> Any:
    """An `ILogger` of this TensorRT that hands everything on. It must outlive all that was made with it."""
    # An enumerator takes long to tell its name, and an old TensorRT says a million things in a build.
    names: Dict[Any, str] = {}

    class Logger(trt.ILogger):  # type: ignore[misc]  # the class is known only at run time
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:
            # An error that leaves a callback would end the process.
            try:
                name = names.get(severity)
                if name is None:
                    name = names[severity] = severity.name
                sayings.take(name, text)
            except Exception:
                log.exception("a message of TensorRT was lost")

    return Logger()
