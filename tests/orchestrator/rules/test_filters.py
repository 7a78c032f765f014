from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.protocol.errors import Invalid
from farm.protocol.facts import GpuFacts
from farm.protocol.target import targets_from_facts
from orchestrator.rules.filters import ATTRIBUTES, Filter, Sieve, Subject, is_filter, parse_filter
from tests.support.coordinator import cpu_facts, gpu_facts

CARD = replace(
    gpu_facts("NVIDIA GeForce RTX 4090", "8.9", "10.13.3.9"),
    gpus=(GpuFacts("NVIDIA GeForce RTX 4090", "8.9", 25258819584, 128),),
)
GPU = Subject("desk-1", CARD, targets_from_facts(CARD)[0])
CPU = Subject("box", cpu_facts(), targets_from_facts(cpu_facts())[0])


@pytest.mark.parametrize(
    ("text", "gpu", "cpu"),
    [
        ("sm>=80", True, False),
        ("sm=89", True, False),
        ("sm<80", False, False),
        ("sm!=89", False, True),
        ("cc>=8.9", True, False),
        ("mem>=16GiB", True, True),
        ("mem>=25GB", True, True),
        ("mem>=24GiB", False, True),
        ("mem<24GiB", True, False),
        ("gpu~=rtx", True, False),
        ("gpu=NVIDIA GeForce RTX 4090", True, False),
        ("gpu=cpu", False, True),
        ("backend=tensorrt", True, False),
        ("backend!=tensorrt", False, True),
        ("version>=10", True, False),
        ("version>=10.9", True, False),
        ("version=10.13", True, False),
        ("version>10.13", False, False),
        ("version<=10.13", True, True),
        ("version>9.9", True, False),
        ("isa=avx512f", True, True),
        ("isa=amx_int8", False, False),
        ("isa!=amx_int8", True, True),
        ("platform~=x86", True, True),
        ("device=desk-1", True, False),
        ("l4t>=35", False, False),
        ("driver>=580", True, False),
        ("sm>=80,mem>=16GiB,gpu~=RTX,backend=tensorrt", True, False),
        (" sm >= 80 , backend == tensorrt ", True, False),
    ],
)
def test_what_matches(text: str, gpu: bool, cpu: bool) -> None:
    parsed = parse_filter(text)
    assert (parsed.matches(GPU), parsed.matches(CPU)) == (gpu, cpu)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sm", "not a clause"),
        ("sm>=", "not a clause"),
        ("", "not a clause"),
        ("sm>=80,", "not a clause"),
        ("smm>=80", "no 'smm'"),
        ("sm>=eighty", "not a whole number"),
        ("mem>=lots", "not a size"),
        ("version>=new", "not a version"),
        ("gpu>=RTX", "is text"),
        ("sm>=80;gpu~=RTX", "not a whole number"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, told: str) -> None:
    with pytest.raises(Invalid, match=told) as refused:
        parse_filter(text)
    assert refused.value.hint


def test_a_name_is_no_filter() -> None:
    assert [is_filter(text) for text in ("rtx4090", "all", "box-1", "sm>=80", "gpu~=RTX")] == [False] * 3 + [True] * 2


VALUES = {
    "number": st.integers(0, 10**9).map(str),
    "size": st.tuples(st.integers(0, 10**6), st.sampled_from(["", "B", "KB", "MiB", "G", "GiB", "TB"])).map(
        lambda pair: f"{pair[0]}{pair[1]}"
    ),
    "version": st.lists(st.integers(0, 999), min_size=1, max_size=4).map(lambda parts: ".".join(map(str, parts))),
    "text": st.text("abcXYZ019 -_.", min_size=1, max_size=12).map(str.strip).filter(bool),
    "set": st.sampled_from(["avx2", "avx512f", "neon"]),
}


@st.composite
def clauses(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from(sorted(ATTRIBUTES)))
    kind = ATTRIBUTES[name].kind
    relations = ["=", "!=", "~="] if kind in ("text", "set") else ["=", "!=", ">=", "<=", ">", "<", "~="]
    return f"{name}{draw(st.sampled_from(relations))}{draw(VALUES[kind])}"


@given(st.lists(clauses(), min_size=1, max_size=4))
def test_a_filter_is_read_back_from_its_text(parts: list[str]) -> None:
    parsed = parse_filter(",".join(parts))
    assert parse_filter(str(parsed)) == parsed
    # A filter is the conjunction of its clauses, on any subject, without an error.
    for subject in (GPU, CPU):
        assert parsed.matches(subject) is all(parse_filter(part).matches(subject) for part in parts)


@given(st.text(max_size=40))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        parsed = parse_filter(text)
    except Invalid:
        return
    parsed.matches(GPU)
    parsed.matches(CPU)


@given(st.integers(0, 120), st.sampled_from(["version", "sm"]))
def test_a_comparison_and_its_opposite_never_agree(number: int, name: str) -> None:
    assert parse_filter(f"{name}>={number}").matches(GPU) is not parse_filter(f"{name}<{number}").matches(GPU)
    assert parse_filter(f"{name}={number}").matches(GPU) is not parse_filter(f"{name}!={number}").matches(GPU)


class CountingFilter(Filter):
    """A filter that remembers the devices it was asked about."""

    asked: list[str]

    def matches(self, subject: Subject) -> bool:
        self.asked.append(subject.device)
        return super().matches(subject)


def counting(text: str) -> CountingFilter:
    made = CountingFilter(parse_filter(text).clauses)
    object.__setattr__(made, "asked", [])  # a filter is frozen
    return made


@given(st.lists(st.lists(clauses(), min_size=1, max_size=2).map(",".join), max_size=6))
def test_a_sieve_tells_what_each_of_its_filters_tells(texts: list[str]) -> None:
    filters = [parse_filter(text) for text in texts]
    sieve = Sieve(filters)
    for subject in (GPU, CPU, GPU, replace(GPU, device="desk-2"), CPU):
        assert sieve.matching(subject) == tuple(at for at, item in enumerate(filters) if item.matches(subject))


def test_a_sieve_compares_once_what_looks_the_same_to_all_its_filters() -> None:
    card, processor = counting("sm>=80"), counting("gpu=cpu")
    sieve = Sieve([card, processor])
    told = [sieve.matching(replace(GPU, device=name)) for name in ("desk-1", "desk-2", "desk-3")]
    assert (told, card.asked, processor.asked) == ([(0,)] * 3, ["desk-1"], ["desk-1"])
    assert sieve.matching(CPU) == (1,)
    assert card.asked == ["desk-1", "box"]


def test_a_sieve_tells_apart_what_one_of_its_filters_tells_apart() -> None:
    sieve = Sieve([parse_filter("sm>=80"), parse_filter("device=desk-2")])
    assert [sieve.matching(replace(GPU, device=name)) for name in ("desk-1", "desk-2")] == [(0,), (0, 1)]


def test_a_sieve_without_filters_lets_nothing_through() -> None:
    assert Sieve([]).matching(GPU) == ()
