"""Whose facts a question is about: this machine's, or those of a registered device."""

from __future__ import annotations

from typing import Any, Callable

from farm.protocol.facts import DeviceFacts

from .console import say, watched
from .context import Connection
from .options import option
from .stored import DEVICES, stored

AUTO = "auto"

device_option: Callable[[Any], Any] = option(
    "--device",
    default=AUTO,
    metavar="NAME",
    shell_complete=stored(DEVICES),
    help="A registered device instead of this machine.",
)


def facts_of(connection: Connection, device: str) -> DeviceFacts:
    """The facts of a registered device, or of this machine for `auto`.

    Raises: NotFound: there is no such device.
    """
    if device != AUTO:
        with connection.client() as client:
            return client.devices.show(device).facts
    from farm.device.probe import probe

    if watched():
        say("measuring this device")
    return probe()
