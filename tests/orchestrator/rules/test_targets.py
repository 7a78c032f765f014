from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from farm.protocol.codec import loads
from farm.protocol.errors import Invalid, TargetUnavailable
from farm.protocol.facts import BackendFacts, DeviceFacts
from farm.protocol.target import targets_from_facts
from orchestrator.rules.targets import Offer, resolve, served
from orchestrator.rules.words import BUILTIN, TargetWord
from tests.support.coordinator import cpu_facts, gpu_facts

FACTS = Path(__file__).parents[2] / "data" / "facts"


def offers(name: str, facts: DeviceFacts, recorded: bool = False) -> list[Offer]:
    return [Offer(name, facts, target, recorded) for target in targets_from_facts(facts)]


def recorded(name: str) -> list[Offer]:
    return offers(f"{name}-1", loads(DeviceFacts, (FACTS / f"{name}.json").read_text()))


FLEET = [item for name in ("xavier", "v100", "rtx4090", "h200") for item in recorded(name)]


@pytest.mark.parametrize("word", ["xavier", "v100", "rtx4090", "h200", "XAVIER", "agx-xavier", "4090", "v100-1"])
def test_names_aliases_and_devices_find_one_target(word: str) -> None:
    (found,) = resolve([word], BUILTIN, FLEET)
    assert found.word == word
    assert found.devices[0].split("-")[0] in word.lower().replace("agx-", "").replace("4090", "rtx4090").replace(
        "rtxrtx", "rtx"
    )


def test_every_builtin_word_can_be_read_and_none_is_there_twice() -> None:
    names = [name for word in BUILTIN for name in (word.name, *word.aliases)]
    assert len(names) == len(set(names))
    assert all(word.parsed.clauses for word in BUILTIN)


def test_all_and_filters_give_each_distinct_target_once() -> None:
    fleet = [*FLEET, *offers("h200-2", loads(DeviceFacts, (FACTS / "h200.json").read_text()))]
    every = resolve(["all"], BUILTIN, fleet)
    assert len(every) == len({item.word for item in every}) == len(FLEET)
    big = resolve(["sm>=80,mem>=16GiB"], BUILTIN, fleet)
    assert sorted(item.devices for item in big if item.target.backend == "tensorrt") == [
        ("h200-1", "h200-2"),
        ("rtx4090-1",),
    ]
    assert len(resolve(["all", "sm>=80", "h200"], BUILTIN, fleet)) == len(every) + 1


@pytest.mark.parametrize(
    ("word", "near"), [("rtx4900", "rtx4090"), ("xaver", "xavier"), ("h20", "h200"), ("v100-2", "v100-1")]
)
def test_an_unknown_word_tells_what_is_near(word: str, near: str) -> None:
    with pytest.raises(TargetUnavailable) as refused:
        resolve([word], BUILTIN, FLEET)
    assert near in refused.value.details["candidates"]


def test_a_known_word_without_a_device_says_so() -> None:
    with pytest.raises(TargetUnavailable, match="no device of this farm is a rtx2060"):
        resolve(["rtx2060"], BUILTIN, FLEET)


def test_an_ambiguous_name_lists_filters_that_each_select_one() -> None:
    fleet = [*offers("a", cpu_facts("a")), *offers("b", cpu_facts("b", version="1.19.2"))]
    fleet += offers("c", replace(cpu_facts("c"), libc="glibc-2.31"))
    with pytest.raises(TargetUnavailable, match="3 different targets") as refused:
        resolve(["cpu"], BUILTIN, fleet)
    chosen = [resolve([text], BUILTIN, fleet) for text in refused.value.details["candidates"]]
    assert [len(item) for item in chosen] == [1, 1, 1]
    assert len({item[0].devices for item in chosen}) == 3


def test_enrolled_devices_hide_recorded_ones() -> None:
    fleet = [*offers("recorded", gpu_facts(version="10.13.3.9"), recorded=True), *offers("real", gpu_facts())]
    (found,) = resolve(["h200"], BUILTIN, fleet)
    assert (found.devices, found.recorded) == (("real",), False)
    (only,) = resolve(["h200"], BUILTIN, fleet[:1])
    assert only.recorded


def test_two_doors_to_one_runtime_are_one_target() -> None:
    both = replace(gpu_facts(), backends=(BackendFacts("trtexec", "8.5.3.1"), BackendFacts("tensorrt", "8.5.3.1")))
    (found,) = resolve(["h200"], BUILTIN, offers("gpu", both))
    assert found.target.backend == "tensorrt"
    (asked,) = resolve(["backend=trtexec"], BUILTIN, offers("gpu", both))
    assert asked.target.backend == "trtexec"


def test_rtx_aot_is_never_meant_by_a_card() -> None:
    both = replace(
        gpu_facts("NVIDIA GeForce RTX 4090", "8.9"),
        backends=(BackendFacts("tensorrt", "10.13.3.9"), BackendFacts("tensorrt_rtx", "1.2.0.54")),
    )
    fleet = offers("desk", both)
    assert resolve(["rtx4090"], BUILTIN, fleet)[0].target.backend == "tensorrt"
    assert resolve(["rtx-aot"], BUILTIN, fleet)[0].target.backend == "tensorrt_rtx"
    with pytest.raises(TargetUnavailable, match="2 different targets"):
        resolve(["desk"], BUILTIN, fleet)


def test_an_own_word_wins_over_a_builtin_one() -> None:
    own = TargetWord("lab", "device~=h200", builtin=False)
    assert resolve(["lab"], (*BUILTIN, own), FLEET)[0].devices == ("h200-1",)


def test_nothing_asked_is_refused() -> None:
    with pytest.raises(Invalid, match="no target"):
        resolve([], BUILTIN, FLEET)


def test_a_device_serves_what_its_owner_lets_it() -> None:
    both = replace(gpu_facts(), backends=(*gpu_facts().backends, *cpu_facts().backends))
    assert [t.backend for t in served(both, "d", (), BUILTIN)] == ["tensorrt", "onnxruntime"]
    assert [t.backend for t in served(both, "d", ("cpu",), BUILTIN)] == ["onnxruntime"]
    assert [t.backend for t in served(both, "d", ("sm>=80", "h200"), BUILTIN)] == ["tensorrt"]
    with pytest.raises(Invalid, match="no target word"):
        served(both, "d", ("toaster",), BUILTIN)
