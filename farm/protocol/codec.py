"""Strict JSON in and out of frozen dataclasses, and the canonical form that keys are hashed from.

Supported field types: str, int, float, bool, None, `Any` (plain JSON), `Optional`, `Tuple[X, ...]`, `Dict[str, X]`,
enums by value and other dataclasses. A field without a default must be present; an unknown one is refused.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import types
from enum import Enum
from functools import lru_cache
from typing import Any, Dict, Tuple, Type, TypeVar, Union, get_type_hints

from .errors import ProtocolError
from .plainjson import parse

T = TypeVar("T")

_SCALARS: Dict[type, tuple[type, ...]] = {str: (str,), bool: (bool,), int: (int,), float: (float, int)}
# What `X | None` makes on Python 3.10 and later; there is none of it before.
_UNION: Tuple[type, ...] = (types.UnionType,) if hasattr(types, "UnionType") else ()

_PLAIN = frozenset((type(None), bool, int, str))
# The fields of each kind of value that was ever encoded: lists encode thousands of the same few.
_FIELDS: Dict[type, Tuple[str, ...]] = {}


def to_json(value: Any) -> Any:
    """Plain JSON (dicts, lists, scalars) of a value of the protocol.

    Raises: ProtocolError: a float is NaN or infinite, or a type has no JSON form.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    names = _FIELDS.get(kind)
    if names is not None:
        return {name: to_json(getattr(value, name)) for name in names}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ProtocolError(f"{value} has no JSON form")
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        _FIELDS[kind] = tuple(field.name for field in dataclasses.fields(value))
        return to_json(value)
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    raise ProtocolError(f"{kind.__name__} has no JSON form")


def from_json(kind: Type[T], data: Any, path: str = "") -> T:
    """The value of dataclass `kind` that `data` spells.

    Args:
        kind: The dataclass to make.
        data: Parsed JSON.
        path: What to call `data` in an error message; the name of the class by default.

    Raises: ProtocolError: the message names the path, such as `options.profiles[0].minimum`.
    """
    made: T = _dataclass(kind, data, path or kind.__name__)
    return made


def loads(kind: Type[T], text: Union[str, bytes]) -> T:
    """The value that a JSON text spells.

    Raises: ProtocolError: not JSON, or not of this kind.
    """
    try:
        data = parse(text)
    except ValueError as error:
        raise ProtocolError(f"{kind.__name__}: not JSON: {error}") from error
    return from_json(kind, data)


def dumps(value: Any) -> str:
    """The JSON text of a value, in the order of its fields."""
    return json.dumps(to_json(value), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> bytes:
    """The one byte string of a value: sorted keys, no blanks, UTF-8. Equal values give equal bytes on every machine."""
    return json.dumps(
        to_json(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest(value: Any) -> str:
    """The sha256 of the canonical form, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


@lru_cache(maxsize=None)
def _hints(kind: type) -> Dict[str, Any]:
    return get_type_hints(kind)


def _dataclass(kind: Any, data: Any, path: str) -> Any:
    if not isinstance(data, dict):
        raise ProtocolError(f"{path}: expected an object, got {_name(data)}")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    unknown = sorted(set(data) - set(fields))
    if unknown:
        raise ProtocolError(f"{path}.{unknown[0]}: unknown field")
    values = {}
    for name, field in fields.items():
        if name in data:
            values[name] = _value(_hints(kind)[name], data[name], f"{path}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ProtocolError(f"{path}.{name}: missing")
    return kind(**values)


def _value(hint: Any, data: Any, path: str) -> Any:
    if hint is Any:
        return data
    origin = getattr(hint, "__origin__", None)
    arguments: Tuple[Any, ...] = getattr(hint, "__args__", ())
    if origin is Union or isinstance(hint, _UNION):
        if data is None and type(None) in arguments:
            return None
        return _value(next(item for item in arguments if item is not type(None)), data, path)
    if origin is tuple:
        if not isinstance(data, list):
            raise ProtocolError(f"{path}: expected a list, got {_name(data)}")
        return tuple(_value(arguments[0], item, f"{path}[{index}]") for index, item in enumerate(data))
    if origin is dict:
        if not isinstance(data, dict):
            raise ProtocolError(f"{path}: expected an object, got {_name(data)}")
        return {key: _value(arguments[1], item, f"{path}.{key}") for key, item in data.items()}
    if dataclasses.is_dataclass(hint):
        return _dataclass(hint, data, path)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _word(hint, data, path)
    return _scalar(hint, data, path)


def _word(hint: Type[Enum], data: Any, path: str) -> Enum:
    try:
        return hint(data)
    except ValueError:
        known = ", ".join(str(item.value) for item in hint)
        raise ProtocolError(f"{path}: {data!r} is none of {known}") from None


def _scalar(hint: type, data: Any, path: str) -> Any:
    # bool is an int to Python, not to JSON.
    wanted = _SCALARS[hint]
    if not isinstance(data, wanted) or (isinstance(data, bool) and hint is not bool):
        raise ProtocolError(f"{path}: expected {hint.__name__}, got {_name(data)}")
    if not isinstance(data, (int, float)) or hint is not float:
        return data
    if not math.isfinite(data):
        raise ProtocolError(f"{path}: {data} is not a finite number")
    return float(data)


def _name(data: Any) -> str:
    return "null" if data is None else type(data).__name__
