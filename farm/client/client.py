"""FarmClient: the verbs of the `farm` command as methods."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Optional, Type, Union

from farm.protocol.facts import DeviceFacts
from farm.protocol.model import FileRef
from farm.protocol.options import Precision
from farm.protocol.requirement import Tier
from farm.protocol.submit import FetchAnswer, FetchAsk
from farm.protocol.views import KeyView, Sweep, TokenView

from . import download, fetching, upload
from .campaigns import Campaigns
from .engines import Engines, Models
from .fetching import Fetched
from .fleet import Devices, Targets, Tokens
from .plugins import Plugins
from .progress import Progress
from .submissions import Submissions
from .timing_caches import TimingCaches
from .transport import Transport, segment

PathLike = Union[str, Path]


class FarmClient(Submissions):
    """A coordinator, as the holder of one token sees it.

        with FarmClient() as farm:
            submission = farm.submit("model.onnx", ["xavier", "v100"], wait=True)
            farm.fetch("model", "engines/model")

    What is not given comes from `FARM_URL` and `FARM_TOKEN`, then from the file of `farm configure`. Every method
    raises a `FarmError` (`farm.protocol.errors`): `Unauthorized`, `Forbidden` and `CoordinatorError` always may occur.

    Args:
        url: Of the coordinator, such as `http://farm:8300`.
        token: The secret of a token.
        profile: Of the file of `farm configure`.
        timeout_s: For each wait on the network, not for a whole transfer.

    Attributes:
        engines, models: What is stored.
        devices, targets, tokens: Who builds, for what, and who may ask.
        plugins: Operators that ONNX does not have.
        timing_caches: What builds know of each other's timings.
        campaigns: Live models that are built anew on another toolchain.
    """

    def __init__(
        self,
        url: Optional[str] = None,
        token: Optional[str] = None,
        profile: Optional[str] = None,
        timeout_s: float = 30.0,
    ) -> None:
        if not (url and token):
            from farm.cli.settings import load

            settings = load(url=url, token=token, profile=profile).checked()
            url, token = settings.url, settings.token
        self._transport = Transport(url, token, timeout_s)
        self.engines = Engines(self._transport)
        self.models = Models(self._transport)
        self.devices = Devices(self._transport)
        self.targets = Targets(self._transport)
        self.tokens = Tokens(self._transport)
        self.plugins = Plugins(self._transport)
        self.timing_caches = TimingCaches(self._transport)
        self.campaigns = Campaigns(self._transport)

    @property
    def url(self) -> str:
        """Of the coordinator."""
        return self._transport.url

    def fetch(
        self,
        name: str,
        folder: PathLike,
        facts: Optional[DeviceFacts] = None,
        allow: Tier = Tier.SAME_MODEL,
        precision: Optional[Precision] = None,
        progress: Optional[Progress] = None,
        key: Optional[str] = None,
        model: Optional[str] = None,
        force: bool = False,
    ) -> Fetched:
        """The engine of a model that fits this device, in a folder that shows it whole or not at all.

        Args:
            name: Of the model.
            folder: Appears, or is replaced if it holds another engine of this model; kept if it holds this one.
            facts: Of another device; by default this one is measured, which takes seconds.
            allow: The worst tier to accept.
            precision: Chooses among variants.
            progress: Told while files arrive.
            key: Exactly the engine with this key.
            model: Digest of an earlier model of this name, instead of the one it points at now.
            force: Replace the engine of another model, too.

        Raises:
            NoEngine: none fits; `details["considered"]` has every candidate with its refusals.
            Conflict: several variants fit, or the folder holds something else.
        """
        answer = self.find_engine(fetching.ask_for(name, facts, allow, precision, key, model))
        return fetching.take(self._transport, answer, Path(folder), progress, force)

    def find_engine(self, ask: FetchAsk) -> FetchAnswer:
        """The engine that `fetch` would bring.

        Raises: NoEngine, Conflict: as `fetch`.
        """
        return fetching.answer_to(self._transport, ask)

    def take(
        self, answer: FetchAnswer, folder: PathLike, progress: Optional[Progress] = None, force: bool = False
    ) -> Fetched:
        """Bring the engine that `find_engine` found to a folder, as `fetch` does.

        Raises: Conflict: the folder holds something else. BlobCorrupt: a file arrived damaged. StorageFull.
        """
        return fetching.take(self._transport, answer, Path(folder), progress, force)

    def upload(self, path: PathLike, progress: Optional[Progress] = None) -> FileRef:
        """Store a file as a blob: skipped when it is there, resumed where a broken connection stopped.

        Raises: Invalid: it cannot be read, or changed meanwhile. StorageFull: the coordinator has no room.
        """
        return upload.upload(self._transport, Path(path), None, progress)

    def download_blob(
        self, sha256: str, path: PathLike, size_bytes: Optional[int] = None, progress: Optional[Progress] = None
    ) -> Path:
        """Bring a blob to a file, which appears in one step and only with the right bytes.

        What an interrupted call left in `<path>.part` is used. `size_bytes` serves the progress only.

        Raises: NotFound, BlobCorrupt: the bytes arrived damaged. StorageFull. Invalid: cannot write there.
        """
        return download.download(self._transport, sha256, Path(path), size_bytes, progress)

    def key(self, engine_build_or_request: str) -> KeyView:
        """The request key of an engine, build or request, field by field.

        Raises: NotFound
        """
        return self._transport.value(KeyView, "GET", f"/keys/{segment(engine_build_or_request)}")

    def gc(self, dry_run: bool = True) -> Sweep:
        """Remove what nothing refers to, or say what would be removed. Needs `admin`."""
        return self._transport.value(Sweep, "POST", "/gc", {"dry_run": dry_run})

    def whoami(self) -> TokenView:
        """The token in use."""
        return self._transport.value(TokenView, "GET", "/whoami")

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> FarmClient:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()
