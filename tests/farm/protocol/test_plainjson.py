from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest

from farm.protocol.codec import loads
from farm.protocol.errors import ProtocolError
from farm.protocol.plainjson import DEEPEST, parse
from farm.protocol.report import Failure

# A finalizer that takes what is left of the stack, and a collector that runs it inside the parser.
_UNLUCKY = """
import gc, sys
from farm.protocol.plainjson import parse

def fall(depth):
    try:
        fall(depth + 1)
    except RecursionError:
        fall(depth + 1)

class Cycle:
    def __init__(self):
        self.me = self
    def __del__(self):
        if deep:
            fall(0)

for threshold in range(700, 990, 7):
    deep = False
    gc.disable()
    for _ in range(30):
        Cycle()
    gc.set_threshold(threshold, 1, 1)
    deep = True
    gc.enable()
    try:
        parse(b"[" * 4000)
    except ValueError:
        pass
    deep = False
    gc.collect()
"""

fragile = pytest.mark.skipif(sys.version_info >= (3, 10), reason="later ones bear what their stack has room for")


@pytest.mark.parametrize("text", ["{}", "7", '"[["', "[[], {}]", '{"a": ["\\"]", {"b": null}], "ü": 1.5}', "null"])
def test_it_is_what_json_spells(text: str) -> None:
    assert parse(text) == json.loads(text)
    assert parse(text.encode()) == json.loads(text)
    assert parse(text.encode("utf-16")) == json.loads(text)


def test_brackets_in_text_are_no_levels() -> None:
    data: Any = {"list": [{"[": "[[[{{{\\", "n": [index]} for index in range(1000)], '"': '\\"['}
    assert parse(json.dumps(data)) == data


@fragile
def test_the_depth_is_the_limit_and_not_the_number_of_levels() -> None:
    def nested(depth: int) -> str:
        return '[{"a":' * (depth // 2) + "1" + "}]" * (depth // 2)

    assert parse(nested(DEEPEST)) == json.loads(nested(DEEPEST))
    assert len(parse("[" + ",".join([nested(DEEPEST - 2)] * 50) + "]")) == 50
    with pytest.raises(ValueError, match=f"deeper than {DEEPEST} levels"):
        parse(nested(DEEPEST + 2))


@pytest.mark.parametrize("text", [b"", b"{", b"[1", b"no", b"\xff\xfe", b"[" * 4000, b'{"a":' * 100_000, b'"[' * 999])
def test_what_is_no_json_is_an_error_of_the_protocol(text: bytes) -> None:
    with pytest.raises(ProtocolError, match="not JSON"):
        loads(Failure, text)


def test_a_megabyte_of_brackets_takes_no_time() -> None:
    started = time.process_time()
    for text in ("[" * (1 << 20), "[]" * (1 << 19), '["' * (1 << 19)):
        with pytest.raises(ValueError, match=r"nests (deeper|too deep)|Extra data|Expecting"):
            parse(text)
    assert time.process_time() - started < 5


@fragile
def test_no_depth_ends_the_process() -> None:
    told = subprocess.run([sys.executable, "-c", _UNLUCKY], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr[-500:]
