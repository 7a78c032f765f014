"""A farm with a long past: many devices that enrolled, and copies of work that talking workers went through.

The services make some of each kind; the database, of either kind, multiplies them, each copy with ids, keys, models,
devices and times of its own. Nothing is drawn: two fillings differ in ids and in the moment that they began.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, Table, event, select, text

from farm.protocol.report import Verdict
from farm.protocol.samples import pack
from farm.protocol.states import Role
from farm.protocol.work import Claim
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
_NAMED = f"{{0}} || '-' || (n % {_MODELS})"
_MODEL = f"md5({{0}} || (n % {_MODELS})) || md5((n % {_MODELS}) || {{0}})"
_DEVICE = "(SELECT peer FROM kin WHERE device = seed.device_id AND place = n % peers)"
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


def fill(url: str, folder: Path, builds: int, devices: int, each: int = 2) -> Crowd:
    """Fill an empty database with devices and builds and all that belongs to them; some run, some are queued.

    Args:
        url: Of the database.
        folder: For the blobs.
        builds: How many there shall have been.
        devices: How many there shall be.
        each: For so many targets was each model built.
    """
    farm = Coordinator(url, folder)
    farm.clock.now = time.time()
    if farm.context.database.is_sqlite:
        event.listen(farm.context.database.engine, "connect", lambda made, _: made.execute("PRAGMA synchronous=OFF"))
    try:
        talkers = _enrol(farm, devices)
        seeds = _seeds(farm, talkers, each)
        with farm.context.database.write() as connection:
            _multiply(connection, builds // seeds)
        _run(farm, talkers, devices // 3)
        # As autovacuum leaves a farm that grew over months, which this one did not.
        with farm.context.database.engine.connect() as connection:
            tidy = "ANALYZE" if farm.context.database.is_sqlite else "VACUUM ANALYZE"
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(tidy))
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


def _seeds(farm: Coordinator, talkers: list[Talker], each: int) -> int:
    """Submissions for so many targets each that have ended, a few of them badly; how many builds they have."""
    host, *others = talkers
    kinds = others[: len(CARDS) * len(VERSIONS)]
    for number in range(len(kinds) - 1):
        farm.clock.pass_s(1.0)
        chosen = [kinds[(number + place) % len(kinds)] for place in range(each)]
        names = tuple(str(talker.caller.device) for talker in chosen)
        farm.submit(b"seed %d" % number, names, name=f"net-{number}", tags={"number": str(number)})
        host.serve()
        for talker in chosen:
            claim = talker.claim()
            assert claim is not None
            last = talker is chosen[-1]
            if last and number % 9 == 8:
                talker.fail(claim)
            else:
                _publish(talker, claim, Verdict.FAILED if last and number % 9 == 7 else Verdict.PASSED)
    return each * (len(kinds) - 1)


def _publish(talker: Talker, claim: Claim, verdict: Verdict) -> None:
    """Publish with as much evidence as a real build of a detector leaves."""
    result = talker.result(claim, verdict)
    outputs = tuple(replace(result.verification.outputs[0], name=f"output{number}", values=2048) for number in range(4))
    keep = talker.context.blobs.put_bytes
    values = keep(pack([float(number) for number in range(4 * 2048)])).sha256
    verification = replace(result.verification, outputs=outputs, inputs="1" * 64, values=values)
    layers = tuple({"name": f"layer {number}", "mean_ms": 0.02, "share": 0.02} for number in range(50))
    samples = keep(pack([1.0 + number % 97 / 1000.0 for number in range(3000)])).sha256
    measured = result.benchmark and replace(
        result.benchmark, layers=layers, samples=samples, evidence={"shapes": {"images": [1, 3, 640, 640]}}
    )
    talker.publish(claim, verdict, verification=verification, benchmark=measured)


def _multiply(connection: Connection, copies: int) -> None:
    """Copy every row there is so many times."""
    if connection.dialect.name == "sqlite":
        raw = connection.connection.driver_connection
        assert raw
        raw.create_function("md5", 1, lambda told: hashlib.md5(str(told).encode()).hexdigest(), deterministic=True)
    connection.execute(
        text("""CREATE TEMPORARY TABLE kin AS
            SELECT mine.device_id AS device, other.device_id AS peer,
                row_number() OVER (PARTITION BY mine.device_id ORDER BY other.device_id) - 1 AS place,
                count(*) OVER (PARTITION BY mine.device_id) AS peers
            FROM device_target mine JOIN device_target other ON other.target_digest = mine.target_digest""")
    )
    connection.execute(text("CREATE INDEX kin_place ON kin (device, place)"))
    for table in (tables.model, tables.tag):
        _copy(connection, table, 0, _MODELS - 1)
    for table in _COPIED:
        _copy(connection, table, 1, copies)
    connection.execute(text("DROP TABLE kin"))


def _copy(connection: Connection, table: Table, first: int, last: int) -> None:
    columns = [item.name for item in table.columns if (table, item.name) != (tables.event, "id")]
    values = ", ".join(_CHANGED.get(name, "{0}").format(f'seed."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    counted = f"SELECT {first} AS n UNION ALL SELECT n + 1 FROM copy WHERE n < {last}"
    copies = f"WITH RECURSIVE copy AS ({counted}) SELECT {values} FROM {table.name} seed, copy"
    connection.execute(text(f"INSERT INTO {table.name} ({names}) {copies}"))
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
