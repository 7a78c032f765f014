"""Every need exists as a step, and is a need of some version that farm knows and not of all."""

from __future__ import annotations

import pytest

from farm.backends.tensorrt.capabilities import capabilities_of
from farm.backends.tensorrt.needs import NEEDS, Need, needed_steps
from farm.backends.tensorrt.precision import Types

VERSIONS = ("8.5.0.12", "8.5.3.1", "8.6.1", "10.4.0", "11.4.0")


@pytest.mark.parametrize("need", NEEDS, ids=lambda need: need.step)
def test_a_need_is_one_of_some_versions_or_types(need: Need) -> None:
    asked = [(version, types) for version in VERSIONS for types in Types]
    has = [need.step in needed_steps(capabilities_of(version), types) for version, types in asked]
    assert any(has)
    assert not all(has)


def test_the_newest_versions_read_what_exporters_write() -> None:
    assert needed_steps(capabilities_of("11.4.0"), Types.AS_EXPORTED) == ()
    assert needed_steps(capabilities_of("10.4.0"), Types.INT8) == ()
    assert "masks" in needed_steps(capabilities_of("8.5.3.1"), Types.INT8)
