"""Keeps beside an engine what is known of its layers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Mapping, Sequence, Tuple

from farm.runtime.layerfile import LAYERS_FILE, packed
from farm.runtime.session import Session

from .builders.base import BuiltEngine

log = logging.getLogger(__name__)

Layers = Sequence[Mapping[str, Any]]


def layers_of_engine(session: Session, built: BuiltEngine, timed: Layers, output: Path) -> Tuple[str, ...]:
    """Write what an open engine tells, with the times where it was measured; the name of the file, if any."""
    told = session.layer_information() if built.files else ()
    if told:
        return _write(output, f"{session.backend} {session.backend_version} of the engine", told, timed)
    return layers_of_network(built, output)


def layers_of_network(built: BuiltEngine, output: Path) -> Tuple[str, ...]:
    """The same of an engine that cannot be opened here: as the parser made them, before they were fused."""
    return _write(output, "the parsed network, before its layers were fused", built.layers, ()) if built.layers else ()


def _write(output: Path, source: str, told: Layers, timed: Layers) -> Tuple[str, ...]:
    (output / LAYERS_FILE).write_bytes(packed(source, told, timed))
    log.info("%d layers in %s", len(told), LAYERS_FILE)
    return (LAYERS_FILE,)
