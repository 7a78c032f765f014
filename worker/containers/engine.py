"""A container engine as this worker uses it: one connection for each container, and errors that are ours."""

from __future__ import annotations

import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping

from farm.protocol.errors import Unavailable

if TYPE_CHECKING:
    from docker.models.containers import Container

    from docker import DockerClient

# For the engine to answer; making a container takes it a tenth of a second, under load some seconds.
_ANSWER_S = 60
_HOST = "DOCKER_HOST"


class Engine:
    """The engine that an environment names, else the one of this machine.

    Args:
        environ: With `DOCKER_HOST`, and what belongs to it, where it is not the usual one.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {name: value for name, value in environ.items() if name.startswith("DOCKER_")}

    @contextmanager
    def client(self) -> Iterator[DockerClient]:
        """A connection, for one thread at a time. Raises: Unavailable: no engine answers, or it refused."""
        with refusals("the container engine refused"):
            client = self.open()
            try:
                yield client
            finally:
                client.close()

    def open(self) -> DockerClient:
        """A connection that the caller closes."""
        import docker

        return docker.from_env(environment=dict(self._environ) or None, timeout=_ANSWER_S)

    def remove(self, labels: Mapping[str, str]) -> int:
        """End and remove every container with these labels; how many there were. Raises: Unavailable."""
        wanted: Dict[str, Any] = {"label": [f"{name}={value}" for name, value in labels.items()]}
        with self.client() as client:
            found: List[Container] = client.containers.list(all=True, filters=wanted, ignore_removed=True)
            for container in found:
                remove(container)
        return len(found)


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Make errors of the engine, and of the way to it, `Unavailable`."""
    import requests
    from docker.errors import DockerException

    try:
        yield
    except (DockerException, requests.RequestException) as error:
        told = " ".join(str(getattr(error, "explanation", None) or error).split())
        raise Unavailable(f"{what}: {told[:300]}", "Does docker run here, for the user of this worker?") from error


def remove(container: Container) -> None:
    """End and remove a container, and return when it is gone; one that removes itself meanwhile is as good."""
    from docker.errors import APIError, NotFound

    with suppress(NotFound):
        try:
            container.remove(force=True, v=True)
        except APIError as error:
            if error.status_code != 409:  # it is being removed
                raise
            container.wait(condition="removed")


def raw_socket(attached: Any) -> socket.socket:
    """The socket under what `attach_socket` gives, which waits as long as it takes."""
    found: socket.socket = getattr(attached, "_sock", attached)
    found.settimeout(None)
    return found
