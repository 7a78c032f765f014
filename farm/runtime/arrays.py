"""Arrays in files: .npz, .npy, or nothing but numbers; read without ever unpickling, written one array at a time."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any, Dict, Mapping, Tuple

import numpy as np
from numpy.lib import format as npy

from farm.protocol.errors import Invalid, NotFound
from farm.protocol.shapes import format_shape

Array = Any


def load_arrays(path: Path) -> Dict[str, Array]:
    """All arrays of an .npz file, by name.

    Raises:
        NotFound: there is no such file.
        Invalid: it is not an .npz file, is damaged, or holds Python objects, which are never loaded.
    """
    try:
        with zipfile.ZipFile(str(path)) as archive:
            return {_name(member): _numbers(path, archive, member) for member in archive.namelist()}
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", "Save arrays with numpy.savez.") from None
    except (ValueError, OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise Invalid(f"{path.name} cannot be read as arrays: {error}", "Save it with numpy.savez.") from error


def save_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays as an .npz file that `load_arrays` and `numpy.load` read. Equal arrays give equal bytes.

    Unlike `numpy.savez` any name is possible, and no time of writing gets into the file.
    """
    with zipfile.ZipFile(str(path), "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(member, "w", force_zip64=True) as stream:
                npy.write_array(stream, np.asanyarray(array), allow_pickle=False)


def load_array(path: Path) -> Array:
    """The array of an .npy file.

    Raises: NotFound, Invalid: as `load_arrays`.
    """
    try:
        with path.open("rb") as stream:
            return _native(path, path.stem, npy.read_array(stream, allow_pickle=False))
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", "Save an array with numpy.save.") from None
    except (ValueError, OSError, EOFError) as error:
        raise Invalid(f"{path.name} cannot be read as an array: {error}", "Save it with numpy.save.") from error


def load_raw(path: Path, dtype: str, shape: Tuple[int, ...]) -> Array:
    """The numbers of a file that holds nothing else: little-endian, the last axis fastest.

    Args:
        path: The file.
        dtype: Of its elements.
        shape: Of the array; one axis may be -1, which the size of the file then tells.

    Raises: NotFound: there is no such file. Invalid: it has another size.
    """
    try:
        found = np.fromfile(str(path), np.dtype(dtype).newbyteorder("<"))
        size_bytes = path.stat().st_size
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", "Write it with numpy.ndarray.tofile.") from None
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}", "Give a file of numbers.") from error
    try:
        if found.nbytes != size_bytes:
            raise ValueError
        return found.reshape(shape).astype(dtype, copy=False)
    except ValueError:
        raise Invalid(
            f"{path.name} has {size_bytes} bytes, which are no {format_shape(shape)} of {dtype}",
            "Give its shape with --shapes.",
        ) from None


def save_array(path: Path, array: Array) -> None:
    """Write one array: into an .npy file if it is called so, else its numbers alone, as `load_raw` reads them."""
    if path.suffix == ".npy":
        with path.open("wb") as stream:
            npy.write_array(stream, np.asanyarray(array), allow_pickle=False)
    else:
        np.asarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tofile(str(path))


def _name(member: str) -> str:
    return member[: -len(".npy")] if member.endswith(".npy") else member


def _numbers(path: Path, archive: zipfile.ZipFile, member: str) -> Array:
    with archive.open(member) as stream:
        return _native(path, _name(member), npy.read_array(stream, allow_pickle=False))


def _native(path: Path, name: str, array: Array) -> Array:
    if array.dtype.kind not in "biuf":
        raise Invalid(f"{path.name}: {name!r} is {array.dtype}", "Save numbers or truth values only.")
    return np.asarray(array, dtype=array.dtype.newbyteorder("="))
