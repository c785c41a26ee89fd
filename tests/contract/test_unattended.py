"""An answer that no person looked at, from webhook to log, over every store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.adapters.model_double import FakeModel, analysis, draft, shown
from tests.usecases.engine import REVIEWERS, Script

from outreach.adapters.memory import MemoryAlerts, MemoryJourneys
from outreach.adapters.postgres.journeys import PostgresJourneys
from outreach.domain.address import AddressKey
from outreach.domain.analysis import Doubt
from outreach.domain.channel import Channel
from outreach.domain.event import Arrival, EventType, SystemEvent
from outreach.domain.ids import LeadId, TemplateId
from outreach.domain.message import Outcome
from outreach.domain.sender import SendClass, Sender
from outreach.domain.sequence import MessageTemplate
from outreach.domain.template import Variable
from outreach.domain.usecases.signal_sender import SignalSender
from outreach.domain.usecases.take_in_events import TakeInEvents
from outreach.testing import invented
from outreach.testing.invented import ACCOUNT, PROVIDER
from outreach.testing.world import A, World

SAID = "Sună bine pentru noi, ne interesează oferta."
ANSWER = MessageTemplate(
    id=TemplateId(uuid4()),
    name="reply-interested",
    channel=Channel.WHATSAPP,
    content="Mulțumim![ {{ai_note}}]",
    variables=(Variable("ai_note", ""),),
    language="ro",
)


def helpful(request: dict[str, Any]) -> str:
    if "templates" in shown(request):
        return draft("reply-interested", ai_note="Vă ascultăm.")
    return analysis(sentiment=80)


async def contacted(world: World) -> tuple[Sender, LeadId]:
    phone, (lead,) = await world.phone_with()
    await world.send()
    steps = invented.sequence(1, name="answers")
    await world.campaigns.save(
        world.tenant, steps, [*invented.texts(steps), ANSWER], name="answers"
    )
    await world.advance_engine(timedelta(minutes=5))
    return phone, lead


async def replies(world: World, phone: Sender, lead: LeadId, model: FakeModel) -> None:
    known = await world.known(lead)
    event = SystemEvent(
        key=str(uuid4()),
        provider=PROVIDER,
        type=EventType.REPLY,
        channel=Channel.WHATSAPP,
        sender=phone.number,
        address=AddressKey.of(f"phone:{known.number}"),
        content=SAID,
    )
    await world.inbox.put(
        Arrival(
            provider=PROVIDER,
            account=ACCOUNT,
            raw=b"{}",
            key=event.key,
            type=event.type,
            address=event.address,
            received_at=await world.now(),
        )
    )
    model.tenant = world.tenant
    alerts = MemoryAlerts()
    take_in = TakeInEvents(
        inbox=world.inbox,
        journeys=world.journeys,
        senders=world.senders,
        campaigns=world.campaigns,
        analyst=model.analyst(),
        signal=SignalSender(world.senders, world.duties, world.clock, alerts),
        clock=world.clock,
        alerts=alerts,
        readers={PROVIDER: Script({b"{}": [event]})},
        reviewers=REVIEWERS,
        drafter=model.drafter(),
        unattended=(world.tenant,),
    )
    assert await take_in(A) == 1


async def logged(world: World, lead: LeadId) -> dict[str, Any]:
    """What the log holds of the reply's analysis and draft."""
    if isinstance(world.journeys, MemoryJourneys):
        row = next(r for r in world.journeys.store.log_of[lead] if r.analysis)
        assert row.analysis is not None
        kept = {"by": row.analysis.by, "raw": row.analysis.raw}
        return kept | {"draft": None if row.draft is None else row.draft.by}
    assert isinstance(world.journeys, PostgresJourneys)
    doc: dict[str, Any] = await world.journeys.database.value(
        """
        SELECT ai_analysis FROM gold_communication_log
         WHERE lead_journey_id = %s AND direction = 'INBOUND'
        """,
        (lead,),
        tenant=world.tenant,
    )
    drafted = doc.get("draft")
    kept = {"by": doc["by"], "raw": doc["raw"]}
    return kept | {"draft": None if drafted is None else drafted["by"]}


async def test_it_waits_half_a_minute_goes_out_and_counts(world: World) -> None:
    phone, lead = await contacted(world)

    await replies(world, phone, lead, FakeModel(helpful))
    (waiting,) = (await world.known(lead)).waiting
    await world.advance_engine(timedelta(minutes=3))
    call = await world.call_for(waiting.id)
    await world.settle(call, Outcome.ACCEPTED)

    after = await world.known(lead)
    assert waiting.send_class is SendClass.AI
    assert waiting.text == "Mulțumim! Vă ascultăm."
    assert after.ai_replies_today == 1
    assert after.review is None
    assert after.waiting == ()


async def test_the_log_keeps_which_model_said_what(world: World) -> None:
    phone, lead = await contacted(world)

    await replies(world, phone, lead, FakeModel(helpful))

    assert await logged(world, lead) == {
        "by": "rules/2+openai/a-model/prompt-1",
        "raw": analysis(sentiment=80),
        "draft": "openai/a-model/prompt-1",
    }


async def test_the_item_keeps_why_the_model_is_not_relied_on(world: World) -> None:
    phone, lead = await contacted(world)

    await replies(world, phone, lead, FakeModel(lambda _: "INTERESTED\x00!"))

    item = (await world.known(lead)).review
    assert item is not None
    assert item.analysis is not None
    assert item.analysis.doubt is Doubt.UNREADABLE
    assert item.analysis.raw == "INTERESTED\ufffd!"
    assert (await world.known(lead)).waiting == ()


async def test_a_further_message_takes_the_answer_back(world: World) -> None:
    phone, lead = await contacted(world)
    await replies(world, phone, lead, FakeModel(helpful))
    (first,) = (await world.known(lead)).waiting

    await replies(world, phone, lead, FakeModel(helpful))

    (second,) = (await world.known(lead)).waiting
    assert second.id != first.id
