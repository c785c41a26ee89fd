"""One lead over three channels: which way each message goes, and through whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from tests.unit.cases import uid
from tests.usecases.engine import Engine, engine

from outreach.domain.address import AddressKey, AddressKind
from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.domain.answer import Answer
from outreach.domain.channel import Channel, State
from outreach.domain.decision import Reason
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import LeadId
from outreach.domain.journey import DeadCause
from outreach.domain.lead_file import ImportId
from outreach.domain.limits import Limits
from outreach.domain.message import Parcel, Refusal, Refused
from outreach.domain.review import Resolution
from outreach.domain.sequence import Sequence
from outreach.testing import invented
from outreach.testing.invented import PROVIDER

WA, COLD, WARM = Channel.WHATSAPP, Channel.EMAIL_COLD, Channel.EMAIL_WARM
DAYS = timedelta(days=2, hours=1)
ANALYSED = Analysis(ReplyIntent.QUESTION, 0, 0.9, "ro", (), "test/1")
NOBODY = Refused(Refusal.INVALID_RECIPIENT, "no such user")


async def leads(here: Engine, *rows: dict[str, Any]) -> list[LeadId]:
    """One per row, with a number and an address but for what the row changes."""
    made = [
        evolve(invented.new_lead(700 + n, mail=True), **row)
        for n, row in enumerate(rows)
    ]
    run = ImportId(uid(98))
    stored = await here.world.leads.store(here.world.tenant, made, run=run)
    return [one.lead for one in stored]


async def enrolled(here: Engine, plan: Sequence | None = None) -> dict[str, int]:
    plan = plan or invented.sequence(2, channel=WA, fallback=COLD)
    done = await here.enroll()(
        here.world.tenant, plan, invented.texts(plan), name="spring"
    )
    return dict(done.skipped)


async def go(here: Engine) -> list[Parcel]:
    """Everything that can go now; what was accepted by that."""
    before = len(here.gateway.accepted)
    for _ in range(4):
        await here.dispatch(here.world.tenant)
        await here.run()
    return here.gateway.accepted[before:]


def ways(parcels: list[Parcel]) -> list[tuple[Channel, str]]:
    return [(one.permit.channel, one.to) for one in parcels]


async def test_who_has_no_number_gets_the_same_sequence_by_mail() -> None:
    here = engine()
    await here.world.phones()
    await here.world.mailboxes()
    both, mail_only = await leads(here, {}, {"phones": ()})

    skipped = await enrolled(here)
    first = await go(here)
    here.pass_time(DAYS)
    second = await go(here)

    assert skipped == {}
    assert sorted(ways(first)) == [(COLD, "ion@firma701.ro"), (WA, "+40721000700")]
    assert sorted(ways(second)) == sorted(ways(first))
    mails = [one for one in first + second if one.permit.channel is COLD]
    assert [one.subject for one in mails] == ["Agro 701 SRL: o întrebare"] * 2
    assert here.journey(both).state is State.CONTACTED_WA
    assert here.journey(mail_only).state is State.CONTACTED_EMAIL


async def test_a_text_that_the_fall_back_lacks_is_counted_at_enrolment() -> None:
    here = engine()
    await here.world.phones()
    await here.world.mailboxes()
    await leads(here, {}, {"phones": ()})
    plan = invented.sequence(2, channel=WA, fallback=COLD)
    first, second = plan.steps
    plan = evolve(plan, steps=(first, evolve(second, fallback_template=None)))

    assert await enrolled(here, plan) == {"NO_TEMPLATE": 1}


async def test_without_mailboxes_nobody_is_enrolled_for_mail() -> None:
    here = engine()
    await here.world.phones()
    await leads(here, {}, {"phones": ()})

    assert await enrolled(here) == {"NO_CHANNEL": 1}


async def test_a_number_that_is_not_there_has_the_same_step_go_by_mail() -> None:
    here = engine()
    await here.world.phones()
    await here.world.mailboxes()
    (lead,) = await leads(here, {})
    await enrolled(here)
    here.gateway.script(NOBODY)

    first = await go(here)
    here.pass_time(DAYS)
    second = await go(here)

    assert ways(first) == [(COLD, "ion@firma700.ro")]
    assert ways(second) == [(COLD, "ion@firma700.ro")]
    assert len({one.intent for one in first + second}) == 2
    assert {attempt.intent for attempt in here.attempts()} == {
        one.intent for one in first + second
    }
    assert here.store.leads[lead].phone_status == "invalid"
    assert here.journey(lead).state is State.CONTACTED_EMAIL


async def test_with_no_way_left_the_lead_is_unreachable() -> None:
    here = engine()
    await here.world.phones()
    await here.world.mailboxes()
    (lead,) = await leads(here, {"emails": ()})
    await enrolled(here)
    here.gateway.script(NOBODY)

    assert await go(here) == []
    assert here.journey(lead).dead_cause is DeadCause.UNREACHABLE


async def test_neither_way_leads_anywhere() -> None:
    here = engine()
    await here.world.phones()
    await here.world.mailboxes()
    (lead,) = await leads(here, {})
    await enrolled(here)
    here.gateway.script(NOBODY, NOBODY)

    assert await go(here) == []
    assert here.journey(lead).dead_cause is DeadCause.UNREACHABLE
    assert here.store.leads[lead].email_status == "invalid"


async def test_what_became_impossible_goes_another_way_at_the_moment_of_sending() -> (
    None
):
    here = engine()
    (phone,) = await here.world.phones()
    await here.world.mailboxes()
    (lead,) = await leads(here, {})
    await enrolled(here)
    await here.dispatch(here.world.tenant)
    here.set_journey(lead, closed_channels=frozenset({WA}))

    sent = await go(here)

    assert ways(sent) == [(COLD, "ion@firma700.ro")]
    assert here.reasons() == [Reason.NO_CHANNEL, Reason.OK]
    told = here.store.decisions[0].decision.block.inputs
    assert dict(told) == {
        "channel": "WHATSAPP",
        "to": "EMAIL_COLD",
        "why": "best score 70",
    }
    assert here.spent(phone) == frozenset()


async def test_a_full_budget_defers_and_never_changes_the_channel() -> None:
    here = engine()
    await here.world.phones(daily_limit=1)
    await here.world.mailboxes()
    await leads(here, {}, {})
    await enrolled(here)

    sent = await go(here)

    assert [one.permit.channel for one in sent] == [WA]


async def test_a_mailbox_sends_its_daily_total_and_no_more() -> None:
    here = engine()
    (mailbox,) = await here.world.mailboxes(limits=Limits(total_per_day=2))
    await leads(here, *[{"phones": ()}] * 3)
    await enrolled(here)

    today = await go(here)
    here.pass_time(timedelta(days=1))
    tomorrow = await go(here)

    assert (len(today), len(tomorrow)) == (2, 1)
    assert {one.sender for one in today + tomorrow} == {mailbox.id}


async def test_a_mail_that_came_back_has_its_step_go_by_whatsapp() -> None:
    here = engine()
    await here.world.phones()
    await here.world.mailboxes(provider=PROVIDER)
    (lead,) = await leads(here, {})
    await enrolled(here, invented.sequence(2, channel=COLD, fallback=WA))
    (mail,) = await go(here)
    ref = here.attempts()[0].ref

    await here.arrives(
        SystemEvent(
            key="b", provider=PROVIDER, type=EventType.BOUNCE, channel=COLD, ref=ref
        )
    )
    await here.take()
    sent = await go(here)

    assert mail.permit.channel is COLD
    assert ways(sent) == [(WA, "+40721000700")]
    assert sent[0].intent == mail.intent
    assert here.journey(lead).state is State.CONTACTED_WA
    assert here.store.leads[lead].email_status == "bounced"
    assert here.items() == []


# --- a reply


async def replied(here: Engine, mail: Parcel) -> None:
    """The prospect answers that mail, and the item for it is open."""
    here.analyses["Cât costă?"] = ANALYSED
    await here.arrives(
        SystemEvent(
            key="r",
            provider=PROVIDER,
            type=EventType.REPLY,
            channel=COLD,
            sender=mail.sender_number,
            address=AddressKey(AddressKind.EMAIL, mail.to),
            content="Cât costă?",
            subject=f"RE: {mail.subject}",
        )
    )
    await here.take()


async def approved(here: Engine, lead: LeadId) -> None:
    (item,) = here.items()
    answer = Answer(Resolution.EDITED, "ana", item.fingerprint or "", "Costă 10 lei.")
    await here.answer_review(here.world.tenant, lead, answer)
    here.pass_time(timedelta(minutes=2))


@pytest.mark.parametrize("answers", [False, True])
async def test_a_reply_to_a_mail_goes_by_mail_through_the_leads_own_sender(
    *, answers: bool
) -> None:
    here = engine()
    await here.world.phones()
    (cold,) = await here.world.mailboxes(provider=PROVIDER, answers=answers)
    (warm,) = await here.world.mailboxes(channel=WARM, provider=PROVIDER)
    (lead,) = await leads(here, {"phones": ()})
    await enrolled(here)
    (mail,) = await go(here)
    await replied(here, mail)

    await approved(here, lead)
    (reply,) = await go(here)

    assert reply.permit.channel is WARM
    assert reply.permit.state is State.WARM_REPLY
    assert reply.sender == (cold.id if answers else warm.id)
    assert reply.to == mail.to
    assert reply.text.startswith("Costă 10 lei.\n")
    assert reply.text.endswith(reply.unsubscribe)
    assert reply.subject == f"RE: {mail.subject}"
    assert bool(reply.thread) is answers


async def test_a_reply_on_whatsapp_goes_by_whatsapp() -> None:
    here = engine()
    (phone,) = await here.world.phones()
    await here.world.mailboxes(channel=WARM, provider=PROVIDER)
    (lead,) = await leads(here, {})
    await enrolled(here)
    (first,) = await go(here)
    here.analyses["Cât costă?"] = ANALYSED
    await here.arrives(
        SystemEvent(
            key="r",
            provider=PROVIDER,
            type=EventType.REPLY,
            channel=WA,
            sender=phone.number,
            address=AddressKey(AddressKind.PHONE, first.to),
            content="Cât costă?",
        )
    )
    await here.take()

    await approved(here, lead)
    (reply,) = await go(here)

    assert (reply.permit.channel, reply.sender) == (WA, phone.id)
    assert reply.subject == ""
