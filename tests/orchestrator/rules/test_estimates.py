from __future__ import annotations

from orchestrator.rules.estimates import Estimate, Took, Wanted, estimate

MIB = 1 << 20
WANTED = Wanted("mine", "fp16", 100 * MIB)


def took(model: str, precision: str, seconds: float, size_bytes: int = 900 * MIB) -> Took:
    return Took(Wanted(model, precision, size_bytes), 1000.0 * seconds)


OTHERS = (took("big", "fp32", 500.0), took("small", "fp16", 3.0, MIB))
LIKE = (took("like", "fp16", 60.0, 180 * MIB), took("like", "fp16", 80.0, 51 * MIB))
MINE = (took("mine", "int8", 200.0), took("mine", "fp16", 90.0), took("mine", "fp16", 70.0), took("mine", "fp16", 80.0))


def test_builds_of_the_same_model_and_precision_tell_most() -> None:
    assert estimate((*OTHERS, *LIKE, *MINE), WANTED) == Estimate(80.0, "3 builds of this model")


def test_else_those_of_the_model_in_other_precisions() -> None:
    assert estimate((*OTHERS, *LIKE, MINE[0]), WANTED) == Estimate(200.0, "1 build of this model in other precisions")


def test_else_models_of_its_size_in_its_precision() -> None:
    assert estimate((*OTHERS, *LIKE), WANTED) == Estimate(70.0, "2 builds of models of this size")
    assert estimate(LIKE, Wanted("mine", "fp32", 100 * MIB)) == Estimate(70.0, "2 builds of other models")


def test_else_all_for_the_target_and_where_nothing_was_built_there_is_none() -> None:
    assert estimate(OTHERS, WANTED) == Estimate(251.5, "2 builds of other models")
    assert estimate(OTHERS, Wanted("mine", "fp16")) == Estimate(251.5, "2 builds of other models")
    assert estimate((), WANTED) is None
