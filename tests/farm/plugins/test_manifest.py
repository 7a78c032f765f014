from __future__ import annotations

import pytest

from farm.plugins.manifest import read_manifest
from farm.protocol.errors import Invalid
from farm.protocol.plugins import PluginAttribute

GOOD = """
name = "twice"
version = "1"
purpose = "Twice its input."
operators = ["Twice"]
[[attributes]]
name = "axes"
type = "ints"
default = [0, 1]
[tolerance]
float32 = 1e-6
"""


def test_what_it_says_is_read() -> None:
    made = read_manifest(GOOD.encode())
    assert (made.name, made.operators, made.minimum_tensorrt) == ("twice", ("Twice",), "8.5")
    assert made.attributes == (PluginAttribute("axes", "ints", [0, 1]),)
    assert made.tolerance == {"float32": 1e-6}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "twice"', 'name = "Twice"'),
        ('name = "twice"', 'name = "common"'),
        ('name = "twice"', ""),
        ('version = "1"', "version = 1"),
        ('version = "1"', 'version = ""'),
        ('["Twice"]', "[]"),
        ('["Twice"]', '["two words"]'),
        ('["Twice"]', '"Twice"'),
        ('type = "ints"', 'type = "tensor"'),
        ("default = [0, 1]", "default = 2026-01-01"),
        ("default = [0, 1]", "default = nan"),
        ("[tolerance]", 'author = "me"\n[tolerance]'),
        ("[tolerance]", '[other]\nminimum_tensorrt = "10"\n[tolerance]'),
        ('purpose = "Twice its input."', 'purpose = "Twice its input."\nminimum_tensorrt = "8.x"'),
        ("float32 = 1e-6", "float32 = inf"),
        ("[tolerance]", "x = " + "[" * 5000),
        ("[tolerance]", "#" * (1 << 16)),
        ("[tolerance]", "= ="),
    ],
)
def test_what_cannot_be_is_refused(old: str, new: str) -> None:
    assert old in GOOD
    with pytest.raises(Invalid):
        read_manifest(GOOD.replace(old, new, 1).encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Invalid):
        read_manifest(b"\xff\xfe")
