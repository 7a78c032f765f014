"""A coordinator's double, a client of it, and a model on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest

from farm import FarmClient

from .double import TOKEN, Double, served


@pytest.fixture
def double() -> Iterator[Double]:
    """A coordinator that one can see into."""
    with served() as running:
        yield running


@pytest.fixture
def client(double: Double) -> Iterator[FarmClient]:
    """A client of the double."""
    with FarmClient(double.url, TOKEN, timeout_s=5) as made:
        yield made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The smallest file that is a model as far as a client can tell: a version and an empty graph with a name."""
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\x08\x0a\x3a\x05\x12\x03net")
    return path
