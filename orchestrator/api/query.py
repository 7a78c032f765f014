"""Query strings as frozen dataclasses: a parameter nobody declared is refused, not dropped."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from enum import Enum
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from farm.protocol.errors import ProtocolError

from .body import check_text
from .schemas import Schema, Schemas

T = TypeVar("T")

_SWITCH = {"1": True, "true": True, "0": False, "false": False, "": False}


@dataclasses.dataclass(frozen=True)
class NoQuery:
    """Nothing may be asked."""


def from_query(kind: type[T], items: Iterable[tuple[str, str]]) -> T:
    """The value of dataclass `kind` that a query string spells; a field that is a tuple takes a name many times.

    Raises: ProtocolError: names the parameter.
    """
    hints = get_type_hints(kind)
    told: dict[str, Any] = {}
    for name, text in items:
        if name not in hints:
            raise ProtocolError(f"?{check_text(name, 'query')[:80]}: unknown parameter")
        if get_origin(hints[name]) is tuple:
            told[name] = (*told.get(name, ()), _value(get_args(hints[name])[0], text, name))
        elif name in told:
            raise ProtocolError(f"?{name}: given twice")
        else:
            told[name] = _value(_inner(hints[name]), text, name)
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]  # it is a dataclass
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in told:
            raise ProtocolError(f"?{field.name}: missing")
    return kind(**told)


def parameters(kind: type, schemas: Schemas) -> list[Schema]:
    """The OpenAPI parameters of a query."""
    hints = get_type_hints(kind)
    return [
        {
            "name": field.name,
            "in": "query",
            "required": field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
            "schema": schemas.of(hints[field.name])
            if get_origin(hints[field.name]) is tuple
            else schemas.of(_inner(hints[field.name])),
        }
        for field in dataclasses.fields(kind)
    ]


def _inner(hint: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        return next(item for item in get_args(hint) if item is not type(None))
    return hint


def _value(hint: Any, text: str, name: str) -> Any:
    check_text(text, f"?{name}")
    try:
        if hint is bool:
            return _SWITCH[text.lower()]
        if hint is int and len(text) > 18:
            raise ValueError
        if isinstance(hint, type) and issubclass(hint, Enum):
            return hint(text)
        value = hint(text)
    except (ValueError, KeyError):
        raise ProtocolError(f"?{name}: {text[:80]!r} is not {_wanted(hint)}") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ProtocolError(f"?{name}: {text!r} is not a finite number")
    return value


def _wanted(hint: Any) -> str:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + ", ".join(str(item.value) for item in hint)
    return {int: "a whole number", float: "a number", bool: "1 or 0"}.get(hint, "valid")
