"""How fast blobs go in and out: `python -m tests.bench.blobs [--mib 1024] [--rounds 5] [--folder DIR]`.

Real server, real nginx, real curl on this machine, one after the other in each round, so that a slow minute of the
machine slows all of them. Targets: PUT at least 0.45 of `cp`, GET at least 1.0 of nginx.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
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

    def __init__(self, folder: Path, size_bytes: int, server: BlobProcess, nginx_port: int) -> None:
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
        self._nginx_url = f"http://127.0.0.1:{nginx_port}/file"

    def round(self) -> None:
        """Each once."""
        self._note("sha256", _timed(self._hash))
        self._note("cp", _timed(self._copy))
        self._drop(self._folder / "copy")
        self._note("cp + fsync", _timed(self._copy_durably))
        self._drop(self._folder / "copy")
        self._drop(self._blob)
        self._note("PUT", self._put())
        self._note("nginx", _curl(self._nginx_url))
        self._note("GET", _curl(self._blob_url))

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


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mib", type=int, default=1024, help="size of the file")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--folder", type=Path, help="where the store is; on a real disk")
    asked = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="farm-bench-", dir=asked.folder))
    # nginx gives up root, and must still find the file.
    folder.chmod(0o755)
    server = BlobProcess(folder / "store")
    try:
        with _nginx(folder) as port:
            bench = Bench(folder, asked.mib * _MIB, server, port)
            for number in range(asked.rounds):
                bench.round()
                sys.stderr.write(f"round {number + 1} of {asked.rounds}\n")
            bench.ping()
            sys.stdout.write(report(bench))
    finally:
        server.stop()
        shutil.rmtree(folder)


def report(bench: Bench) -> str:
    """The medians, their ratios, and what the machine allows."""
    lines = [f"{'':12}{'MiB/s':>8}   seconds, round by round"]
    for name, seconds in bench.seconds.items():
        each = " ".join(f"{one:.2f}" for one in seconds)
        lines.append(f"{name:12}{bench.mib_per_s(name):8.0f}   {each}")
    put, get, copy = bench.mib_per_s("PUT"), bench.mib_per_s("GET"), bench.mib_per_s("cp")
    allowed = min(bench.mib_per_s("sha256"), bench.mib_per_s("cp + fsync"))
    lines += [
        f"PUT / cp     {put / copy:.2f}, target {PUT_TARGET}",
        f"GET / nginx  {get / bench.mib_per_s('nginx'):.2f}, target {GET_TARGET}",
        f"PUT / what hashing and the disk allow on this machine  {put / allowed:.2f}",
        f"(what they allow) / cp  {allowed / copy:.2f}: no durable, hashed PUT can have a higher ratio to cp here",
    ]
    for name, pings in bench.pings_ms.items():
        ordered = sorted(pings)
        middle, high = statistics.median(ordered), ordered[int(0.99 * (len(ordered) - 1))]
        lines.append(f"small request, {name}: p50 {middle:.1f} ms, p99 {high:.1f} ms, max {ordered[-1]:.1f} ms")
    return "\n".join(lines) + "\n"


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
def _nginx(folder: Path) -> Iterator[int]:
    """A real nginx that serves `folder / "static"`; its port."""
    program = shutil.which("nginx", path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
    if program is None:
        raise SystemExit("nginx is what downloads are measured against: install the package nginx-light")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "static").mkdir()
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


if __name__ == "__main__":
    main()
