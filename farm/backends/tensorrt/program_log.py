"""What trtexec writes, as messages with their severity: the same that TensorRT gives to a logger in a process."""

from __future__ import annotations

import re
from typing import Callable, List

Take = Callable[[str, str], None]

_LINE = re.compile(r"\[\d\d/\d\d/\d{4}-\d\d:\d\d:\d\d\] \[([FEWIV])\] (?:\[TRT\] )?(.*)", re.DOTALL)
_SEVERITIES = {"F": "INTERNAL_ERROR", "E": "ERROR", "W": "WARNING", "I": "INFO", "V": "VERBOSE"}
# The first and last lines of a run repeat the command line; the program writes others without any mark and then aborts.
_MARKS = re.compile(r"&&&& |=== [A-Z][a-z]+ Options ===|\s*$")
_ABORTS = re.compile(r"Cuda failure|terminate called|\S+: error while loading|.*Assertion .* failed")
_MOST_LINES = 40


class ProgramLog:
    """Takes lines, tells messages: those of several lines as one.

    Args:
        take: Given severity, by its name in `ILogger.Severity`, and text.
    """

    def __init__(self, take: Take) -> None:
        self._take = take
        self._severity = ""
        self._lines: List[str] = []

    def hear(self, line: str) -> None:
        """The program wrote a line."""
        found = _LINE.match(line)
        if found:
            self._begin(_SEVERITIES[found.group(1)], found.group(2))
        elif _ABORTS.match(line):
            self._begin("ERROR", line)
        elif _MARKS.match(line):
            self.end()
        elif self._lines and len(self._lines) < _MOST_LINES:
            self._lines.append(line)

    def end(self) -> None:
        """There is nothing more of the message that was begun."""
        if self._lines:
            self._take(self._severity, "\n".join(self._lines))
            self._lines = []

    def _begin(self, severity: str, text: str) -> None:
        self.end()
        self._severity, self._lines = severity, [text]
