"""Give outputs to the library that the inputs came from, where they lie."""

from __future__ import annotations

import sys
from typing import Any, Dict, Mapping, Optional

import numpy as np

from .cuda.array import DeviceArray
from .dlpack.layout import ON_GPU, DeviceKind
from .dlpack.lend import Lent
from .values import Array, Value


def on_gpu(arrays: Mapping[str, Array]) -> bool:
    """One of them lies on a GPU."""
    return any(_kind(array) in ON_GPU for array in arrays.values() if not isinstance(array, np.ndarray))


def library_of(arrays: Mapping[str, Array]) -> Optional[Any]:
    """The module of the first array that is none of NumPy's; None where all are."""
    for array in arrays.values():
        if not isinstance(array, (np.ndarray, np.generic)):
            return sys.modules.get(type(array).__module__.partition(".")[0])
    return None


def handed_over(values: Mapping[str, Value], library: Optional[Any]) -> Dict[str, Any]:
    """The outputs as arrays of a library, which then owns their memory.

    Args:
        values: Arrays that belong to nobody else.
        library: Has `from_dlpack`, else each is something that `from_dlpack` of any library takes. None is NumPy.
    """
    if library is None:
        return dict(values)
    take = getattr(library, "from_dlpack", None) or (lambda lent: lent)
    return {name: take(lent(value)) for name, value in values.items()}


def lent(value: Value) -> Lent:
    """An array that is new, as something that `from_dlpack` of any library takes."""
    if isinstance(value, DeviceArray):
        return value.lent()
    array = np.asarray(value, order="C")
    return Lent(array.ctypes.data, array.shape, array.dtype.name, (DeviceKind.CPU, 0), array)


def _kind(array: Any) -> int:
    return int(array.__dlpack_device__()[0]) if hasattr(array, "__dlpack_device__") else 0
