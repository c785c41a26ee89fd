"""Two tenants over one database: ids of the other one find and change nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest
from attrs import evolve
from tests.contract.postgres_world import STRANGER, TENANT, empty, world_over

from outreach.adapters.postgres.pool import Database
from outreach.domain.address import phone_key
from outreach.domain.change import ReviewChange
from outreach.domain.channel import Channel
from outreach.domain.errors import NotFound, Refused
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import LeadId
from outreach.domain.lead_file import ImportId
from outreach.domain.sender import Sender
from outreach.domain.suppression import Suppression, SuppressionReason, SwitchScope
from outreach.testing import invented
from outreach.testing.world import World


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    empty(postgres_url)
    database = Database(postgres_url, size=4)
    await database.open()
    yield world_over(database)
    await database.close()


@pytest.fixture
async def both(world: World) -> tuple[Sender, LeadId, Sender, LeadId]:
    """A phone with a lead in its lane for each tenant."""
    mine, theirs = [
        (await world.phones(tenant=tenant))[0] for tenant in (TENANT, STRANGER)
    ]
    (my_lead,) = await world.line(mine)
    (their_lead,) = await world.line(theirs)
    return mine, my_lead, theirs, their_lead


Both = tuple[Sender, LeadId, Sender, LeadId]


async def test_nothing_is_read_by_the_ids_of_another_tenant(
    world: World, both: Both
) -> None:
    phone, lead, _, _ = both
    known = await world.known(lead)
    item = invented.item(TENANT, lead, known.now)
    await world.commit(
        world.change(known, review=ReviewChange(item, "OPENED", "engine"))
    )

    assert not await world.journeys.load(STRANGER, [lead])
    assert not await world.leads.find(STRANGER, str(lead))
    assert not await world.leads.known(STRANGER, [f"phone:{known.number}"])
    assert known.enrolment is not None
    assert await world.journeys.enrolled(STRANGER, known.enrolment.id) is None
    with pytest.raises(NotFound):
        await world.senders.by_id(STRANGER, phone.id)
    with pytest.raises(NotFound):
        await world.senders.get(STRANGER, phone.number)
    with pytest.raises(NotFound):
        await world.decisions.explain(STRANGER, lead)
    with pytest.raises(NotFound):
        await world.reviews.get(STRANGER, str(item.id))
    assert not await world.reviews.claim(STRANGER, item.id, "eve", timedelta(minutes=4))
    assert not await world.reviews.queue(STRANGER, limit=10)
    texts = await world.campaigns.templates(STRANGER)
    assert {one.id for one in texts}.isdisjoint(
        {one.id for one in await world.campaigns.templates(TENANT)}
    )


async def test_nothing_is_written_by_the_ids_of_another_tenant(
    world: World, both: Both
) -> None:
    phone, lead, their_phone, _ = both
    known = await world.known(lead)
    (waiting,) = known.waiting
    campaign, sequence = await world.campaign()
    now = await world.now()
    enrolment = invented.enrolment(STRANGER, lead, sequence, now)
    (fresh,) = await world.new_leads()
    (unallocated,) = await world.enrolled([fresh])

    given = await world.allocations.allocate(STRANGER, {unallocated: their_phone.id})
    crossed = await world.allocations.allocate(TENANT, {unallocated: their_phone.id})
    enrolled = await world.campaigns.enroll(STRANGER, campaign, [enrolment])
    conflict = await world.commit(
        evolve(world.change(known), tenant=STRANGER, cancels=((waiting.id, "x"),))
    )
    stolen = evolve(phone, tenant=STRANGER, label="stolen")
    changed = await world.senders.change(
        evolve(phone, tenant=STRANGER), stolen, by="eve"
    )
    with pytest.raises(Refused, match=phone.number.replace("+", r"\+")):
        await world.senders.import_(
            STRANGER, [evolve(invented.new_phone(1), number=phone.number)]
        )

    assert (given, crossed, list(enrolled)) == (0, 0, [False])
    assert (conflict, changed) == ("CONFLICT", False)
    assert await world.senders.by_id(TENANT, phone.id) == phone
    assert (await world.known(lead)).waiting == (waiting,)


async def test_a_switch_and_a_suppression_stop_only_their_tenant(
    world: World, both: Both
) -> None:
    phone, lead, their_phone, their_lead = both
    (their,) = await world.journeys.load(STRANGER, [their_lead])
    shared = Suppression(
        phone_key(their.number), SuppressionReason.OPT_OUT, "ana", their.now
    )

    await world.switches.suppress(TENANT, [shared])
    await world.switches.throw(
        TENANT, SwitchScope.SENDER, str(their_phone.id), reason="x", by="ana"
    )
    claims = await world.claims(limit=10) + await world.claims(limit=10)
    await world.switches.throw(TENANT, SwitchScope.TENANT, "", reason="x", by="ana")

    (again,) = await world.journeys.load(STRANGER, [their_lead])
    assert {claim.lane for claim in claims} == {phone.id, their_phone.id}
    assert not again.journey.opted_out
    assert again.waiting == their.waiting
    assert not await world.switches.thrown(STRANGER)
    assert not await world.switches.suppressed(STRANGER)
    assert lead != their_lead


async def test_the_global_list_stops_every_tenant(world: World, both: Both) -> None:
    _, _, _, their_lead = both
    (their,) = await world.journeys.load(STRANGER, [their_lead])
    key = phone_key(their.number)
    everywhere = Suppression(
        key, SuppressionReason.OPT_OUT, "root", their.now, everywhere=True
    )

    new = await world.switches.suppress(TENANT, [everywhere])

    (after,) = await world.journeys.load(STRANGER, [their_lead])
    assert new == 1
    assert after.journey.opted_out
    assert after.waiting == ()
    assert await world.switches.suppressed(STRANGER) == [everywhere]


async def test_an_event_belongs_to_the_tenant_of_the_phone_it_came_to(
    world: World, both: Both
) -> None:
    """Both tenants know the prospect and call their provider account the same."""
    phone, _, their_phone, _ = both
    row = evolve(invented.new_lead(77), company_name="Both")
    leads = []
    for tenant in (TENANT, STRANGER):
        (stored,) = await world.leads.store(tenant, [row], run=ImportId(uuid4()))
        leads.append(stored.lead)
    reply = SystemEvent(
        key="k",
        provider=phone.provider,
        type=EventType.REPLY,
        channel=Channel.WHATSAPP,
        address=phone_key(row.phone),
        content="da",
    )

    found = [
        await world.journeys.match(invented.ACCOUNT, evolve(reply, sender=to.number))
        for to in (phone, their_phone)
    ]

    assert [None if one is None else one.tenant for one in found] == [TENANT, STRANGER]
    assert [None if one is None else one.journey.lead for one in found] == leads
