"""Arrays for an engine: from a file, or made up in its shapes and types. NumPy is imported when one is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Sequence, Tuple

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid
from farm.protocol.shapes import Shapes, parse_shapes

from .array_files import ArrayFile, array_files, read
from .build_options import with_options
from .options import option
from .words import number_range, pairs

if TYPE_CHECKING:
    from farm.runtime import Session

Array = Any

INPUT_OPTIONS: Sequence[Callable[[Any], Any]] = (
    option(
        "--loadInputs",
        "--input",
        "-i",
        multiple=True,
        metavar="[NAME=]FILE",
        help="Inputs: an .npz file, or one of them as NAME=FILE.npy or, only its numbers, NAME=FILE.raw; may be "
        "repeated. By default they are made up.",
    ),
    option("--shapes", metavar="SPEC", help="Shapes of made-up and raw inputs, for dynamic axes."),
    option("--value", "values", multiple=True, metavar="NAME=X", help="One value for a whole input: a sample rate."),
    option("--range", "ranges", multiple=True, metavar="NAME=LO,HI", help="Range of a made-up input."),
    option("--seed", type=int, default=0, metavar="N", help="Of made-up inputs."),
)

with_inputs = with_options(INPUT_OPTIONS)


@dataclass(frozen=True)
class Wanted:
    """How the arrays shall be."""

    files: Tuple[ArrayFile, ...] = ()
    shapes: Shapes = field(default_factory=dict)
    values: Dict[str, float] = field(default_factory=dict)
    ranges: Dict[str, Tuple[float, float]] = field(default_factory=dict)
    seed: int = 0


def wanted(given: Mapping[str, Any]) -> Wanted:
    """What the input options of a verb ask for.

    Raises: Invalid
    """
    return Wanted(
        array_files(given["load_inputs"]),
        parse_shapes(given["shapes"]) if given["shapes"] else {},
        pairs("--value", given["values"], float),
        pairs("--range", given["ranges"], number_range, "name=0,1"),
        given["seed"],
    )


def inputs_for(engine: Session, want: Wanted) -> Dict[str, Array]:
    """One array for each input of an engine.

    Raises: Invalid, NotFound: the file cannot be read, or a name is none of the engine's inputs.
    """
    names = {spec.name for spec in engine.inputs}
    for given in (want.shapes, want.values, want.ranges):
        unknown = sorted(set(given) - names)
        if unknown:
            raise Invalid(f"the engine has no input {unknown[0]!r}", f"Its inputs are {', '.join(sorted(names))}.")
    if want.files:
        return {**read(want.files, engine.inputs, want.shapes), **_constants(engine, want)}
    import numpy as np

    generator = np.random.default_rng(want.seed)
    best = {name: shape.optimum for name, shape in (engine.ranges[0] if engine.ranges else {}).items()}
    return {spec.name: _made(spec, want, best, generator) for spec in engine.inputs}


def _constants(engine: Session, want: Wanted) -> Dict[str, Array]:
    """Those that files of the others leave to a value."""
    import numpy as np

    given = [spec for spec in engine.inputs if spec.name in want.values]
    return {spec.name: _made(spec, want, {}, np.random.default_rng(want.seed)) for spec in given}


def _made(spec: TensorSpec, want: Wanted, best: Mapping[str, Tuple[int, ...]], generator: Any) -> Array:
    import numpy as np

    fallback = tuple(1 if axis == -1 else axis for axis in spec.shape)
    shape = want.shapes.get(spec.name) or best.get(spec.name) or fallback
    dtype = np.dtype(spec.dtype)
    if spec.name in want.values:
        return np.full(shape, want.values[spec.name]).astype(dtype)
    if dtype.kind == "b":
        return generator.integers(0, 2, shape).astype(dtype)
    if dtype.kind in "iu":
        low, high = want.ranges.get(spec.name, (0, 1))
        return generator.integers(int(low), int(high) + 1, shape).astype(dtype)
    low, high = want.ranges.get(spec.name, (-1.0, 1.0))
    return generator.uniform(low, high, shape).astype(dtype)
