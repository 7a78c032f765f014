"""Which engines may go."""

from __future__ import annotations

from dataclasses import replace

from orchestrator.rules.retention import StoredEngine, expendable


def test_which_engines_may_go() -> None:
    base = StoredEngine("e", ("net", "card", "fp16"), 0.0, 0.0, pinned=False, current=False, wanted=False)
    engines = [
        replace(base, id="oldest"),
        replace(base, id="pinned", created_at=1.0, pinned=True),
        replace(base, id="current", created_at=2.0, current=True),
        replace(base, id="wanted", created_at=3.0, wanted=True),
        replace(base, id="fetched", created_at=4.0, used_at=95.0),
        replace(base, id="older", created_at=5.0),
        replace(base, id="newest", created_at=6.0),
        replace(base, id="alone", variant=("net", "card", "int8")),
    ]
    assert set(expendable(engines, now=100.0, keep=1, keep_s=10.0)) == {"oldest", "older"}
    assert expendable(engines, now=100.0, keep=2, keep_s=10.0) == ("oldest",)
    assert expendable(engines, now=100.0, keep=9, keep_s=0.0) == ()
