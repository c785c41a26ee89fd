"""The web app over PostgreSQL: what was answered is there, in few commits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import psycopg
from attrs import evolve, frozen
from starlette.applications import Starlette
from structlog.testing import capture_logs
from tests.adapters.web_world import PATH, WHO, Web, asked, error_of, reply, timelines

from outreach.adapters.postgres.inbox import PostgresInbox
from outreach.adapters.postgres.pool import Database
from outreach.adapters.system import uuid7
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.entrypoints.settings import Secret
from outreach.entrypoints.web.app import Limits, create_app

SCHEMA: Final = "outreach"


@asynccontextmanager
async def stored_in(
    url: str, web: Web | None = None, **changes: Any
) -> AsyncIterator[tuple[Starlette, PostgresInbox]]:
    """The app with its own pool, of the role that a web process has."""
    database = Database(url, role="outreach_web")
    inbox = PostgresInbox(database, uuid7)
    await database.open()
    try:
        parts = evolve((web or Web()).parts, inbox=inbox, **changes)
        yield create_app(parts), inbox
    finally:
        await database.close()


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, options=f"-c search_path={SCHEMA}") as connection:
        return connection.execute(query.encode()).fetchall()


@frozen
class OnePerLine:
    """A provider whose body is one key a line."""

    def read(self, raw: bytes) -> Sequence[SystemEvent]:
        return [
            SystemEvent(key, "timelinesai", EventType.READ, Channel.WHATSAPP)
            for key in raw.decode().splitlines()
        ]


async def test_what_is_answered_is_committed_and_comes_to_a_worker(
    fresh_postgres_url: str,
) -> None:
    async with stored_in(fresh_postgres_url) as (app, _):
        answer = await asked(app, "POST", PATH, content=reply("uid-1"))
        committed = rows(
            fresh_postgres_url,
            "SELECT k.key, k.type, k.account, r.raw"
            " FROM event_keys k JOIN raw_events r USING (id)",
        )

    worker = Database(fresh_postgres_url, role="outreach_worker")
    await worker.open()
    taken = await PostgresInbox(worker, uuid7).take(WHO, 10)
    await worker.close()

    assert answer.json() == {"stored": 1}
    assert committed == [
        ("message:received:new:uid-1", "REPLY", "default", reply("uid-1"))
    ]
    assert [arrived.arrival.raw for arrived in taken] == [reply("uid-1")]


async def test_a_hundred_same_deliveries_at_once_and_later_are_one_row(
    fresh_postgres_url: str,
) -> None:
    async with stored_in(fresh_postgres_url) as (app, _):
        at_once = await asyncio.gather(
            *(asked(app, "POST", PATH, content=reply()) for _ in range(100))
        )
        later = await asked(app, "POST", PATH, content=reply())

    answers = [*at_once, later]
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["stored"] for answer in answers) == 1
    assert rows(fresh_postgres_url, "SELECT count(*) FROM event_keys") == [(1,)]
    assert rows(fresh_postgres_url, "SELECT count(*) FROM raw_events") == [(1,)]


async def test_what_arrives_together_is_committed_together(
    fresh_postgres_url: str,
) -> None:
    async with stored_in(fresh_postgres_url) as (app, _):
        answers = await asyncio.gather(
            *(asked(app, "POST", PATH, content=reply(f"u{n}")) for n in range(300))
        )
        committed = rows(
            fresh_postgres_url,
            "SELECT count(*), count(DISTINCT xmin::text) FROM event_keys",
        )

    assert [answer.json() for answer in answers] == [{"stored": 1}] * 300
    ((events, commits),) = committed
    assert events == 300
    assert 1 <= commits <= 30


async def test_a_row_that_cannot_be_stored_fails_alone(
    fresh_postgres_url: str,
) -> None:
    web = Web(routes=[timelines(reader=OnePerLine())])
    bodies = [b"bad\x00key" if n == 25 else b"key-%d" % n for n in range(50)]

    async with stored_in(fresh_postgres_url, web) as (app, _):
        with capture_logs() as logs:
            async with asyncio.timeout(10):
                answers = await asyncio.gather(
                    *(asked(app, "POST", PATH, content=body) for body in bodies)
                )
                after = await asked(app, "POST", PATH, content=b"key-after")
        stored = rows(fresh_postgres_url, "SELECT count(*) FROM event_keys")

    statuses = [answer.status_code for answer in answers]
    assert [n for n, status in enumerate(statuses) if status != 200] == [25]
    assert error_of(answers[25])["code"] == "SERVICE_UNAVAILABLE"
    assert after.json() == {"stored": 1}
    assert stored == [(50,)]
    assert "bad" not in answers[25].text + json.dumps(logs)


async def test_a_database_that_goes_away_loses_nothing_that_was_answered(
    fresh_postgres_url: str,
) -> None:
    limits = Limits(store_within=timedelta(seconds=5))
    name = fresh_postgres_url.partition("?")[0].rpartition("/")[2]
    cut = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        f" WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    )

    async with stored_in(fresh_postgres_url, limits=limits) as (app, _):

        async def deliver(n: int) -> tuple[int, int]:
            answer = await asked(app, "POST", PATH, content=reply(f"u{n}"))
            return n, answer.status_code

        running = [asyncio.create_task(deliver(n)) for n in range(200)]
        await asyncio.to_thread(rows, fresh_postgres_url, cut)
        answered = dict(await asyncio.gather(*running))
        again = dict(await asyncio.gather(*map(deliver, answered)))
        keys = rows(fresh_postgres_url, "SELECT key FROM event_keys")

    assert set(answered.values()) <= {200, 503}
    assert set(again.values()) == {200}
    assert len(keys) == 200
    assert {f"message:received:new:u{n}" for n in answered} == {key for (key,) in keys}


async def test_a_token_is_in_no_table(fresh_postgres_url: str) -> None:
    web = Web(routes=[timelines(tokens=(Secret("canary"),))])

    async with stored_in(fresh_postgres_url, web) as (app, _):
        await asked(app, "POST", "/webhooks/timelinesai/canary", content=reply())
        stored = rows(
            fresh_postgres_url,
            "SELECT k::text || convert_from(r.raw, 'UTF8')"
            " FROM event_keys k JOIN raw_events r USING (id)",
        )

    assert len(stored) == 1
    assert "canary" not in str(stored)
