"""The options of `submit` and `plan`: one table, grouped as in the documentation."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable, List

import click

from farm.protocol.options import ClockLock, Precision, Statistic, VerifyBy
from farm.protocol.timing import TimingCacheUse

from .options import option
from .stored import DEVICES, PLUGINS, SUBMISSIONS, TARGETS, stored

Decorator = Callable[[Any], Any]
# Words that trtexec has as flags.
PRECISION_FLAGS = ("fp16", "bf16", "int8", "fp8", "best")

_what = partial(option, section="What")
_WHAT: List[Decorator] = [
    click.argument("model", required=False, type=click.Path(), metavar="[MODEL.onnx]"),
    _what(
        "--targets",
        "-t",
        multiple=True,
        metavar="WORDS",
        shell_complete=stored(TARGETS, DEVICES, listed=True),
        help="Names, aliases, devices, filters, or all.",
    ),
    _what("--name", metavar="NAME", help="Name of the model; by default its file name without .onnx."),
    _what(
        "--clone",
        metavar="SUBMISSION",
        shell_complete=stored(SUBMISSIONS),
        help="Take model, targets and options of an earlier submission.",
    ),
    _what("--tag", "tags", multiple=True, metavar="K=V", help="Tag the submission."),
]
_build = partial(option, section="How to build")
_BUILD: List[Decorator] = [
    _build("--precision", type=click.Choice([str(item) for item in Precision]), help="Default: fp32."),
    *(_build(f"--{word}", is_flag=True, help=f"The same as --precision {word}.") for word in PRECISION_FLAGS),
    _build("--minShapes", multiple=True, metavar="SPEC", help="Smallest shapes of a profile."),
    _build("--optShapes", multiple=True, metavar="SPEC", help="Shapes to tune for."),
    _build("--maxShapes", multiple=True, metavar="SPEC", help="Largest shapes of a profile."),
    _build("--shapes", metavar="SPEC", help="Fixed shapes; beside a profile, those of the reference inputs."),
    _build(
        "--calib",
        type=click.Path(),
        metavar="FILE.npz|DIR",
        help="Samples for int8 and fp8: stacked along a new first axis, or a folder of pictures.",
    ),
    _build(
        "--plugins",
        multiple=True,
        metavar="NAME|DIR",
        shell_complete=stored(PLUGINS, listed=True),
        help="Plugins for operators that others have too, or a folder with one, such as ./my_op, which is added first. "
        "Without it they are found by the operators of the model.",
    ),
    _build("--steps", metavar="NAMES", help="Graph steps instead of the default ones: default,-fold,bounds; none."),
    _build(
        "--timing-cache",
        type=click.Choice([str(item) for item in TimingCacheUse]),
        help="Tactics that builds on like devices have timed: read and extended (shared, the default), not used, or a "
        "pinned state that an administrator certified. It is what timingCacheFile is to trtexec, for a fleet.",
    ),
    _build("--option", "backend_options", multiple=True, metavar="K=V", help="Option of the backend."),
]
_reference = partial(option, section="Reference inputs and outputs")
_REFERENCE: List[Decorator] = [
    _reference("--loadInputs", type=click.Path(), metavar="FILE.npz", help="Reference inputs."),
    _reference("--loadRefOutputs", type=click.Path(), metavar="FILE.npz", help="Reference outputs."),
    _reference(
        "--value", "values", multiple=True, metavar="NAME=X", help="One value for a whole input: a sample rate."
    ),
    _reference("--range", "ranges", multiple=True, metavar="NAME=LO,HI", help="Range of a generated input."),
    _reference("--seed", type=click.IntRange(0), metavar="N", help="Of the generated inputs."),
]
_verify = partial(option, section="How to verify")
_VERIFY: List[Decorator] = [
    _verify("--atol", multiple=True, metavar="[NAME:]X", help="Absolute tolerance."),
    _verify("--rtol", multiple=True, metavar="[NAME:]X", help="Relative tolerance."),
    _verify(
        "--check-error-stat",
        type=click.Choice([str(item) for item in Statistic]),
        help="Which error is held against the tolerance.",
    ),
    _verify("--compare", "compare", multiple=True, metavar="NAME:HOW", help="Compare an output sorted, or as boxes."),
    _verify(
        "--verify-by",
        type=click.Choice([str(item) for item in VerifyBy]),
        help="Hold it against the references, or against a float32 build with the same plugins.",
    ),
    _verify("--no-verify", is_flag=True, help="Publish as unverified."),
]
_measure = partial(option, section="How to measure")
_MEASURE: List[Decorator] = [
    _measure("--warmUp", type=click.FloatRange(0), metavar="MS", help="Time before the first sample."),
    _measure("--duration", type=click.FloatRange(0), metavar="S", help="Measure at least so long."),
    _measure("--iterations", type=click.IntRange(1), metavar="N", help="Measure at least so often."),
    _measure("--max-cv", type=click.FloatRange(0, min_open=True), metavar="PERCENT", help="A wider spread is noisy."),
    _measure("--infStreams", type=click.IntRange(1), metavar="N", help="Inferences in flight."),
    _measure("--useCudaGraph", is_flag=True, help="On a GPU: launch the inference as a recorded CUDA graph."),
    _measure("--useSpinWait", is_flag=True, help="On a GPU: wait for it with a busy core, some microseconds sooner."),
    _measure(
        "--lock-clocks",
        type=click.Choice([str(item) for item in ClockLock]),
        help="Lock the clocks of the GPU meanwhile: where its owner allows it (auto), or give no time (require). "
        "Never, by default.",
    ),
    _measure("--no-bench", is_flag=True, help="Do not measure."),
]
_hit = partial(option, section="What counts as a hit")
_HIT: List[Decorator] = [
    _hit("--force", is_flag=True, help="Build although the engine exists, or failed before."),
    _hit("--accept-degraded", is_flag=True, help="Take an engine that was built on a degraded rung."),
    _hit("--priority", type=int, metavar="N", help="Higher goes first."),
]

BUILD_OPTIONS = (*_WHAT, *_BUILD, *_REFERENCE, *_VERIFY, *_MEASURE, *_HIT)
VERIFY_OPTIONS = tuple(_VERIFY[:-2])
MEASURE_OPTIONS = tuple(_MEASURE[:-1])


def with_options(options: Any) -> Decorator:
    """Declare options in the order of the table."""

    def declare(function: Any) -> Any:
        for decorator in reversed(tuple(options)):
            function = decorator(function)
        return function

    return declare
