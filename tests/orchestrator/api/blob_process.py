"""A real server of blobs in a process of its own, to be killed and started again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from orchestrator.queue.lifeline import dies_with_parent

from .blob_server import CALLER

_STOP_S = 20.0


class BlobProcess:
    """`blob_server` on a free port, over the folder `root`; what it logs is in `log`."""

    def __init__(self, root: Path, *options: str) -> None:
        command = [sys.executable, "-m", "tests.orchestrator.api.blob_server", str(root), *options]
        self._log = root.with_suffix(".log")
        with self._log.open("wb") as log:
            self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, preexec_fn=dies_with_parent())
        assert self.child.stdout is not None
        # A server that cannot start ends, and the line is empty.
        self.port: int = json.loads(self.child.stdout.readline())["port"]
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text()

    def client(self, caller: str = "me") -> httpx.Client:
        headers = {CALLER: caller} if caller else {}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=60)

    def kill(self) -> None:
        """End it as a power cut would, as far as a process can tell."""
        self.child.kill()
        self._reap()

    def stop(self) -> int:
        """End it in order; the exit code."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self) -> int:
        try:
            return self.child.wait(_STOP_S)
        finally:
            self.child.kill()
            if self.child.stdout is not None:
                self.child.stdout.close()
