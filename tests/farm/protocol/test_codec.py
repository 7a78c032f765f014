from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.protocol.codec import canonical, digest, dumps, from_json, loads, to_json
from farm.protocol.errors import ProtocolError
from farm.protocol.states import Word

from ..samples import benchmark, cpu_facts, engine_detail, key, manifest


class Colour(Word):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Leaf:
    number: int
    ratio: float = 0.5


@dataclass(frozen=True)
class Tree:
    name: str
    leaves: Tuple[Leaf, ...] = ()
    by_name: Dict[str, Leaf] = field(default_factory=dict)
    colour: Optional[Colour] = None
    flag: bool = False
    anything: Any = None


LEAVES = st.builds(Leaf, st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))
TREES = st.builds(
    Tree,
    st.text(),
    st.lists(LEAVES, max_size=4).map(tuple),
    st.dictionaries(st.text(), LEAVES, max_size=4),
    st.none() | st.sampled_from(Colour),
    st.booleans(),
    JSON,
)


@given(TREES)
def test_whatever_is_written_is_read_back(tree: Tree) -> None:
    assert loads(Tree, dumps(tree)) == tree
    assert loads(Tree, canonical(tree)) == tree


@pytest.mark.parametrize("value", [cpu_facts(), manifest(), key(), benchmark(), engine_detail("eng-1")])
def test_the_values_of_the_farm_are_read_back(value: Any) -> None:
    assert loads(type(value), dumps(value)) == value


@given(TREES)
def test_the_canonical_form_does_not_depend_on_order(tree: Tree) -> None:
    backwards = dataclasses.replace(tree, by_name=dict(reversed(list(tree.by_name.items()))))
    assert canonical(backwards) == canonical(tree)
    assert digest(backwards) == digest(tree)


def test_a_digest_is_the_same_on_every_machine_and_version() -> None:
    tree = Tree("ü", (Leaf(1),), {"b": Leaf(2), "a": Leaf(3, 1.0)}, Colour.RED)
    assert (
        canonical(tree)
        == (
            '{"anything":null,"by_name":{"a":{"number":3,"ratio":1.0},"b":{"number":2,"ratio":0.5}},'
            '"colour":"red","flag":false,"leaves":[{"number":1,"ratio":0.5}],"name":"ü"}'
        ).encode()
    )


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({}, "Tree.name: missing"),
        ({"name": "x", "extra": 1}, "Tree.extra: unknown field"),
        ({"name": 1}, "Tree.name: expected str, got int"),
        ({"name": None}, "Tree.name: expected str, got null"),
        ({"name": "x", "leaves": {}}, "Tree.leaves: expected a list, got dict"),
        ({"name": "x", "leaves": [{"number": 1}, {"number": "1"}]}, "Tree.leaves[1].number: expected int, got str"),
        ({"name": "x", "leaves": [{"number": True}]}, "Tree.leaves[0].number: expected int, got bool"),
        ({"name": "x", "leaves": [{"number": 1.0}]}, "Tree.leaves[0].number: expected int, got float"),
        ({"name": "x", "by_name": []}, "Tree.by_name: expected an object, got list"),
        ({"name": "x", "by_name": {"a": 1}}, "Tree.by_name.a: expected an object, got int"),
        ({"name": "x", "colour": "green"}, "Tree.colour: 'green' is none of red, blue"),
        ({"name": "x", "colour": []}, "Tree.colour: [] is none of red, blue"),
        ({"name": "x", "flag": 1}, "Tree.flag: expected bool, got int"),
        ([], "Tree: expected an object, got list"),
    ],
)
def test_what_breaks_the_contract_is_named_by_its_path(data: Any, told: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        from_json(Tree, data)
    assert refused.value.message == told


@pytest.mark.parametrize("text", ["", "{", "nothing", b"\xff\xfe{", '{"name": "x"} more'])
def test_what_is_not_json_is_refused(text: Any) -> None:
    with pytest.raises(ProtocolError, match="Tree: not JSON"):
        loads(Tree, text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_go_neither_in_nor_out(number: str) -> None:
    with pytest.raises(ProtocolError, match="not a finite number"):
        loads(Leaf, f'{{"number": 1, "ratio": {number}}}')
    with pytest.raises(ProtocolError, match="has no JSON form"):
        to_json(Leaf(1, float(number)))


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(ProtocolError, match="set has no JSON form"):
        to_json(Tree("x", anything={1, 2}))


def test_a_whole_number_is_a_float_where_one_is_asked_for() -> None:
    assert json.loads(dumps(from_json(Leaf, {"number": 1, "ratio": 2}))) == {"number": 1, "ratio": 2.0}
