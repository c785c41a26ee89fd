"""Every store of logins keeps the promises of its port, and the sealed one seals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from attrs import evolve, frozen
from tests.contract.memory_world import memory_world
from tests.contract.postgres_world import STRANGER, TENANT, empty, world_over
from tests.contract.promises import kept_by, promises_of

from outreach.adapters.memory.logins import MemoryLogins
from outreach.adapters.postgres.logins import PostgresLogins
from outreach.adapters.postgres.pool import Database
from outreach.domain.errors import Misconfigured
from outreach.domain.login import Login
from outreach.ports.logins import Logins
from outreach.testing import invented
from outreach.testing.errors import raised
from outreach.testing.logins import LoginsBench, LoginsContract
from outreach.testing.world import World

KEYS: Final = ("a key", "an older key")


@frozen
class Stored(LoginsBench):
    database: Database


async def bench_of(world: World, logins: Logins, strangers: Logins) -> LoginsBench:
    new = [invented.new_phone(1), invented.new_phone(2)]
    one, two = await world.senders.import_(TENANT, new)
    return LoginsBench(logins, strangers, one.id, two.id)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Stored]:
    empty(url)
    database = Database(url, size=2)
    await database.open()
    try:
        logins = PostgresLogins(database, TENANT, KEYS)
        strangers = PostgresLogins(database, STRANGER, KEYS)
        made = await bench_of(world_over(database), logins, strangers)
        yield Stored(made.logins, made.strangers, made.mailbox, made.other, database)
    finally:
        await database.close()


class TestMemory(LoginsContract):
    @pytest.fixture
    async def bench(self) -> LoginsBench:
        ours = MemoryLogins(TENANT)
        strangers = MemoryLogins(STRANGER, ours.kept)
        return await bench_of(memory_world(), ours, strangers)


class TestPostgres(LoginsContract):
    @pytest.fixture
    async def bench(self, postgres_url: str) -> AsyncIterator[LoginsBench]:
        async with opened(postgres_url) as stored:
            yield stored


def test_each_promise_of_the_port_is_a_test() -> None:
    assert promises_of(Logins) <= kept_by(LoginsContract)


async def test_nothing_of_a_login_is_in_the_clear(postgres_url: str) -> None:
    async with opened(postgres_url) as stored:
        login = Login("mail.ours.example", 587, "ana@ours", "pa55word")
        await stored.logins.keep(stored.mailbox, login)

        (row,) = await stored.database.rows(
            "SELECT sealed FROM mailbox_logins", tenant=TENANT
        )

    for part in (b"mail.ours", b"ana@ours", b"pa55word"):
        assert part not in bytes(row["sealed"])


async def test_a_new_key_opens_what_the_old_one_sealed_and_no_other_does(
    postgres_url: str,
) -> None:
    async with opened(postgres_url) as stored:
        old = PostgresLogins(stored.database, TENANT, KEYS[1:])
        await old.keep(stored.mailbox, Login(name="Ana"))
        lost = evolve(old, keys=("another",))

        assert await stored.logins.login(stored.mailbox) == Login(name="Ana")
        error = await raised(Misconfigured, lost.login(stored.mailbox))

    assert error


async def test_the_web_app_reads_no_login(postgres_url: str) -> None:
    async with opened(postgres_url) as stored:
        web = Database(postgres_url, size=1, role="outreach_web")
        await web.open()
        try:
            (row,) = await web.rows(
                "SELECT has_table_privilege('mailbox_logins', 'SELECT') AS may"
            )
        finally:
            await web.close()
        (ours,) = await stored.database.rows(
            "SELECT has_table_privilege('mailbox_logins', 'SELECT') AS may"
        )

    assert (row["may"], ours["may"]) == (False, True)
