"""PyCapsule by ctypes: the box in which a DLPack tensor travels, and the names that say who owns what is in it."""

from __future__ import annotations

from ctypes import PYFUNCTYPE, c_char_p, c_int, c_void_p, py_object, pythonapi
from typing import Any, Dict

# A capsule keeps the address of its name, so that these must stay.
PLAIN, VERSIONED = b"dltensor", b"dltensor_versioned"
USED: Dict[bytes, bytes] = {PLAIN: b"used_dltensor", VERSIONED: b"used_dltensor_versioned"}

new = PYFUNCTYPE(py_object, c_void_p, c_char_p, c_void_p)(("PyCapsule_New", pythonapi))
pointer = PYFUNCTYPE(c_void_p, py_object, c_char_p)(("PyCapsule_GetPointer", pythonapi))
rename = PYFUNCTYPE(c_int, py_object, c_char_p)(("PyCapsule_SetName", pythonapi))
_is = PYFUNCTYPE(c_int, py_object, c_char_p)(("PyCapsule_IsValid", pythonapi))

# The same for a capsule that is on its way out, of which no reference may be taken any more.
dying_is = PYFUNCTYPE(c_int, c_void_p, c_char_p)(("PyCapsule_IsValid", pythonapi))
dying_pointer = PYFUNCTYPE(c_void_p, c_void_p, c_char_p)(("PyCapsule_GetPointer", pythonapi))


def name_of(capsule: Any) -> bytes:
    """Which of `PLAIN`, `VERSIONED` and their used forms it has; empty where none of these."""
    for name in (*USED, *USED.values()):
        if _is(capsule, name):
            return name
    return b""
