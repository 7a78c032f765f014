"""A farm with a long past: many devices that enrolled, and copies of work that talking workers went through.

The services make some of each kind; the database multiplies them, each copy with ids, keys, models, devices and times
of its own.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, Table, select, text

from farm.protocol.report import Verdict
from farm.protocol.states import Role
from orchestrator.store import tables
from tests.support.coordinator import Coordinator, Talker, cpu_facts, gpu_facts

CARDS = (
    ("Tesla V100-SXM2-32GB", "7.0"),
    ("Tesla T4", "7.5"),
    ("NVIDIA A100-SXM4-80GB", "8.0"),
    ("NVIDIA A10", "8.6"),
    ("Orin", "8.7"),
    ("NVIDIA L4", "8.9"),
    ("NVIDIA GeForce RTX 4090", "8.9"),
    ("NVIDIA H100 80GB HBM3", "9.0"),
    ("NVIDIA H200", "9.0"),
)
# All of them run on all of these cards.
VERSIONS = ("10.0.1.6", "10.3.0.26", "10.4.0.26")
_MODELS = 20
_APART_S = 60.0
_COPIED: tuple[Table, ...] = (
    tables.preparation,
    tables.submission,
    tables.build,
    tables.request,
    tables.attempt,
    tables.engine,
    tables.engine_blob,
    tables.verification,
    tables.benchmark,
    tables.event,
)
# What a column of a copy holds, whatever the table; `n` numbers the copies. The others are copied.
_ID, _DIGEST, _AT = "{0} || '-' || n", "md5({0} || n) || md5(n || {0})", f"{{0}} - n * {_APART_S}"
_NAMED = f"{{0}} || '-' || n % {_MODELS}"
_MODEL = f"md5({{0}} || n % {_MODELS}) || md5(n % {_MODELS} || {{0}})"
_DEVICE = "(SELECT peers[1 + n % cardinality(peers)] FROM kin WHERE device = seed.device_id)"
_CHANGED = {
    **dict.fromkeys(("id", "submission_id", "build_id", "preparation_id", "engine_id", "nonce"), _ID),
    **dict.fromkeys(("key", "purpose"), _DIGEST),
    **dict.fromkeys(("created_at", "queued_at", "started_at", "ended_at", "woken_at", "at", "lease_until"), _AT),
    **dict.fromkeys(("name", "model_name"), _NAMED),
    **dict.fromkeys(("model", "digest"), _MODEL),
    "device_id": _DEVICE,
}


@dataclass(frozen=True)
class Crowd:
    """What there is to ask for: one of each."""

    device: str
    model: str
    engine: str
    build: str


def fill(url: str, folder: Path, builds: int, devices: int) -> Crowd:
    """Fill an empty PostgreSQL with devices and builds and all that belongs to them; some run, some are queued."""
    farm = Coordinator(url, folder)
    farm.clock.now = time.time()
    try:
        talkers = _enrol(farm, devices)
        seeds = _seeds(farm, talkers)
        with farm.context.database.write() as connection:
            _multiply(connection, builds // seeds)
        _run(farm, talkers, devices // 3)
        # As autovacuum leaves a farm that grew over months, which this one did not.
        with farm.context.database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
        with farm.context.database.read() as connection:
            newest = connection.execute(select(tables.engine).order_by(tables.engine.c.created_at.desc())).first()
        assert newest is not None
        return Crowd(str(talkers[1].caller.device), newest.model_name, newest.id, newest.build_id)
    finally:
        farm.context.database.close()


def _enrol(farm: Coordinator, count: int) -> list[Talker]:
    """A host, and devices with every card and version in turn."""
    talkers = [farm.enrol("host", cpu_facts("host"))]
    kinds = itertools.cycle(itertools.product(CARDS, VERSIONS))
    for number, ((card, capability), version) in zip(range(count - 1), kinds, strict=False):
        facts = replace(gpu_facts(card, capability, version), hostname=f"device-{number}")
        talkers.append(farm.enrol(f"device-{number}", facts, (Role.DEVICE,), ("gpu0",)))
    return talkers


def _seeds(farm: Coordinator, talkers: list[Talker]) -> int:
    """Submissions for two targets each that have ended, a few of them badly; how many builds they have."""
    host, *others = talkers
    kinds = others[: len(CARDS) * len(VERSIONS)]
    for number, pair in enumerate(itertools.pairwise(kinds)):
        farm.clock.pass_s(1.0)
        names = tuple(str(talker.caller.device) for talker in pair)
        farm.submit(b"seed %d" % number, names, name=f"net-{number}", tags={"number": str(number)})
        host.serve()
        for talker, last in zip(pair, (False, True), strict=True):
            claim = talker.claim()
            assert claim is not None
            if last and number % 9 == 8:
                talker.fail(claim)
            else:
                talker.publish(claim, Verdict.FAILED if last and number % 9 == 7 else Verdict.PASSED)
    return 2 * (len(kinds) - 1)


def _multiply(connection: Connection, copies: int) -> None:
    """Copy every row there is so many times."""
    connection.execute(
        text("""CREATE TEMPORARY TABLE kin ON COMMIT DROP AS
            SELECT mine.device_id AS device, array_agg(other.device_id) AS peers
            FROM device_target mine JOIN device_target other USING (target_digest) GROUP BY mine.device_id""")
    )
    connection.execute(text("ALTER TABLE kin ADD PRIMARY KEY (device)"))
    for table in (tables.model, tables.tag):
        _copy(connection, table, 0, _MODELS - 1)
    for table in _COPIED:
        _copy(connection, table, 1, copies)


def _copy(connection: Connection, table: Table, first: int, last: int) -> None:
    columns = [item.name for item in table.columns if (table, item.name) != (tables.event, "id")]
    values = ", ".join(_CHANGED.get(name, "{0}").format(f'seed."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    source = f"(SELECT * FROM {table.name}) seed, generate_series({first}, {last}) n"
    connection.execute(text(f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {source}"))
    # Or the checks of references to it go on as planned for a few rows.
    connection.execute(text(f"ANALYZE {table.name}"))


def _run(farm: Coordinator, talkers: list[Talker], running: int) -> None:
    """Let so many builds run, and twice as many wait for a slot."""
    host, *others = talkers
    for number in range(3 * running // (len(CARDS) * len(VERSIONS)) + 1):
        farm.clock.pass_s(1.0)
        farm.submit(b"new %d" % number, ("all",), name=f"new-{number}")
    host.serve()
    claims = [talker.claim() for talker in others[:running]]
    assert all(claims), "there was nothing to run"
