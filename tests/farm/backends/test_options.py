"""Options of backends: each is accepted with its values, and refused by name with any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest

from farm.backends.onnxruntime import CALIBRATION_METHODS
from farm.backends.options import check_options, check_target, option_problems, options_of, problems
from farm.protocol.errors import Unsupported
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.target import BuildTarget


def options(precision: Precision = Precision.FP32, **named: Any) -> BuildOptions:
    return BuildOptions(precision=precision, backend_options=named)


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"threads": 2}, "onnxruntime 1.19.2 has no option 'threads', only intra_op_threads"),
        ({"intra_op_threads": -1}, "onnxruntime 1.19.2 cannot honour intra_op_threads = -1"),
        ({"intra_op_threads": 1025}, "may be a whole number from 0"),
        ({"intra_op_threads": True}, "cannot honour intra_op_threads = True"),
        ({"inter_op_threads": "2"}, "cannot honour inter_op_threads = '2'"),
        ({"graph_optimization_level": "most"}, "which may be one of disable, basic, extended, all"),
        ({"graph_optimization_level": ["all"]}, "which may be one of"),
        ({"denormal_as_zero": 1}, "which may be true or false"),
        ({"calibration_method": "guess"}, "which may be one of minmax, entropy, percentile"),
        ({"per_channel": True}, "onnxruntime 1.19.2 uses per_channel only for int8, not for fp32"),
    ],
)
def test_what_cannot_be_honoured_names_option_and_version(named: Dict[str, Any], told: str) -> None:
    (problem,) = option_problems("onnxruntime", "1.19.2", options(**named))
    assert told in problem
    with pytest.raises(Unsupported) as refused:
        check_options("onnxruntime", "1.19.2", options(**named))
    assert (refused.value.message, "--option" in refused.value.hint) == (problem, True)


def test_every_problem_is_told() -> None:
    assert len(option_problems("onnxruntime", "1.31.1", options(magic=1, intra_op_threads=-1, per_channel=True))) == 3


@pytest.mark.parametrize("method", CALIBRATION_METHODS)
def test_what_can_be_honoured_is_accepted(method: str) -> None:
    threads: Dict[str, Any] = {"intra_op_threads": 0, "inter_op_threads": 1024}
    check_options("onnxruntime", "1.31.1", options(graph_optimization_level="all", allow_spinning=False, **threads))
    calibrated: Dict[str, Any] = {"calibration_method": method, "per_channel": False}
    check_options("onnxruntime", "1.31.1", options(Precision.INT8, denormal_as_zero=True, **calibrated))


def test_a_backend_without_a_table_is_left_to_its_builder() -> None:
    assert option_problems("other", "1.0", options(anything=5)) == ()


def test_a_version_that_farm_does_not_know_is_one_problem() -> None:
    unknown = BuildTarget("tensorrt", "7.2.3", "linux-x86_64", "glibc-2.36")
    assert problems(unknown, options(refit=True)) == ("farm does not know TensorRT 7.2.3",)
    with pytest.raises(Unsupported, match=r"7\.2\.3"):
        check_target(unknown, options())


def test_the_document_names_every_option() -> None:
    text = (Path(__file__).parents[3] / "docs" / "cli.md").read_text("utf-8")
    for backend, version in (("onnxruntime", "1.19.2"), ("tensorrt", "11.4.0"), ("tensorrt_rtx", "1.7.1")):
        assert [name for name in options_of(backend, version) or () if f"`{name}`" not in text] == []
