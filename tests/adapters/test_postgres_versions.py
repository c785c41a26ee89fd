"""Versions of templates in PostgreSQL: the log, the sums, many writers at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.adapters.postgres_load import as_admin
from tests.contract.postgres_world import empty, world_over

from outreach.adapters.postgres.pool import Database
from outreach.domain.change import Heard, StatusChange
from outreach.domain.channel import Channel
from outreach.domain.event import EventType
from outreach.domain.journey import Fact, happened
from outreach.domain.message import MessageStatus, Outcome
from outreach.domain.trial import Counts
from outreach.ports.gateway import Status
from outreach.testing.world import Call, World

LANES = 6


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    empty(postgres_url)
    database = Database(postgres_url, size=8)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def world(database: Database) -> World:
    return world_over(database)


async def sent_at_once(world: World) -> list[Call]:
    for _ in range(LANES):
        await world.phone_with()
    calls = [await world.arm(claim) for claim in await world.claims()]
    await asyncio.gather(*(world.settle(call, Outcome.ACCEPTED) for call in calls))
    return calls


async def reply(world: World, call: Call) -> None:
    known = await world.known(call.draft.lead)
    moved = happened(known.journey, Fact.REPLIED, known.now, by="reply")
    heard = Heard(EventType.REPLY, Channel.WHATSAPP, known.now)
    read = StatusChange(call.draft.parcel.attempt, MessageStatus.READ, known.now)
    await world.commit(world.change(known, moved, heard=heard, statuses=(read,)))


async def test_a_message_is_logged_with_its_version_and_the_way_it_was_drawn(
    world: World, postgres_url: str
) -> None:
    (call,) = (await sent_at_once(world))[:1]
    used = call.draft.used
    assert used is not None

    with as_admin(postgres_url) as connection:
        row = connection.execute(
            """
            SELECT g.template_id, v.version_number, v.version_label, g.variant_hash
              FROM gold_communication_log g
              JOIN template_versions v ON v.id = g.template_version_id
             WHERE g.id = %s
            """,
            (call.draft.parcel.attempt,),
        ).fetchone()

    assert row == (used.template, used.number, used.label, used.variant)
    assert len(used.variant) == 12


async def test_sums_are_exact_though_many_write_them_at_once(
    world: World, postgres_url: str
) -> None:
    calls = await sent_at_once(world)

    await asyncio.gather(*(reply(world, call) for call in calls))

    with as_admin(postgres_url) as connection:
        rows = connection.execute(
            """
            SELECT times_used, opens, replies, positive_replies, conversions
              FROM template_versions WHERE times_used > 0
            """
        ).fetchall()
    (first, *_) = await world.campaigns.trials(world.tenant)
    assert first.counts == {"A": Counts(sent=LANES, opens=LANES, replies=LANES)}
    assert rows == [(LANES, LANES, LANES, 0, 0)]


async def test_a_poll_and_a_reply_at_once_lose_nothing_of_each_other(
    world: World,
) -> None:
    calls = await sent_at_once(world)
    account = calls[0].draft.parcel.account
    now = await world.now()

    async def polled(call: Call) -> None:
        ref = f"ref-{call.draft.parcel.attempt}"
        await world.senders.told(account, Status(ref, MessageStatus.READ, now), now)

    async def replied(call: Call) -> None:
        known = await world.known(call.draft.lead)
        moved = happened(known.journey, Fact.REPLIED, known.now, by="reply")
        heard = Heard(EventType.REPLY, Channel.WHATSAPP, known.now)
        await world.commit(world.change(known, moved, heard=heard))

    await asyncio.gather(
        *(polled(call) for call in calls), *(replied(call) for call in calls)
    )

    (first, *_) = await world.campaigns.trials(world.tenant)
    assert first.counts == {"A": Counts(sent=LANES, opens=LANES, replies=LANES)}
