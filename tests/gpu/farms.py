"""A whole farm on a machine with a card, and what is submitted to it.

The worker of the card may need another Python than the coordinator: `FARM_GPU_PYTHON` names it. Where plugins are
compiled by what lies at unusual places, `FARM_TOOLCHAIN` names the folders.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx

from farm.client.results import TargetResult
from farm.protocol.report import Verdict
from tests.e2e.fleet import Fleet, fleet

from .commands import PYTHON
from .engines import GIVEN

SHORT = ("--duration", "0.5", "--warmUp", "100", "--max-cv", "50")
# A worker gets none of our settings by itself.
_TOOLCHAIN = {name: os.environ[name] for name in ("FARM_TOOLCHAIN",) if name in os.environ}


@contextmanager
def card_fleet(folder: Path, *flags: str) -> Iterator[Fleet]:
    """A coordinator, a host, and the worker of the card, which takes more flags."""
    with fleet(folder) as made:
        made.worker("host", "--roles", "host")
        made.worker("card", "--roles", "device", *flags, python=PYTHON, **_TOOLCHAIN)
        yield made


def options() -> list[str]:
    """Those that this machine needs."""
    return [word for item in GIVEN for word in ("--option", item)]


def saved(folder: Path, name: str, model: Any) -> Path:
    """A model file."""
    path = folder / f"{name}.onnx"
    onnx.save(model, str(path))
    return path


def passed(farm: Fleet, *arguments: object) -> TargetResult:
    """What came of a submission for one target, which has to be built and verified.

    Raises: AssertionError
    """
    told = farm.json("submit", *arguments, *options(), "--wait", *SHORT)
    assert [item["state"] for item in told["builds"]] == ["done"], told
    (result,) = farm.client.results(told["id"])
    assert result.verification is not None
    assert result.verification.verdict is Verdict.PASSED
    return result
