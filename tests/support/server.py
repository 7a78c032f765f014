"""A real server as a child of the test run, private to it and gone with it, however the run ends."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from orchestrator.queue.lifeline import dies_with_parent

_START_S = 60.0
_STOP_S = 20.0


class ServerFailed(Exception):
    """Raised when a server that the tests need cannot be started; the run must fail, not skip."""


class Server:
    """A child process with a folder of its own; `stop` ends the one and removes the other.

    Args:
        name: Part of the folder's name and of messages.
        stop_signal: Asks this server for a quick, orderly end; also sent by the kernel should the test run die.
        user: Who runs it, where that is not the user of the test run; the folder becomes theirs.
    """

    def __init__(self, name: str, stop_signal: signal.Signals, user: str | None = None) -> None:
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix=f"farm-{name}-"))
        self._stop_signal = stop_signal
        self._user = pwd.getpwnam(user) if user else None
        self._child: subprocess.Popen[bytes] | None = None
        if self._user:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)

    def popen(self, command: Sequence[str], **options: object) -> subprocess.Popen[bytes]:
        """Start a command as the server's user, in its folder, bound to the life of this process."""
        # A session of its own: Ctrl-C is for pytest, which then stops its servers in order.
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]  # options are Popen's own
            command,
            cwd=self.folder,
            start_new_session=True,
            preexec_fn=dies_with_parent(self._stop_signal),
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
            **options,
        )

    def start(self, command: Sequence[str], answers: Callable[[], bool], settings: str = "") -> None:
        """Start the server, its settings on standard input, and wait until it answers.

        Raises: ServerFailed: it ended, or was silent for a minute; the message holds the end of its log.
        """
        log = self.folder / "server.log"
        with log.open("wb") as output:
            self._child = self.popen(command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
        # One that ends before it reads them is told by its log below.
        with suppress(BrokenPipeError), self._child.stdin as pipe:  # type: ignore[union-attr]  # it was asked for
            pipe.write(settings.encode())
        deadline = time.monotonic() + _START_S
        while not answers():
            if self._child.poll() is not None or time.monotonic() > deadline:
                told = log.read_text(errors="replace")[-2000:]
                self.stop()
                raise ServerFailed(f"{self.name} ({command[0]}) did not start:\n{told}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        """The process to look at, to stop or to kill; 0 before `start`."""
        return self._child.pid if self._child else 0

    def halt(self) -> None:
        """End the server and keep its folder, so that it may be started again; may be called twice."""
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(self._stop_signal)
            try:
                self._child.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()

    def stop(self) -> None:
        """End the server and remove its folder; may be called twice."""
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)
