from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from farm.protocol.errors import Invalid
from farm.protocol.wakeup import QUEUE
from orchestrator.queue.acl import DeviceAccounts
from orchestrator.queue.client import answers, connect
from orchestrator.queue.credentials import Credentials

pytestmark = pytest.mark.services

OTHERS = f"farm:v100:{QUEUE}"


@pytest.fixture
def admin(broker_url: str) -> Iterator[redis.Redis]:
    with connect(broker_url) as client:
        yield client
        client.acl_deluser("farm-xavier", "farm-v100")


@pytest.fixture
def accounts(tmp_path: Path) -> DeviceAccounts:
    return DeviceAccounts(Credentials(tmp_path / "secret"))


@pytest.fixture
def stolen(admin: redis.Redis, accounts: DeviceAccounts, broker_url: str) -> Iterator[redis.Redis]:
    """What somebody holds who took the credential of xavier, while v100 has a wake-up waiting."""
    admin.lpush(OTHERS, "a wake-up")
    accounts.ensure(admin, "v100")
    accounts.ensure(admin, "xavier")
    with connect(accounts.url(broker_url, "xavier")) as client:
        yield client


def listen(client: redis.Redis, pattern: str) -> object:
    """The broker's answer to a subscription."""
    with client.pubsub() as channel:  # type: ignore[no-untyped-call]  # so redis-py declares it
        channel.psubscribe(pattern)
        return channel.get_message(timeout=5)


ATTACKS: dict[str, Callable[[redis.Redis], object]] = {
    "take another's wake-up": lambda client: client.rpop(OTHERS),
    "wait for another's wake-up": lambda client: client.brpop([OTHERS], 1),
    "wake another": lambda client: client.lpush(OTHERS, "forged"),
    "delete another's queue": lambda client: client.delete(OTHERS),
    "read another's unacked": lambda client: client.hget("farm:v100:unacked", "1"),
    "control another": lambda client: client.publish("farm:v100:/0.celery.pidbox", "shutdown"),
    "reach another from a script": lambda client: client.eval(f"return redis.call('LLEN', '{OTHERS}')", 0),
    "listen to everything": lambda client: listen(client, "*"),
    "listen to another's control": lambda client: listen(client, "farm:v100:/0.celery.pidbox"),
    "list keys": lambda client: client.keys("*"),
    "scan keys": lambda client: client.scan(),
    "empty the database": lambda client: client.flushdb(),
    "empty the broker": lambda client: client.flushall(),
    "read the configuration": lambda client: client.config_get("*"),
    "change the configuration": lambda client: client.config_set("appendonly", "no"),
    "list clients": lambda client: client.client_list(),
    "read the users": lambda client: client.acl_list(),
    "make a user": lambda client: client.acl_setuser("mine", enabled=True, nopass=True, commands=["+@all"]),
    "stop the broker": lambda client: client.shutdown(),
    "follow another server": lambda client: client.slaveof("127.0.0.1", 1),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_stolen_credential_reaches_nothing_of_others(
    attack: Callable[[redis.Redis], object], stolen: redis.Redis, admin: redis.Redis
) -> None:
    with pytest.raises(redis.ResponseError, match=r"(?i)permission|noperm|can't access"):
        attack(stolen)
    assert admin.lrange(OTHERS, 0, -1) == [b"a wake-up"]


def test_a_device_reaches_its_own(stolen: redis.Redis) -> None:
    stolen.lpush(f"farm:xavier:{QUEUE}", "own")
    assert stolen.rpop(f"farm:xavier:{QUEUE}") == b"own"


def test_the_broker_is_told_a_hash_and_never_the_password(
    stolen: redis.Redis, admin: redis.Redis, accounts: DeviceAccounts
) -> None:
    password = accounts.url("redis://host", "xavier").split(":")[2].split("@")[0]
    assert password not in str(admin.acl_list())


def test_users_are_made_again_after_the_broker_forgot_them(
    stolen: redis.Redis, admin: redis.Redis, accounts: DeviceAccounts, broker_url: str
) -> None:
    own = accounts.url(broker_url, "xavier")
    accounts.settle(admin)
    admin.acl_deluser("farm-xavier")
    accounts.settle(admin)
    assert not answers(own), "while the broker runs, what was granted is not granted again"
    accounts._run = "another run of the broker"
    accounts.settle(admin)
    assert answers(own)


def test_a_retired_device_is_turned_away_until_it_is_enrolled_again(
    stolen: redis.Redis, admin: redis.Redis, accounts: DeviceAccounts, broker_url: str
) -> None:
    accounts.settle(admin)
    accounts.forget("xavier")
    accounts.settle(admin)
    assert not answers(accounts.url(broker_url, "xavier"))
    accounts.settle(admin)
    assert answers(accounts.url(broker_url, "xavier"))


@pytest.mark.parametrize("name", ["", "a:b", "*", "a*", "a b", "../a", "-a", "a" * 64, "ä"])
def test_a_name_that_could_reach_other_keys_is_refused(name: str, accounts: DeviceAccounts) -> None:
    with pytest.raises(Invalid, match="cannot name a device"):
        accounts.url("redis://host", name)
