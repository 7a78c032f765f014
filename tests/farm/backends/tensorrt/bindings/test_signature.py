"""The reader of signatures: the test of the table is worth what this is worth."""

from __future__ import annotations

import pytest

from .signature import Parameter, signatures, takes

OVERLOADED = """create_execution_context(*args, **kwargs)
Overloaded function.

1. create_execution_context(self: trt.ICudaEngine, strategy: trt.Strategy = <Strategy.STATIC: 0>) -> trt.IContext

    Create one.

2. create_execution_context(self: trt.ICudaEngine, runtime_config: trt.IRuntimeConfig) -> trt.IContext
"""


def test_each_overload_is_read() -> None:
    first, second = signatures(OVERLOADED, "create_execution_context")
    assert (first, second) == ((Parameter("strategy", True),), (Parameter("runtime_config", False),))


def test_types_with_commas_are_one_parameter() -> None:
    (read,) = signatures("set(self: T, x: Dict[str, Tuple[int, int]], y: int = 0) -> bool", "set")
    assert [parameter.name for parameter in read] == ["x", "y"]


@pytest.mark.parametrize(
    ("given", "possible"),
    [((), True), (("strategy",), True), (("runtime_config",), True), (("strategy", "runtime_config"), False)],
)
def test_a_call_fits_one_overload(given: tuple[str, ...], possible: bool) -> None:
    assert takes(signatures(OVERLOADED, "create_execution_context"), given) is possible


def test_the_order_counts_and_nothing_required_is_left_out() -> None:
    read = signatures("combine(self: C, input_cache: C, ignore_mismatch: bool) -> bool", "combine")
    assert takes(read, ("input_cache", "ignore_mismatch"))
    assert not takes(read, ("ignore_mismatch", "input_cache"))
    assert not takes(read, ("input_cache",))


def test_documentation_without_a_signature_takes_nothing() -> None:
    assert not takes(signatures("Creates one.", "create"), ())
