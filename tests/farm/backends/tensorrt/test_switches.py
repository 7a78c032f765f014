"""The table of trtexec's options against what trtexec of each release takes."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Dict, List, Set

import pytest

from farm.backends.tensorrt.capabilities import capabilities_of
from farm.backends.tensorrt.switches import SWITCHES, has, profile_problems, switch
from farm.backends.tensorrt.version import parse
from farm.protocol.errors import Unsupported
from farm.protocol.options import BuildOptions, ShapeRange

FACTS = Path(__file__).with_name("trtexec_options.tsv")


def facts() -> Dict[str, Set[str]]:
    """Release to the options its trtexec takes."""
    releases: List[str] = []
    found: Dict[str, Set[str]] = defaultdict(set)
    for line in FACTS.read_text().splitlines():
        if line.startswith("# releases: "):
            releases = line.split(": ")[1].split()
        elif not line.startswith(("#", "option\t")):
            name, first, last = line.split("\t")
            for release in releases[releases.index(first) : releases.index(last) + 1]:
                found[release].add(name)
    return found


FACTS_BY_RELEASE = facts()


def test_the_facts_are_of_all_generations() -> None:
    assert {parse(release)[:2] for release in FACTS_BY_RELEASE} >= {(8, 5), (8, 6), (10, 0), (10, 16), (11, 1)}
    assert all(len(options) > 80 for options in FACTS_BY_RELEASE.values())


@pytest.mark.parametrize("release", FACTS_BY_RELEASE)
def test_trtexec_takes_every_option_that_the_table_says_it_has(release: str) -> None:
    can = capabilities_of(release)
    written = {name for name in SWITCHES if has(name, can)}
    assert written <= FACTS_BY_RELEASE[release]


@pytest.mark.parametrize("release", FACTS_BY_RELEASE)
def test_trtexec_lacks_what_the_table_says_is_not_there_yet(release: str) -> None:
    can = capabilities_of(release)
    missing = {name for name, symbol in SWITCHES.items() if can.api < symbol.since}
    assert not missing & FACTS_BY_RELEASE[release]


def test_an_option_that_a_version_lacks_is_refused_by_name() -> None:
    assert switch("memPoolSize", capabilities_of("8.5.2"), "workspace:64") == "--memPoolSize=workspace:64"
    with pytest.raises(Unsupported, match=r"trtexec 8\.5\.2 has no option --profile: it begins with TensorRT 9\.3"):
        switch("profile", capabilities_of("8.5.2"))
    with pytest.raises(Unsupported, match=r"trtexec 11\.1\.0 has no option --fp16: it ended with TensorRT 11\.0"):
        switch("fp16", capabilities_of("11.1.0"))


def test_several_profiles_begin_with_a_version() -> None:
    one = ({"x": ShapeRange((1, 4), (2, 4), (8, 4))},)
    assert profile_problems("8.5.2", BuildOptions(profiles=one)) == ()
    assert profile_problems("10.4.0", BuildOptions(profiles=one * 2)) == ()
    (problem,) = profile_problems("8.5.2", BuildOptions(profiles=one * 2))
    assert problem == "trtexec 8.5.2 builds for one profile, not for 2: several begin with TensorRT 9.3"
