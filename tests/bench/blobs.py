"""How fast blobs go in and out, of a gigabyte on a real disk.

Real server, real nginx, real curl on this machine, one after the other in each round, so that a slow minute of the
machine slows all of them. Targets: PUT at least 0.45 of `cp`, GET at least 1.0 of nginx.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from orchestrator.queue.lifeline import dies_with_parent
from tests.orchestrator.api.blob_process import BlobProcess
from tests.support.waiting import until

from .figures import Figure, Row, Unmeasured, median_of, percentile

PUT_TARGET, GET_TARGET = 0.45, 1.0
_MIB = 1 << 20
_NGINX = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ }}
http {{
    access_log off; sendfile on; tcp_nopush on; client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy; fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi; scgi_temp_path {folder}/nginx-scgi;
    server {{ listen 127.0.0.1:{port}; root {folder}/static; }}
}}
"""


class Bench:
    """One file, what is done with it, and how long each took, round by round."""

    def __init__(self, folder: Path, size_bytes: int, server: BlobProcess, nginx_port: int | None) -> None:
        self.size_bytes = size_bytes
        self.seconds: dict[str, list[float]] = {}
        self.pings_ms: dict[str, list[float]] = {"idle": [], "PUT": [], "GET": []}
        self._folder = folder
        self._server = server
        self._file = folder / "static" / "file"
        self._sha256 = _make_file(self._file, size_bytes)
        name = self._sha256
        self._blob = folder / "store" / "blobs" / "sha256" / name[:2] / name[2:4] / name
        self._blob_url = f"{server.url}/api/v1/blobs/{name}"
        self._reads = {"nginx": f"http://127.0.0.1:{nginx_port}/file"} if nginx_port else {}
        self._reads["GET"] = self._blob_url

    def round(self) -> None:
        """Each once; those that only read several times, in turns."""
        self._note("sha256", _timed(self._hash))
        self._note("cp", _timed(self._copy))
        self._drop(self._folder / "copy")
        self._note("cp + fsync", _timed(self._copy_durably))
        self._drop(self._folder / "copy")
        self._drop(self._blob)
        self._note("PUT", self._put())
        # What the disk still does for the PUT slows whoever comes first.
        os.sync()
        for first in (True, False, True, False):
            for name, url in self._reads.items() if first else reversed(self._reads.items()):
                self._note(name, _curl(url))

    def ping(self) -> None:
        """Ask for something small all the while that a blob goes in and out; not in the rounds, which it slows."""
        with self._pinged("idle"):
            time.sleep(2.0)
        self._drop(self._blob)
        with self._pinged("PUT"):
            self._put()
        with self._pinged("GET"):
            for _ in range(5):
                _curl(self._blob_url)

    def mib_per_s(self, name: str) -> float:
        """The median over all rounds."""
        return self.size_bytes / _MIB / statistics.median(self.seconds[name])

    def _note(self, name: str, seconds: float) -> None:
        self.seconds.setdefault(name, []).append(seconds)

    def _hash(self) -> None:
        with self._file.open("rb") as file:
            hashlib.file_digest(file, "sha256")

    def _copy(self) -> None:
        subprocess.run(["cp", str(self._file), str(self._folder / "copy")], check=True)

    def _copy_durably(self) -> None:
        self._copy()
        subprocess.run(["sync", str(self._folder / "copy")], check=True)

    def _put(self) -> float:
        return _curl("-T", str(self._file), self._blob_url)

    def _drop(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        os.sync()

    @contextmanager
    def _pinged(self, name: str) -> Iterator[None]:
        """Ask the server for something small all the while, and note how long each answer took."""
        over = threading.Event()

        def ping() -> None:
            with httpx.Client(base_url=self._server.url) as client:
                while not over.wait(0.01):
                    began_s = time.perf_counter()
                    client.get("/told")
                    self.pings_ms[name].append(1000 * (time.perf_counter() - began_s))

        pinging = threading.Thread(target=ping)
        pinging.start()
        try:
            yield
        finally:
            over.set()
            pinging.join()


def measure(mib: int = 1024, rounds: int = 5) -> list[Row]:
    """What goes in against `cp`, what comes out against nginx, and what a small call waits meanwhile."""
    if _program("curl") is None:
        return [Unmeasured("blobs", "curl is not installed, which is what they are measured with")]
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as name:
        folder = Path(name)
        # nginx gives up root, and must still find the file.
        folder.chmod(0o755)
        server = BlobProcess(folder / "store")
        try:
            with _nginx(folder) as port:
                bench = Bench(folder, mib * _MIB, server, port)
                for _ in range(rounds):
                    bench.round()
                bench.ping()
                return rows(bench)
        finally:
            server.stop()


def rows(bench: Bench) -> list[Row]:
    """The medians of the rates, their ratios, what the machine allows, and the waits."""
    found: list[Row] = [
        median_of(f"1 blob: {name}", [bench.size_bytes / _MIB / one for one in seconds], "MiB/s")
        for name, seconds in bench.seconds.items()
    ]
    put, copy = bench.mib_per_s("PUT"), bench.mib_per_s("cp")
    allowed = min(bench.mib_per_s("sha256"), bench.mib_per_s("cp + fsync"))
    found += [
        Figure("PUT / cp", put / copy, least=PUT_TARGET),
        _beside_nginx(bench),
        # No PUT that hashes and waits for the disk can be faster than both.
        Figure("PUT / what hashing and the disk allow here", put / allowed),
    ]
    for name, pings in bench.pings_ms.items():
        found.append(Figure(f"a small call meanwhile ({name}), p99", percentile(pings, 99), "ms"))
    return found


def _beside_nginx(bench: Bench) -> Row:
    if "nginx" not in bench.seconds:
        return Unmeasured("GET / nginx", "nginx is not installed")
    return Figure("GET / nginx", bench.mib_per_s("GET") / bench.mib_per_s("nginx"), least=GET_TARGET)


def _timed(work: Callable[[], None]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _curl(*options: str) -> float:
    """The seconds of a transfer by curl's own watch, which does not count the start of curl."""
    command = ["curl", "-sSf", "-H", "Farm-Test-Caller: bench", "-o", os.devnull, "-w", "%{time_total}", *options]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _make_file(path: Path, size_bytes: int) -> str:
    digest, left = hashlib.sha256(), size_bytes
    with path.open("wb") as file:
        while left:
            piece = os.urandom(min(left, 4 * _MIB))
            digest.update(piece)
            left -= file.write(piece)
    return digest.hexdigest()


@contextmanager
def _nginx(folder: Path) -> Iterator[int | None]:
    """A real nginx that serves `folder / "static"`; its port, or None where it is not installed."""
    (folder / "static").mkdir()
    program = _program("nginx")
    if program is None:
        yield None
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = folder / "nginx.conf"
    settings.write_text(_NGINX.format(folder=folder, port=port))
    command = [program, "-c", str(settings), "-e", str(folder / "nginx.log")]
    child = subprocess.Popen(command, preexec_fn=dies_with_parent())
    try:
        until(lambda: child.poll() is not None or socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        yield port
    finally:
        child.terminate()
        child.wait()


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
