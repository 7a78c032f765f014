"""Arrays in .npz files: read without ever unpickling, written one array at a time."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any, Dict, Mapping

import numpy as np
from numpy.lib import format as npy

from farm.protocol.errors import Invalid, NotFound

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


def _name(member: str) -> str:
    return member[: -len(".npy")] if member.endswith(".npy") else member


def _numbers(path: Path, archive: zipfile.ZipFile, member: str) -> Array:
    with archive.open(member) as stream:
        array = npy.read_array(stream, allow_pickle=False)
    if array.dtype.kind not in "biuf":
        raise Invalid(f"{path.name}: {_name(member)!r} is {array.dtype}", "Save numbers or truth values only.")
    return np.asarray(array, dtype=array.dtype.newbyteorder("="))
