"""A world in PostgreSQL for the contract suites of the stores.

One migrated database per process, emptied for each test. Machine time cannot be moved
on a real server, so what was stored of it (leases, deadlines) is moved back instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from outreach.adapters.postgres.accounts import PostgresAccounts
from outreach.adapters.postgres.audit import PostgresAudit
from outreach.adapters.postgres.campaigns import PostgresCampaigns
from outreach.adapters.postgres.clock import PostgresClock
from outreach.adapters.postgres.consents import PostgresConsents
from outreach.adapters.postgres.decisions import PostgresDecisions
from outreach.adapters.postgres.duties import PostgresDuties
from outreach.adapters.postgres.hosting import PostgresHostedCampaigns
from outreach.adapters.postgres.inbox import PostgresInbox
from outreach.adapters.postgres.instance import PostgresInstance
from outreach.adapters.postgres.intents import PostgresIntents
from outreach.adapters.postgres.intros import PostgresIntros
from outreach.adapters.postgres.journeys import PostgresJourneys
from outreach.adapters.postgres.lanes import PostgresAllocations, PostgresLanes
from outreach.adapters.postgres.leads import PostgresLeads
from outreach.adapters.postgres.pool import Database
from outreach.adapters.postgres.reviews import PostgresReviews
from outreach.adapters.postgres.senders import PostgresSenders
from outreach.adapters.postgres.stops import PostgresStops
from outreach.adapters.postgres.switches import PostgresSwitches
from outreach.adapters.postgres.watch import PostgresWatch
from outreach.domain.ids import TenantId
from outreach.domain.timing import Timing
from outreach.testing.invented import START, ZONE
from outreach.testing.world import World

__all__ = ["STRANGER", "TENANT", "empty", "postgres_world", "world_over"]

TENANT: Final = TenantId(UUID(int=0xA))
STRANGER: Final = TenantId(UUID(int=0xB))

_MOMENT: Final = timedelta(milliseconds=20)
_MACHINE_TIMES: Final = (
    ("lanes", "lease_until"),
    ("lanes", "call_deadline"),
    ("duties", "lease_until"),
    ("event_keys", "lease_until"),
    ("incidents", "raised_on"),
    ("account_gates", "level_on"),
)


def empty(url: str) -> None:
    """No row anywhere, two tenants, engine time standing at the start."""
    with psycopg.connect(url, options="-c search_path=outreach") as connection:
        rows = connection.execute(
            """
            SELECT relname FROM pg_class
             WHERE relnamespace = 'outreach'::regnamespace AND relkind IN ('r', 'p')
               AND NOT relispartition AND relname NOT LIKE '%yoyo%'
               AND relname <> 'engine_clock'
            """
        ).fetchall()
        names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in rows)
        connection.execute(sql.SQL("TRUNCATE {}").format(names))
        connection.execute(
            """
            UPDATE engine_clock SET position = %s, speed = 1, epoch = 1,
                   guard_store = '', ticked_at = clock_timestamp()
            """,
            (START,),
        )
        for tenant in (TENANT, STRANGER):
            connection.execute(
                """
                INSERT INTO tenants (id, name, time_zone, country, language)
                VALUES (%s, %s, %s, 'RO', 'ro')
                """,
                (tenant, str(tenant), ZONE),
            )


@asynccontextmanager
async def postgres_world(url: str) -> AsyncIterator[World]:
    """Empty, with two tenants, at the start."""
    empty(url)
    database = Database(url, size=12)
    await database.open()
    try:
        yield world_over(database)
    finally:
        await database.close()


def world_over(database: Database) -> World:
    """All adapters over one pool, without a clock that runs by itself."""
    timing = Timing()

    async def advance_engine(by: timedelta) -> None:
        await database.rows("UPDATE engine_clock SET position = position + %s", (by,))

    async def advance_machine(by: timedelta) -> None:
        # A moment passes for real, so that the monotonic time sees it.
        await asyncio.sleep(min(by, _MOMENT).total_seconds())
        for table, column in _MACHINE_TIMES:
            statement = f"UPDATE {table} SET {column} = {column} - %s"
            await database.rows(statement, (by,))
        for tenant in (TENANT, STRANGER):
            await database.rows(
                """
                UPDATE model_calls SET minute_began = minute_began - %s,
                       day_began = day_began - %s
                """,
                (by, by),
                tenant=tenant,
            )
        await database.rows(
            "UPDATE engine_clock SET position = position + speed * %s", (by,)
        )

    return World(
        lanes=PostgresLanes(database, timing),
        allocations=PostgresAllocations(database),
        intents=PostgresIntents(database, timing),
        journeys=PostgresJourneys(database),
        inbox=PostgresInbox(database, uuid4, timing),
        duties=PostgresDuties(database, timing),
        clock=PostgresClock(database),
        consents=PostgresConsents(database, uuid4),
        campaigns=PostgresCampaigns(database, uuid4),
        senders=PostgresSenders(database, uuid4),
        accounts=PostgresAccounts(database),
        switches=PostgresSwitches(database),
        watch=PostgresWatch(database),
        stops=PostgresStops(database),
        hosted=PostgresHostedCampaigns(database),
        intros=PostgresIntros(database),
        reviews=PostgresReviews(database),
        decisions=PostgresDecisions(database),
        leads=PostgresLeads(database),
        audit=PostgresAudit(database),
        instance=PostgresInstance(database, timing),
        timing=timing,
        advance_engine=advance_engine,
        advance_machine=advance_machine,
        tenant=TENANT,
        stranger=STRANGER,
    )
