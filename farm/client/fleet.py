"""Who builds, for what, and who may ask: devices, targets, tokens."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

from farm.protocol.facts import DeviceFacts
from farm.protocol.plugins import DEFAULT_TRUST_GROUP
from farm.protocol.states import Scope
from farm.protocol.views import DeviceView, NewToken, TargetView, TokenView

from .transport import Transport, segment


class Devices:
    """The machines of the farm, and recorded ones. Changing them needs `admin`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Tuple[DeviceView, ...]:
        """Every device."""
        return self._transport.values(DeviceView, "devices", "/devices")

    def show(self, name: str) -> DeviceView:
        """One device.

        Raises: NotFound
        """
        return self._transport.value(DeviceView, "GET", _device(name))

    def add(self, name: str, facts: DeviceFacts) -> DeviceView:
        """Register recorded facts, so that plans can be made for a device that is not here.

        Raises: Conflict: a device of this name has enrolled.
        """
        return self._transport.value(DeviceView, "POST", "/devices", {"name": name, "facts": facts}, repeatable=True)

    def drain(self, name: str) -> DeviceView:
        """Let the device finish what runs and claim no more.

        Raises: NotFound
        """
        return self._transport.value(DeviceView, "POST", _device(name) + "/drain", repeatable=True)

    def undrain(self, name: str) -> DeviceView:
        """Let the device claim again.

        Raises: NotFound
        """
        return self._transport.value(DeviceView, "POST", _device(name) + "/undrain", repeatable=True)

    def retire(self, name: str) -> DeviceView:
        """Take the device out of the farm; its engines stay.

        Raises: NotFound
        """
        return self._transport.value(DeviceView, "POST", _device(name) + "/retire", repeatable=True)


class Targets:
    """The words that may follow `--targets`. Changing them needs `admin`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Tuple[TargetView, ...]:
        """Every word, with the devices that serve it now."""
        return self._transport.values(TargetView, "targets", "/targets")

    def add(self, name: str, filter: str, aliases: Sequence[str] = (), description: str = "") -> TargetView:
        """Give a filter such as `sm>=80,mem>=16GiB` a name; an own word of that name is replaced.

        Raises: Invalid: the filter cannot be read. Conflict: the word is built in, or an alias is taken.
        """
        body = {"filter": filter, "aliases": tuple(aliases), "description": description}
        return self._transport.value(TargetView, "PUT", f"/targets/{segment(name)}", body)

    def remove(self, name: str) -> None:
        """Forget an own word.

        Raises: NotFound, Conflict: it is built in.
        """
        self._transport.request("DELETE", f"/targets/{segment(name)}")


class Tokens:
    """Who may do what. Needs `admin`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(
        self,
        name: str,
        scope: Scope,
        device: Optional[str] = None,
        targets: Sequence[str] = (),
        expires_s: Optional[float] = None,
        trust_group: str = DEFAULT_TRUST_GROUP,
    ) -> NewToken:
        """A new token. Its secret is in the answer and nowhere else.

        Args:
            name: What people call it.
            scope: What it may do.
            device: The only device a worker token may enrol as.
            targets: The only targets that device may serve; empty means all it can.
            expires_s: Seconds from now; None means never.
            trust_group: Devices of one group share the plugin libraries that they compile.

        Raises: Invalid: the name cannot be one, or the scope has no use for a device or targets.
        """
        body = {
            "name": name,
            "scope": scope,
            "device": device,
            "targets": tuple(targets),
            "expires_s": expires_s,
            "trust_group": trust_group,
        }
        return self._transport.value(NewToken, "POST", "/tokens", body)

    def list(self) -> Tuple[TokenView, ...]:
        """Every token without its secret, revoked ones too."""
        return self._transport.values(TokenView, "tokens", "/tokens")

    def revoke(self, token: str) -> None:
        """Make a token invalid at once.

        Raises: NotFound
        """
        self._transport.request("DELETE", f"/tokens/{segment(token)}")


def _device(name: str) -> str:
    return f"/devices/{segment(name)}"
