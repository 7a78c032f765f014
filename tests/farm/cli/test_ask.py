"""From options to what is asked: parsed by click, read back as values of the protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Sequence

import click
import pytest
from click.testing import CliRunner

from farm.cli.ask import options_of, submit_options
from farm.cli.build_options import BUILD_OPTIONS, with_options
from farm.client import SubmitOptions, make_ask
from farm.protocol.errors import Invalid
from farm.protocol.options import Comparator, Precision, ShapeRange, Statistic, VerifyBy


def parsed(*arguments: str, base: SubmitOptions = SubmitOptions()) -> SubmitOptions:  # noqa: B008  # frozen
    """The options that a command line spells."""
    seen: Dict[str, Any] = {}

    @click.command()
    @with_options(BUILD_OPTIONS)
    def command(**given: Any) -> None:
        seen.update(given)

    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    return submit_options(seen, base)


def test_nothing_given_is_the_default() -> None:
    assert parsed("model.onnx") == SubmitOptions()


@pytest.mark.parametrize(
    "spelled",
    [
        ["--minShapes", "x:1x3x8x8", "--optShapes", "x:2x3x8x8", "--maxShapes", "x:4x3x8x8"],
        ["--min-shapes", "x:[1,3,8,8]", "--opt-shapes", "x:[2,3,8,8]", "--max-shapes", "x:[4,3,8,8]"],
    ],
)
def test_both_spellings_of_options_and_of_shapes_are_one_profile(spelled: Sequence[str]) -> None:
    assert parsed(*spelled).build.profiles == ({"x": ShapeRange((1, 3, 8, 8), (2, 3, 8, 8), (4, 3, 8, 8))},)


def test_repeated_shapes_are_several_profiles() -> None:
    found = parsed("--optShapes", "x:1x3", "--maxShapes", "x:2x3", "--optShapes", "x:5x3", "--maxShapes", "x:9x3")
    assert [profile["x"].maximum for profile in found.build.profiles] == [(2, 3), (9, 3)]


def test_fixed_shapes_are_a_profile_and_beside_one_those_of_the_reference() -> None:
    alone = parsed("--shapes", "x:1x3")
    assert alone.build.profiles == ({"x": ShapeRange((1, 3), (1, 3), (1, 3))},)
    assert alone.reference.shapes == {}
    beside = parsed("--shapes", "x:2x3", "--minShapes", "x:1x3", "--maxShapes", "x:4x3")
    assert beside.build.profiles[0]["x"].maximum == (4, 3)
    assert beside.reference.shapes == {"x": (2, 3)}


def test_a_profile_that_cannot_be_is_refused() -> None:
    with pytest.raises(Invalid, match="minimum ≤ optimum ≤ maximum"):
        parsed("--minShapes", "x:4x3", "--maxShapes", "x:1x3")


def test_every_option_reaches_its_field() -> None:
    found = parsed(
        *("--precision", "int8", "--option", "builderOptimizationLevel=5", "--steps", "fold,simplify"),
        *("--loadInputs", "i.npz", "--load-ref-outputs", "o.npz", "--calib", "c.npz"),
        *("--value", "sr=16000", "--range", "x=-1,1", "--seed", "7"),
        *("--atol", "1e-3", "--rtol", "y:1e-2", "--check-error-stat", "mean", "--compare", "y:boxes"),
        *("--no-verify", "--verify-by", "float32"),
        *("--warmUp", "500", "--duration", "10", "--iterations", "99", "--max-cv", "2.5", "--no-bench"),
        *("--name", "net", "--tag", "a=b", "--priority", "3", "--force", "--accept-degraded"),
    )
    assert (found.build.precision, found.build.backend_options) == (Precision.INT8, {"builderOptimizationLevel": 5})
    assert (found.steps, found.inputs, found.outputs, found.calibration) == (
        ("fold", "simplify"),
        *("i.npz", "o.npz", "c.npz"),
    )
    assert (found.reference.values, found.reference.ranges, found.reference.seed) == ({"sr": 16000}, {"x": (-1, 1)}, 7)
    assert (found.verify.atol, found.verify.rtol, found.verify.statistic) == ({"": 1e-3}, {"y": 1e-2}, Statistic.MEAN)
    assert (found.verify.comparators, found.verify.enabled) == ({"y": Comparator.BOXES}, False)
    assert found.verify.by is VerifyBy.FLOAT32
    measured = found.benchmark
    assert (measured.warmup_ms, measured.duration_s, measured.iterations) == (500, 10, 99)
    assert (measured.max_cv_percent, measured.enabled) == (2.5, False)
    assert (found.name, found.tags, found.priority) == ("net", {"a": "b"}, 3)
    assert (found.force, found.accept_degraded) == (True, True)


@pytest.mark.parametrize("word", ["fp16", "bf16", "int8", "fp8", "best"])
def test_a_precision_may_be_a_flag_as_in_trtexec(word: str) -> None:
    assert parsed(f"--{word}") == parsed("--precision", word) == parsed(f"--{word}", "--precision", word)


def test_two_precisions_are_refused() -> None:
    for arguments in (["--fp16", "--int8"], ["--fp16", "--precision", "fp32"]):
        with pytest.raises(Invalid, match="are two precisions"):
            parsed(*arguments)


def test_no_step_at_all_can_be_asked_for() -> None:
    assert parsed("--steps", "none").steps == ()


def test_what_is_given_goes_over_what_was(model: Path) -> None:
    earlier = parsed("--precision", "fp16", "--seed", "3", "--atol", "1e-3", "--tag", "a=b", "--no-bench")
    base = options_of(make_ask(model, ["cpu"], earlier).ask)
    assert parsed(base=base) == base
    changed = parsed("--atol", "y:1", "--tag", "c=d", "--precision", "fp32", base=base)
    assert (changed.build.precision, changed.reference.seed) == (Precision.FP32, 3)
    assert (changed.verify.atol, changed.tags) == ({"": 1e-3, "y": 1.0}, {"a": "b", "c": "d"})
    assert not changed.benchmark.enabled


def test_a_clone_is_not_forced_because_the_first_was(model: Path) -> None:
    assert not options_of(make_ask(model, ["cpu"], parsed("--force")).ask).force
