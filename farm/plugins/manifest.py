r"""Read `plugin.toml`, which says what a plugin computes.

name = "cummax"                       # the folder, the library, the name in request keys
version = "1"                         # of its creators
purpose = "Running maximum along an axis, with where it was found."
operators = ["cummax"]                # names of its creators, which are those of the models' operators
minimum_tensorrt = "8.5"

[[inputs]]
name = "input"
dtypes = ["float32", "float16"]
ranks = [1, 2, 3, 4]                  # left out: any
shape = "any"                         # for people

[[outputs]]
name = "indices"
dtypes = ["int32"]

[[attributes]]
name = "dim"
type = "int"                          # int, float, string, ints or floats
default = 0                           # left out: it must be there
allowed = "-rank to rank - 1"         # for people
meaning = "The axis."

[tolerance]                           # how far results may be from the reference
float32 = 0.0
"""

from __future__ import annotations

import sys
from typing import Any

from farm.protocol.codec import from_json, to_json
from farm.protocol.errors import Invalid
from farm.protocol.plugins import PluginManifest, check_plugin_name

_TYPES = ("int", "float", "string", "ints", "floats")
_LONGEST = 128
_MOST_BYTES = 1 << 16


def read_manifest(data: bytes) -> PluginManifest:
    """What a `plugin.toml` says.

    Raises: Invalid: it cannot be read, lacks something, or has a field that there is not.
    """
    found = from_json(PluginManifest, _parsed(data), "plugin.toml")
    check_plugin_name(found.name)
    _check_words("operators", found.operators)
    _check_words("version", (found.version,))
    if not all(part.isdigit() for part in found.minimum_tensorrt.split(".")):
        raise Invalid(f"plugin.toml: minimum_tensorrt {found.minimum_tensorrt!r} is no version", "Write it as 8.5.")
    for item in found.attributes:
        if item.type not in _TYPES:
            raise Invalid(
                f"plugin.toml: the attribute {item.name} has the type {item.type!r}", f"Use {', '.join(_TYPES)}."
            )
    # A date or a number that is none has no JSON form.
    to_json(found)
    return found


def _parsed(data: bytes) -> Any:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    if len(data) > _MOST_BYTES:
        raise Invalid(f"plugin.toml has {len(data)} bytes, and may have {_MOST_BYTES}", "Keep it to what it is for.")
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise Invalid(f"plugin.toml cannot be read: {error}", "Mend that line.") from error


def _check_words(field: str, words: Any) -> None:
    wrong = [word for word in words if not word or len(word) > _LONGEST or not word.isprintable() or " " in word]
    if not words or wrong:
        raise Invalid(
            f"plugin.toml: {field} has no usable word", 'Write it as operators = ["MyOperator"], version = "1".'
        )
