"""The images of this checkout, built on a stand-in for the bases that no registry here has: Debian with a Python.

`PYTHON` and `BASE` of each Dockerfile are the stand-in, so that every line after them runs. No build has a network:
wheels are fetched before, into the folder that `docker/README.md` describes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import docker.errors

import docker

from .docker_engine import Engine
from .locks import only_one
from .server import ServerFailed

ROOT = Path(__file__).parents[2]
BASE = "farm-test/base"
_EXTRAS = ("coordinator", "worker", "host", "containers")
# Beside what pyproject.toml names: what builds the wheel of the checkout, what the Dockerfiles of workers add, and what
# a package asks for on Debian's Python 3.11.2 that it does not ask for on a later one, which may run this.
_BESIDE = ("setuptools>=77", "cmake>=3.18,<5", "async-timeout>=4.0.3")
_PACKAGES = (
    "python3",
    "python3-minimal",
    "python3-pip",
    "libc-bin",
    "libstdc++6",
    "dash",
    "coreutils",
    "sed",
    "base-files",
)
_IGNORED = shutil.ignore_patterns("__pycache__", "wheels")
_COPIED = ("farm", "orchestrator", "plugins", "worker", "docker", "pyproject.toml", "README.md", ".dockerignore")


def image(engine: Engine, name: str, environ: Mapping[str, str] = os.environ) -> str:
    """The tag of the image of `docker/NAME.Dockerfile`, built at its first use in this run.

    Raises: ServerFailed: a line failed, with the end of what it said.
    """
    tag = f"farm-test/{name}:latest"
    with only_one(engine.folder / f"{name}.lock"), engine.client() as client:
        if not _has(client, tag):
            _base(engine, client, environ)
            _build(client, name, tag, _context(engine, environ))
    return tag


def base(engine: Engine, environ: Mapping[str, str] = os.environ) -> str:
    """The tag of the stand-in: Debian with Python 3.11 and pip, a shell, coreutils and sed."""
    with engine.client() as client:
        _base(engine, client, environ)
    return BASE


def wheels(environ: Mapping[str, str] = os.environ) -> Path:
    """A folder with the wheels of all extras, fetched when pyproject.toml has changed, and kept."""
    described = (ROOT / "pyproject.toml").read_bytes()
    extras = tomllib.loads(described.decode())["project"]
    wanted = [*extras["dependencies"], *_BESIDE]
    wanted += [item for extra in _EXTRAS for item in extras["optional-dependencies"][extra]]
    folder = _cache(environ) / f"wheels-{hashlib.sha256(repr(sorted(wanted)).encode()).hexdigest()[:12]}"
    with only_one(_cache(environ) / "wheels.lock"):
        if not folder.exists():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            command = [sys.executable, "-m", "pip", "download", "-q", "--only-binary=:all:", "--dest", str(part)]
            # The stand-in has the Python of Debian 12, whichever runs the tests.
            platforms = [f"--platform=manylinux_2_{number}_{os.uname().machine}" for number in (17, 27, 28, 34)]
            platforms += [f"--platform=manylinux2014_{os.uname().machine}"]
            subprocess.run([*command, "--python-version=3.11", *platforms, *wanted], check=True)
            part.rename(folder)
    return folder


def _build(client: docker.DockerClient, name: str, tag: str, context: str) -> None:
    try:
        client.images.build(
            path=context,
            dockerfile=f"docker/{name}.Dockerfile",
            tag=tag,
            buildargs={"PYTHON": BASE, "BASE": BASE, "PIP_NO_INDEX": "1", "VERSION": "0", "REVISION": "test"},
            network_mode="none",
            rm=True,
            forcerm=True,
        )
    except docker.errors.BuildError as error:
        told = "".join(str(line.get("stream", "")) for line in error.build_log)
        raise ServerFailed(f"docker/{name}.Dockerfile cannot be built: {error.msg}\n{told[-3000:]}") from error


def _base(engine: Engine, client: docker.DockerClient, environ: Mapping[str, str]) -> None:
    with only_one(engine.folder / "base.lock"):
        if not _has(client, BASE):
            client.api.import_image_from_file(str(_tar(environ)), repository=BASE, tag="latest")


def _tar(environ: Mapping[str, str]) -> Path:
    """A tar of Debian's packages, made once on a machine: ten seconds."""
    made = _cache(environ) / f"debian-{hashlib.sha256(repr(_PACKAGES).encode()).hexdigest()[:12]}.tar"
    with only_one(_cache(environ) / "debian.lock"):
        if not made.exists():
            part = made.with_suffix(".part.tar")
            options = ["--quiet", "--mode=root", "--variant=extract", f"--include={','.join(_PACKAGES)}"]
            subprocess.run(["mmdebstrap", *options, "bookworm", str(part)], check=True)
            part.rename(made)
    return made


def _context(engine: Engine, environ: Mapping[str, str]) -> str:
    """The checkout as it was when the first image of this run was built: what images share is then built once."""
    context = engine.folder / "context"
    with only_one(engine.folder / "context.lock"):
        if not context.exists():
            part = engine.folder / "context.part"
            part.mkdir()
            for name in _COPIED:
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, part / name, ignore=_IGNORED)
                else:
                    shutil.copy(ROOT / name, part / name)
            shutil.copytree(wheels(environ), part / "docker/wheels")
            part.rename(context)
    return str(context)


def _has(client: docker.DockerClient, tag: str) -> bool:
    try:
        client.images.get(tag)
    except docker.errors.ImageNotFound:
        return False
    return True


def _cache(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("FARM_TEST_CACHE") or Path.home() / ".cache/farm-tests")
