"""JSON schemas of the protocol's dataclasses, made from the dataclasses themselves."""

from __future__ import annotations

import dataclasses
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

Schema = dict[str, Any]

_SCALARS: dict[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
_WHERE = "#/components/schemas/"

ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "hint", "details"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string", "description": "One sentence."},
                "hint": {"type": "string", "description": "The next step, or empty."},
                "details": {"type": "object"},
            },
        }
    },
}


class Schemas:
    """Schemas by name, grown by asking for references to them."""

    def __init__(self) -> None:
        self.named: dict[str, Schema] = {"Error": ERROR}

    def reference(self, kind: type) -> Schema:
        """A reference to the schema of a dataclass or an enum, which is from then on in `named`."""
        if kind.__name__ not in self.named:
            self.named[kind.__name__] = {}  # a type may hold itself
            self.named[kind.__name__] = _enum(kind) if issubclass(kind, Enum) else self._object(kind)
        return {"$ref": _WHERE + kind.__name__}

    def of(self, hint: Any) -> Schema:
        """The schema of a field's type."""
        origin, arguments = get_origin(hint), get_args(hint)
        if hint is Any:
            return {}
        if origin in (Union, UnionType):
            return {"anyOf": [self.of(item) for item in arguments]}
        if origin is tuple:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if hint in _SCALARS:
            return {"type": _SCALARS[hint]}
        return self.reference(hint)

    def _object(self, kind: type) -> Schema:
        hints = get_type_hints(kind)
        schema: Schema = {
            "type": "object",
            "description": (kind.__doc__ or "").split("\n\n")[0].strip(),
            "properties": {},
            "required": [],
            "additionalProperties": False,
        }
        for field in dataclasses.fields(kind):
            schema["properties"][field.name] = self.of(hints[field.name])
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                schema["required"].append(field.name)
        if not schema["required"]:
            del schema["required"]
        return schema


def _enum(kind: type[Enum]) -> Schema:
    words = [item.value for item in kind]
    return {"type": "string" if isinstance(words[0], str) else "integer", "enum": words}
