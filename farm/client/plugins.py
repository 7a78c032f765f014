"""The plugins of the farm: added from folders, listed, compiled ahead of any model."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Optional, Sequence, Tuple, Union

from farm.plugins.folder import PluginFolder, read_folder
from farm.protocol.errors import Conflict, Invalid, NotFound
from farm.protocol.model import FileRef
from farm.protocol.plugin_views import PluginAsk, PluginDetail, PluginView
from farm.protocol.submit import SubmitAsk
from farm.protocol.views import SubmissionView

from .progress import Progress
from .transport import Transport, segment
from .upload import upload

PluginWord = Union[str, Path]
_ROUNDS = 3


class Plugins:
    """Operators that ONNX does not have, written once and compiled by each device. Adding them needs `submit`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Tuple[PluginView, ...]:
        """Every plugin, those that came with farm too."""
        return self._transport.values(PluginView, "plugins", "/plugins")

    def show(self, name: str) -> PluginDetail:
        """One plugin with its sources, and the libraries that devices have made of them.

        Raises: NotFound
        """
        return self._transport.value(PluginDetail, "GET", f"/plugins/{segment(name)}")

    def add(self, folder: Union[str, Path], progress: Optional[Progress] = None) -> PluginDetail:
        """Add the plugin in a folder, or its new sources; the same again changes nothing.

        Raises: Invalid: the folder holds no plugin. Conflict: a plugin that came with farm has its name.
        """
        return add(self._transport, read_folder(Path(folder)), progress)

    def remove(self, name: str) -> PluginView:
        """Let models find a plugin no more; engines that have it stay as they are.

        Raises: NotFound. Conflict: it came with farm.
        """
        return self._transport.value(PluginView, "DELETE", f"/plugins/{segment(name)}")

    def build(
        self, plugin: PluginWord, targets: Sequence[str], force: bool = False, progress: Optional[Progress] = None
    ) -> SubmissionView:
        """Compile a plugin for targets, ahead of any model; `FarmClient.wait` waits for the end.

        Args:
            plugin: Its name, or its folder, which is added first.
            targets: As of a submit.
            force: Compile what did not compile before.
            progress: Told while files are sent.

        Raises: NotFound: there is no such plugin. Unsupported: a target takes no plugins. TargetUnavailable
        """
        (word,) = words(self._transport, (plugin,), progress)
        name = word.partition("@")[0]
        ask = SubmitAsk(name, None, tuple(targets), plugins=(word,), force=force, idempotency=uuid.uuid4().hex)
        return self._transport.value(SubmissionView, "POST", "/submissions", ask, repeatable=True)


def is_folder(plugin: PluginWord) -> bool:
    """A path, or a word with a slash, is a folder; any other word is the name of a plugin."""
    return isinstance(plugin, Path) or "/" in plugin or plugin in (".", "..")


def words(transport: Transport, plugins: Sequence[PluginWord], progress: Optional[Progress] = None) -> Tuple[str, ...]:
    """What a submission says for these plugins; folders are added, and their sources named by digest."""
    return tuple(_named(add(transport, _read(item), progress)) if is_folder(item) else str(item) for item in plugins)


def known_words(transport: Transport, plugins: Sequence[PluginWord]) -> Tuple[str, ...]:
    """The same for a plan, which adds nothing.

    Raises: Invalid: the farm has not the sources of a folder.
    """
    return tuple(_known(transport, _read(item)) if is_folder(item) else str(item) for item in plugins)


def add(transport: Transport, plugin: PluginFolder, progress: Optional[Progress]) -> PluginDetail:
    """Add a plugin, and upload what the coordinator lacks of it."""
    sizes = {item.sha256: item.size_bytes for item in plugin.files}
    for _ in range(_ROUNDS):
        try:
            return transport.value(PluginDetail, "POST", "/plugins", PluginAsk(plugin.files), repeatable=True)
        except Conflict as error:
            missing = error.details.get("missing")
            if not missing:
                raise
            for sha256 in missing:
                path = plugin.paths[sha256]
                upload(transport, path, FileRef(path.name, sizes[sha256], sha256), progress)
    raise Conflict("the coordinator keeps losing the files of this plugin", "Check its storage: farm doctor.")


def _read(folder: PluginWord) -> PluginFolder:
    return read_folder(Path(folder))


def _known(transport: Transport, plugin: PluginFolder) -> str:
    name = plugin.manifest.name
    try:
        there = transport.value(PluginDetail, "GET", f"/plugins/{segment(name)}")
    except NotFound:
        there = None
    if there is None or there.source.files != plugin.files:
        raise Invalid(f"the farm does not have these sources of {name}", "Add them with farm plugin add, then plan.")
    return _named(there)


def _named(detail: PluginDetail) -> str:
    return f"{detail.plugin.name}@{detail.plugin.source}"
