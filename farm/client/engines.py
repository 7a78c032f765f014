"""What is stored: engines, the models they were built from, and the keys that name them."""

from __future__ import annotations

from typing import Optional, Tuple

from farm.protocol.options import Precision
from farm.protocol.views import EngineDetail, EngineView, ModelView

from .transport import Transport, segment


class Engines:
    """The artifact database, keyed by GPU. Every call raises `NotFound` for an unknown id."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        gpu: Optional[str] = None,
        model: Optional[str] = None,
        target: Optional[str] = None,
        precision: Optional[Precision] = None,
        limit: Optional[int] = None,
    ) -> Tuple[EngineView, ...]:
        """Engines, newest first, that match everything given.

        Raises: Invalid: a filter cannot be read.
        """
        params = {"gpu": gpu, "model": model, "target": target, "precision": precision, "limit": limit}
        return self._transport.values(EngineView, "engines", "/engines", params)

    def show(self, engine: str) -> EngineDetail:
        """One engine with its manifest, verifications and benchmarks, newest first."""
        return self._transport.value(EngineDetail, "GET", _where(engine))

    def remove(self, engine: str) -> EngineView:
        """Forget an engine; its blobs go with the next sweep. Needs `admin`.

        Raises: Conflict: it is pinned.
        """
        return self._transport.value(EngineView, "DELETE", _where(engine))

    def pin(self, engine: str) -> EngineView:
        """Keep an engine from being swept or removed."""
        return self._transport.value(EngineView, "POST", _where(engine) + "/pin", repeatable=True)

    def unpin(self, engine: str) -> EngineView:
        """Let an engine be swept again."""
        return self._transport.value(EngineView, "POST", _where(engine) + "/unpin", repeatable=True)


class Models:
    """Names, and the digests they point at."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Tuple[ModelView, ...]:
        """Every name."""
        return self._transport.values(ModelView, "models", "/models")

    def show(self, name: str) -> ModelView:
        """One name.

        Raises: NotFound
        """
        return self._transport.value(ModelView, "GET", f"/models/{segment(name)}")


def _where(engine: str) -> str:
    return f"/engines/{segment(engine)}"
