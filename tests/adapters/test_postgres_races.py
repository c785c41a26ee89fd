"""Real concurrency: opt-outs against T1, workers against each other, the quota."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final
from uuid import uuid4

import psycopg
import pytest
from attrs import evolve
from tests.adapters.postgres_load import as_admin
from tests.contract.postgres_world import TENANT, empty, world_over

from outreach.adapters.postgres.docs import jsonb
from outreach.adapters.postgres.pool import Database
from outreach.domain.address import phone_key
from outreach.domain.change import Change, Done, Heard, Postponed
from outreach.domain.channel import Channel
from outreach.domain.event import EventType
from outreach.domain.ids import Incarnation, IntentId, LeadId, SenderId, StepId
from outreach.domain.journey import Fact, happened
from outreach.domain.message import Armed, NotArmed, Outcome, WhyNotArmed
from outreach.domain.sender import Sender, SenderState
from outreach.domain.suppression import Suppression, SuppressionReason
from outreach.testing import invented
from outreach.testing.world import B, World

A_MOMENT: Final = 0.3
WORKERS: Final = 40
LIMIT: Final = 7
ROUNDS: Final = 25
NO_WAIT: Final = "SET LOCAL lock_timeout = '200ms'"
"""Of who holds the lock that the other side waits for: it must not have to wait."""


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    empty(postgres_url)
    database = Database(postgres_url, size=16)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def world(database: Database) -> World:
    return world_over(database)


async def _said_stop(world: World, lead: LeadId) -> Change:
    known = await world.known(lead)
    out = happened(known.journey, Fact.OPTED_OUT, known.now, by="reply")
    key, why = phone_key(known.number), SuppressionReason.OPT_OUT
    stop = Suppression(key, why, "reply", known.now)
    return world.change(known, out, suppressions=(stop,))


async def test_an_opt_out_that_is_being_committed_holds_t1_and_then_refuses_it(
    world: World, database: Database
) -> None:
    _, (lead,) = await world.phone_with()
    claim = await world.claim()
    known = await world.known(lead)
    item = {
        "key": f"phone:{known.number}",
        "reason": "OPT_OUT",
        "by": "ana",
        "at": known.now,
        "everywhere": False,
    }

    async with database.connection(TENANT) as connection:
        await connection.execute("SELECT suppress(%s)", (jsonb([item]),))
        arming = asyncio.create_task(world.arm(claim))
        done, _ = await asyncio.wait({arming}, timeout=A_MOMENT)
        held = not done
    call = await arming

    assert held
    assert isinstance(call.verdict, NotArmed)
    assert call.verdict.why is WhyNotArmed.SUPPRESSED


async def test_a_send_that_is_being_armed_holds_the_opt_out_and_may_end(
    world: World, postgres_url: str
) -> None:
    _, (lead,) = await world.phone_with()
    claim = await world.claim()
    change = await _said_stop(world, lead)
    draft, made = world.draft(claim)

    with as_admin(postgres_url) as admin, admin.transaction():
        # Holds the phone's row of the day, so that T1 stops in its middle.
        admin.execute("LOCK TABLE wa_quota_usage IN ACCESS EXCLUSIVE MODE")
        arming = asyncio.create_task(world.intents.arm(claim, [(draft, made)]))
        await asyncio.sleep(A_MOMENT)
        stopping = asyncio.create_task(world.commit(change))
        ended, _ = await asyncio.wait({arming, stopping}, timeout=A_MOMENT)
    (verdict,) = await arming
    first = await stopping
    second = await world.commit(await _said_stop(world, lead))

    assert ended == set()
    assert isinstance(verdict, Armed)
    assert first is Done.CONFLICT  # the phone stuck to the lead: look again
    assert second is Done.DONE


async def test_in_any_order_a_message_is_armed_or_stopped_and_never_both(
    world: World, database: Database
) -> None:
    many = 12
    phones = await world.phones(many)
    leads = [(await world.line(phone))[0] for phone in phones]
    claims = await world.claims(limit=many)
    by_lead = {claim.cases[0].intent.lead: claim for claim in claims}
    now = await world.now()

    async def suppress(lead: LeadId, after: float) -> None:
        await asyncio.sleep(after)
        known = await world.known(lead)
        key, why = phone_key(known.number), SuppressionReason.OPT_OUT
        await world.switches.suppress(TENANT, [Suppression(key, why, "ana", now)])

    async def arm(lead: LeadId) -> Armed | NotArmed:
        return (await world.arm(by_lead[lead])).verdict

    verdicts, _ = await asyncio.gather(
        asyncio.gather(*(arm(lead) for lead in leads)),
        asyncio.gather(
            *(suppress(lead, n % 4 * 0.004) for n, lead in enumerate(leads))
        ),
    )

    rows = await database.rows(
        "SELECT lead_id, status, status_reason, cancel_reason FROM intents",
        tenant=TENANT,
    )
    stored = {row["lead_id"]: row for row in rows}
    for lead, verdict in zip(leads, verdicts, strict=True):
        if isinstance(verdict, Armed):
            assert stored[lead]["status"] == "OPEN"
            assert stored[lead]["cancel_reason"] == "OPTED_OUT"
        else:
            assert verdict.why in {WhyNotArmed.SUPPRESSED, WhyNotArmed.TAKEN}
            assert stored[lead]["status"] == "CANCELLED"
        again = await world.known(lead)
        assert again.journey.opted_out
        assert again.waiting == ()


async def test_nothing_is_armed_after_a_switch_was_thrown(
    world: World, database: Database
) -> None:
    await world.phone_with()
    claim = await world.claim()

    async with database.connection(TENANT) as connection:
        await connection.execute("SELECT throw_switch('TENANT', '', 'test', 'ana')")
        arming = asyncio.create_task(world.arm(claim))
        done, _ = await asyncio.wait({arming}, timeout=A_MOMENT)
        held = not done
    call = await arming

    assert held
    assert isinstance(call.verdict, NotArmed)
    assert call.verdict.why is WhyNotArmed.SWITCHED_OFF


async def test_workers_that_claim_at_the_same_time_share_the_lanes(
    world: World, postgres_url: str
) -> None:
    phones = await world.phones(20)
    for phone in phones:
        await world.line(phone)
    other = Database(postgres_url, size=8)
    await other.open()
    elsewhere = world_over(other)

    claims = await asyncio.gather(
        *(world.claims(limit=3) for _ in range(6)),
        *(elsewhere.claims(B, limit=3) for _ in range(6)),
    )
    rest = await world.claims(limit=50)
    await other.close()

    lanes = [claim.lane for batch in [*claims, rest] for claim in batch]
    assert len(lanes) == len(set(lanes)) == len(phones)
    assert {claim.token for batch in claims for claim in batch} == {1}


async def test_a_full_quota_is_never_passed_however_many_workers_arm(
    world: World, database: Database
) -> None:
    (phone,) = await world.phones(daily_limit=LIMIT)
    await world.line(phone, LIMIT * 3)
    accepted = 0
    refused: list[Armed | NotArmed] = []

    async def work(number: int) -> None:
        nonlocal accepted
        who = Incarnation(f"worker/{number}")
        while not refused:
            for claim in await world.claims(who):
                case = claim.cases[0]
                assert case.ledger is not None
                # The worker believes that nothing was sent today.
                forgot = evolve(case, ledger=evolve(case.ledger, used=0))
                call = await world.arm(claim, forgot)
                if call.armed:
                    accepted += 1
                    await world.settle(call, Outcome.ACCEPTED, gap=timedelta())
                else:
                    refused.append(call.verdict)
            await asyncio.sleep(0.002)

    await asyncio.gather(*(work(number) for number in range(WORKERS)))

    (row,) = await database.rows(
        """
        SELECT used, new_contacts_sent,
               (SELECT count(*) FROM attempts WHERE unit_held) AS held,
               (SELECT count(*) FROM attempts WHERE outcome = 'ACCEPTED') AS sent
          FROM wa_quota_usage
        """,
        tenant=TENANT,
    )
    assert accepted == LIMIT
    assert refused == [NotArmed(WhyNotArmed.QUOTA)]
    assert set(row.values()) == {LIMIT}


def test_the_database_itself_refuses_a_unit_too_many(postgres_url: str) -> None:
    empty(postgres_url)
    with as_admin(postgres_url) as admin:
        admin.execute("SET session_replication_role = replica")
        insert = """
            INSERT INTO wa_quota_usage (tenant_id, phone_id, usage_date, quota_limit,
                                        used, hard_limit)
            VALUES (%s, gen_random_uuid(), '2026-03-02', 200, %s, %s)
        """

        for used, hard in ((201, 200), (201, 201), (6, 5)):
            with pytest.raises(psycopg.errors.CheckViolation):
                admin.execute(insert, (TENANT, used, hard))


async def test_a_phone_that_is_changed_while_it_sends_blocks_nobody(
    world: World, database: Database
) -> None:
    """Both orders of the same two rows would be a deadlock, which is an error."""
    (phone,) = await world.phones()
    await world.line(phone, ROUNDS)
    running = True

    async def send() -> None:
        nonlocal running
        sent = 0
        while sent < ROUNDS:
            for claim in await world.claims():  # none while the lane is looked at
                call = await world.arm(claim)
                await world.settle(call, Outcome.ACCEPTED, gap=timedelta())
                sent += 1
        running = False

    async def change(label: str) -> None:
        while running:
            before = await world.senders.by_id(phone.tenant, phone.id)
            await world.senders.change(before, evolve(before, label=label), by="ana")
            known = invented.new_phone(1)
            await world.senders.import_(
                phone.tenant, [evolve(known, number=phone.number)]
            )

    await asyncio.gather(send(), change("a"), change("b"))

    (row,) = await database.rows(
        "SELECT new_contacts_sent FROM wa_quota_usage", tenant=TENANT
    )
    assert row["new_contacts_sent"] == ROUNDS


async def test_a_change_of_a_phone_and_the_end_of_its_call_do_not_wait_for_each_other(
    world: World, database: Database
) -> None:
    (phone,) = await world.phones()
    after = evolve(phone, state=SenderState.PAUSED)

    async with database.connection(TENANT) as ends:
        # What T2 holds, in its order: the lane, then the phone.
        await ends.execute("SELECT FROM lanes WHERE id = %s FOR UPDATE", (phone.id,))
        changing = asyncio.create_task(world.senders.change(phone, after, by="ana"))
        await asyncio.sleep(A_MOMENT)
        await ends.execute(
            "UPDATE senders SET total_messages_sent = 1 WHERE id = %s",
            (phone.id,),
        )

    assert await changing
    assert (await world.senders.by_id(TENANT, phone.id)).state is SenderState.PAUSED


async def test_a_reply_and_the_end_of_a_call_do_not_wait_for_each_other(
    world: World, database: Database
) -> None:
    """A reply is heard by the phone and cancels in its lane: the lane comes first."""
    phone, (lead,) = await world.phone_with()
    known = await world.known(lead)
    heard = Heard(EventType.REPLY, Channel.WHATSAPP, known.now, sender=phone.id)
    # The message is planned after the reply was heard.
    planned = evolve(known.waiting[0], id=IntentId(uuid4()), step=StepId(uuid4()))
    reply = world.change(known, heard=heard, plans=(planned,))

    async with database.connection(TENANT) as ends:
        # What T2 holds, in its order: the lane, then the phone.
        await ends.execute("SELECT FROM lanes WHERE id = %s FOR UPDATE", (phone.id,))
        hearing = asyncio.create_task(world.commit(reply))
        await asyncio.sleep(A_MOMENT)
        await ends.execute(NO_WAIT)
        await ends.execute(
            "UPDATE senders SET total_messages_sent = 1 WHERE id = %s",
            (phone.id,),
        )

    assert await hearing is Done.DONE


async def test_what_a_person_sent_and_t1_do_not_wait_for_each_other(
    world: World, database: Database
) -> None:
    """The day is locked before the lane, also where a person used a unit of it."""
    phone, (lead,) = await world.phone_with()
    call = await world.send()
    known = await world.known(lead)
    assert call.draft.unit is not None
    day = call.draft.unit.day
    moved = tuple(
        Postponed(one.id, known.now + timedelta(days=9), "x") for one in known.waiting
    )
    by_hand = world.change(known, external=call.draft.unit, postpones=moved)
    assert moved

    async with database.connection(TENANT) as arms:
        # What T1 of another lead holds, in its order: the day, then the lane.
        await arms.execute(
            "SELECT FROM wa_quota_usage WHERE phone_id = %s AND usage_date = %s"
            " FOR UPDATE",
            (phone.id, day),
        )
        counting = asyncio.create_task(world.commit(by_hand))
        await asyncio.sleep(A_MOMENT)
        await arms.execute(NO_WAIT)
        await arms.execute("SELECT FROM lanes WHERE id = %s FOR UPDATE", (phone.id,))

    assert await counting is Done.DONE


async def test_a_suppression_of_many_and_the_end_of_a_call_do_not_wait_for_each_other(
    world: World, database: Database
) -> None:
    """All leads come before the first lane."""
    phone, leads = await world.phone_with(2)
    first, last = sorted(leads)
    items = [
        Suppression(
            phone_key((await world.known(lead)).number),
            SuppressionReason.OPT_OUT,
            "ana",
            await world.now(),
        )
        for lead in (first, last)
    ]

    async with database.connection(TENANT) as ends:
        # What T2 holds, in its order: the lead, then the lane.
        await ends.execute(
            "SELECT FROM gold_lead_journey WHERE id = %s FOR UPDATE", (last,)
        )
        suppressing = asyncio.create_task(world.switches.suppress(TENANT, items))
        await asyncio.sleep(A_MOMENT)
        await ends.execute(NO_WAIT)
        await ends.execute("SELECT FROM lanes WHERE id = %s FOR UPDATE", (phone.id,))

    assert await suppressing == len(items)


async def test_commits_of_many_calls_take_lanes_in_one_order(
    world: World, database: Database
) -> None:
    phones = sorted([(await world.phone_with())[0] for _ in range(2)], key=_id)
    claims = {claim.lane: claim for claim in await world.claims()}
    calls = [await world.arm(claims[phone.id]) for phone in reversed(phones)]

    async with database.connection(TENANT) as throws:
        # What a switch holds, in its order: the lanes, by their ids.
        await throws.execute(
            "SELECT FROM lanes WHERE id = %s FOR UPDATE", (phones[0].id,)
        )
        settling = [
            asyncio.create_task(world.settle(call, Outcome.ACCEPTED)) for call in calls
        ]
        await asyncio.sleep(A_MOMENT)
        await throws.execute(NO_WAIT)
        await throws.execute(
            "SELECT FROM lanes WHERE id = %s FOR UPDATE", (phones[1].id,)
        )
    lefts = await asyncio.gather(*settling)

    assert [left.outcome for left in lefts] == [Outcome.ACCEPTED] * 2


def _id(phone: Sender) -> SenderId:
    return phone.id


async def test_who_ends_lost_calls_waits_for_nobody(
    world: World, database: Database
) -> None:
    phones = [(await world.phone_with())[0] for _ in range(2)]
    for claim in await world.claims():
        await world.arm(claim)

    async with database.connection(TENANT) as holds:
        await holds.execute(
            "SELECT FROM lanes WHERE id = %s FOR UPDATE", (phones[0].id,)
        )
        forsaking = asyncio.create_task(
            database.value("SELECT forsake(%s, '0', '0', '0')", ("%",))
        )
        done, _ = await asyncio.wait({forsaking}, timeout=10 * A_MOMENT)
    rows = await database.rows("SELECT sender_id, outcome FROM attempts", tenant=TENANT)

    assert done
    assert {row["sender_id"]: row["outcome"] for row in rows} == {
        phones[0].id: "CALLING",
        phones[1].id: "UNKNOWN",
    }
