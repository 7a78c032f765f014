"""`farm export` on a device, which has an old Python; on a host: tests/worker/host."""

from __future__ import annotations

import sys

import pytest

from farm.protocol.exits import Exit
from tests.farm.cli.processes import completed


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="this Python can export")
def test_an_old_python_says_where_to_export() -> None:
    told = completed("export", "resnet50")
    assert told.code == Exit.USAGE
    assert "exporting needs Python 3.11. Export on a host" in told.err
