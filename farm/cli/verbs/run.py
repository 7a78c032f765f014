"""`farm run`: arrays through a fetched engine on this machine, without a coordinator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Sequence, Tuple

import click

from farm.protocol.errors import Invalid
from farm.protocol.exits import Exit
from farm.protocol.shapes import format_shape

from ..array_files import array_files, samples, write
from ..arrays import inputs_for, wanted, with_inputs
from ..console import columns, emit_json, emit_table, say
from ..format import CellLike
from ..options import json_option, option, verb

if TYPE_CHECKING:
    from farm.runtime import Engine

Array = Any
Told = Dict[str, Any]

_OUTPUTS = columns("output~, type, shape, minimum>, mean>, maximum>")
_SAMPLES = columns("sample~, output~, type, shape, minimum>, mean>, maximum>")


@verb()
@click.argument("folder", metavar="ENGINE_DIR", type=click.Path())
@with_inputs
@option(
    "--output",
    "-o",
    multiple=True,
    metavar="[NAME=]FILE",
    help="Write all outputs to an .npz file, or one to NAME=FILE.npy or NAME=FILE.raw; may be repeated. "
    "Where the inputs are a folder: a folder.",
)
@option("--infStreams", type=click.IntRange(1), default=1, metavar="N", help="Inferences at once, of a folder.")
@json_option
def run(folder: str, output: Sequence[str], inf_streams: int, as_json: bool, **given: Any) -> int:
    r"""Run arrays through a fetched engine, and show or write what comes out.

    \b
      farm run engine -i inputs.npz -o outputs.npz
      farm run engine -i images=photo.npy -i scale=scale.raw -o boxes=boxes.npy
      farm run engine -i inputs/ -o outputs/ --infStreams 4
    """
    from farm.runtime import Engine

    many = [Path(word) for word in given["load_inputs"] if Path(word).is_dir()]
    with Engine.open(folder) as engine:
        if many:
            if len(given["load_inputs"]) > 1 or len(output) > 1:
                raise Invalid("a folder of inputs stands alone", "Give one folder of .npz files, and one with -o.")
            return _many(engine, many[0], output, inf_streams, as_json)
        if inf_streams > 1:
            raise Invalid("one set of inputs is one inference", "Give a folder of .npz files with --loadInputs.")
        outputs = engine.run(inputs_for(engine.session, wanted(given)))
    write(array_files(output), outputs)
    told = statistics(outputs)
    if as_json:
        emit_json({"outputs": told, "files": list(output)})
        return Exit.DONE
    emit_table(_OUTPUTS, [_row(item) for item in told])
    for word in output:
        say(f"wrote {word}")
    return Exit.DONE


def _many(engine: Engine, folder: Path, output: Sequence[str], streams: int, as_json: bool) -> int:
    """Each .npz file of a folder, so many at once; its outputs go into a file of the same name."""
    from concurrent.futures import ThreadPoolExecutor

    from farm.runtime import load_arrays

    into = Path(output[0]) if output else None
    if into is not None:
        _made(into)

    def one(path: Path) -> List[Told]:
        outputs = engine.run(load_arrays(path))
        if into is not None:
            write(array_files([str(into / path.name)]), outputs)
        return statistics(outputs)

    found = samples(folder)
    with ThreadPoolExecutor(streams) as pool:
        told = dict(zip([path.name for path in found], pool.map(one, found)))
    if as_json:
        samples_told = [{"name": name, "outputs": outputs} for name, outputs in told.items()]
        emit_json({"samples": samples_told, "files": list(output)})
        return Exit.DONE
    emit_table(_SAMPLES, [(name, *_row(item)) for name, outputs in told.items() for item in outputs])
    if into is not None:
        say(f"wrote {len(told)} files into {into}")
    return Exit.DONE


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid(f"cannot write into {folder}: {error.strerror}", "Choose another place with -o.") from error


def statistics(arrays: Mapping[str, Array]) -> List[Told]:
    """What each array is like: type, shape, least, mean and greatest finite number, and how many are not finite."""
    return [{"name": name, **_statistics(array)} for name, array in arrays.items()]


def _statistics(array: Array) -> Told:
    import numpy as np

    told: Told = {"dtype": array.dtype.name, "shape": list(array.shape)}
    numbers = array.astype(np.float64) if array.dtype.kind in "biuf" else np.empty(0)
    finite = numbers[np.isfinite(numbers)]
    for name, function in (("minimum", np.min), ("mean", np.mean), ("maximum", np.max)):
        told[name] = float(function(finite)) if finite.size else None
    told["not_finite"] = int(numbers.size - finite.size)
    return told


def _row(told: Mapping[str, Any]) -> Tuple[CellLike, ...]:
    numbers = ["-" if told[name] is None else f"{told[name]:.6g}" for name in ("minimum", "mean", "maximum")]
    shape = format_shape(told["shape"])
    lost = f" ({told['not_finite']} NaN or Inf)" if told["not_finite"] else ""
    return (told["name"], told["dtype"], shape + lost, *numbers)
