"""The contract of a builder, for every builder of the table."""

from __future__ import annotations

import re
from typing import Any

import pytest

from farm.protocol.errors import Unsupported
from farm.protocol.options import Precision
from farm.runtime.backends import OPENERS
from worker.device.builders.table import BUILDERS, available, load

# One that nobody has installed, so that no test finds it here.
VERSIONS = {"onnxruntime": "1.2.3", "tensorrt": "8.5.1.7", "tensorrt_rtx": "1.5.0.114", "trtexec": "8.5.1.7"}


@pytest.mark.parametrize("name", BUILDERS)
def test_a_builder_has_its_name_and_says_whether_it_works_here(name: Any) -> None:
    builder = load(name)
    told = builder.probe()
    assert builder.name == told.name == name
    assert told.ok != bool(told.reason)
    assert Precision.FP32 in builder.capabilities(told.version or VERSIONS[name]).precisions


# TensorRT for RTX has a way for every word.
@pytest.mark.parametrize("name", [name for name in BUILDERS if name != "tensorrt_rtx"])
def test_a_precision_it_cannot_honour_is_an_error_with_its_version(name: Any) -> None:
    builder, version = load(name), VERSIONS[name]
    impossible = set(Precision) - set(builder.capabilities(version).precisions)
    assert impossible
    for precision in impossible:
        with pytest.raises(Unsupported, match=f"{name} {re.escape(version)} cannot build --precision {precision}"):
            builder.require(precision, version)


def test_every_engine_that_a_worker_opens_can_be_opened_without_it() -> None:
    assert {name for name in BUILDERS if not name.startswith("tensorrt")} <= set(OPENERS)


def test_availability_is_data_for_every_builder(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    missing = {told.name: told for told in available()}["onnxruntime"]
    assert (missing.ok, missing.version) == (False, None)
    assert "onnxruntime" in missing.reason


def test_an_unknown_builder_is_an_error_that_lists_the_known() -> None:
    with pytest.raises(Unsupported, match="onnxruntime"):
        load("abacus")
