"""`farm prepare` and `farm diagnose` on a device, which has an old Python; on a host: tests/worker/host."""

from __future__ import annotations

import sys

import pytest

from farm.protocol.exits import Exit
from tests.farm.cli.processes import completed


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="this Python can run graph steps")
@pytest.mark.parametrize(
    ("verb", "told"),
    [("prepare", "graph steps need Python 3.11. Run it on a host"), ("diagnose", "a diagnosis needs Python 3.11.")],
)
def test_an_old_python_says_where_to_go(verb: str, told: str) -> None:
    result = completed(verb, "model.onnx")
    assert result.code == Exit.USAGE
    assert told in result.err
