"""Files of arrays on the command line: `FILE.npz` for all of them, `NAME=FILE.npy` or `NAME=FILE.raw` for one.

NumPy is imported when one is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Sequence, Tuple

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid, NotFound

Array = Any

_ALL = ".npz"


@dataclass(frozen=True)
class ArrayFile:
    """A file; `name` is the tensor whose array it holds, or empty: that of all, or of the only one."""

    name: str
    path: Path


def array_files(words: Sequence[str]) -> Tuple[ArrayFile, ...]:
    """What an option was given."""
    return tuple(_array_file(word) for word in words)


def _array_file(word: str) -> ArrayFile:
    name, sign, path = word.partition("=")
    named = sign and path and not Path(word).exists()
    return ArrayFile(name, Path(path)) if named else ArrayFile("", Path(word))


def read(files: Sequence[ArrayFile], specs: Sequence[TensorSpec], shapes: Mapping[str, Any]) -> Dict[str, Array]:
    """Arrays for an engine; each of them once.

    Args:
        files: Where they are.
        specs: Inputs of the engine; those of an .npz file are checked by the engine.
        shapes: Of files without a shape, where an axis is open.

    Raises: NotFound, Invalid
    """
    from farm.runtime.arrays import load_arrays

    found: Dict[str, Array] = {}
    for item in files:
        if not item.name and item.path.suffix == _ALL:
            new = load_arrays(item.path)
        else:
            spec = _spec(item, specs, "input")
            new = {spec.name: _one(item.path, spec, shapes)}
        twice = sorted(set(new) & set(found))
        if twice:
            raise Invalid(f"the input {twice[0]!r} is given twice", f"Leave it out, or leave {item.path} out.")
        found.update(new)
    return found


def write(files: Sequence[ArrayFile], arrays: Mapping[str, Array]) -> None:
    """Outputs into files: each that is named into its own, all into one .npz file.

    Raises: Invalid: a name is no output, or a file cannot be written.
    """
    from farm.runtime.arrays import save_array, save_arrays

    specs = [TensorSpec(name, array.dtype.name, array.shape) for name, array in arrays.items()]
    for item in files:
        whole = not item.name and item.path.suffix == _ALL
        name = "" if whole else _spec(item, specs, "output").name
        try:
            if whole:
                save_arrays(item.path, arrays)
            else:
                save_array(item.path, arrays[name])
        except OSError as error:
            raise Invalid(f"cannot write {item.path}: {error.strerror}", "Choose another place with -o.") from error


def samples(folder: Path) -> Tuple[Path, ...]:
    """The .npz files of a folder, each the inputs of one inference, by name.

    Raises: NotFound: it has none.
    """
    found = tuple(sorted(folder.glob(f"*{_ALL}")))
    if not found:
        raise NotFound(f"{folder} holds no {_ALL} file", "Save the inputs of each inference with numpy.savez.")
    return found


def _spec(item: ArrayFile, specs: Sequence[TensorSpec], what: str) -> TensorSpec:
    names = ", ".join(spec.name for spec in specs)
    if not item.name:
        if len(specs) != 1:
            raise Invalid(
                f"{item.path} has one array, and the engine has {len(specs)} {what}s",
                f"Name it: {names}, as NAME=FILE.",
            )
        return specs[0]
    for spec in specs:
        if spec.name == item.name:
            return spec
    raise Invalid(f"the engine has no {what} {item.name!r}", f"Its {what}s are {names}.")


def _one(path: Path, spec: TensorSpec, shapes: Mapping[str, Any]) -> Array:
    from farm.runtime.arrays import load_array, load_raw

    if path.suffix == ".npy":
        return load_array(path)
    shape = tuple(shapes.get(spec.name) or spec.shape)
    if shape.count(-1) > 1:
        raise Invalid(
            f"{path.name} has no shape, and several axes of {spec.name!r} are open",
            f"Give it with --shapes {spec.name}:1x3x224x224, or save an .npy file.",
        )
    return load_raw(path, spec.dtype, shape)
