"""The contract of a builder, for every builder of the table."""

from __future__ import annotations

import pytest

from farm.protocol.errors import Unsupported
from farm.protocol.options import Precision
from farm.runtime.backends import OPENERS
from worker.device.builders.table import BUILDERS, available, load


@pytest.mark.parametrize("name", BUILDERS)
def test_a_builder_has_its_name_and_says_whether_it_works_here(name):
    builder = load(name)
    told = builder.probe()
    assert builder.name == told.name == name
    assert told.ok != bool(told.reason)
    assert Precision.FP32 in builder.capabilities(told.version or "1.0").precisions


@pytest.mark.parametrize("name", BUILDERS)
def test_a_precision_it_cannot_honour_is_an_error_with_its_version(name):
    builder = load(name)
    impossible = set(Precision) - set(builder.capabilities("1.2.3").precisions)
    for precision in impossible:
        with pytest.raises(Unsupported, match=rf"{name} 1\.2\.3 cannot build --precision {precision}"):
            builder.require(precision, "1.2.3")


def test_every_builder_s_engines_can_be_opened_without_the_worker():
    assert set(BUILDERS) <= set(OPENERS)


def test_availability_is_data_for_every_builder(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    missing = {told.name: told for told in available()}["onnxruntime"]
    assert (missing.ok, missing.version) == (False, None)
    assert "onnxruntime" in missing.reason


def test_an_unknown_builder_is_an_error_that_lists_the_known():
    with pytest.raises(Unsupported, match="onnxruntime"):
        load("abacus")
