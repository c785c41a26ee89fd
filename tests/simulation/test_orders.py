"""INV-12: in any order and number, events of one lead over all channels leave the same.

One lead was written to by WhatsApp, then by mail. What providers tell of it afterwards
comes in every order, and each event again at every place.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from typing import Any, Final

import pytest
from attrs import evolve
from tests.unit.cases import uid
from tests.usecases.engine import Engine, engine

from outreach.domain.address import AddressKey, AddressKind
from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import LeadId
from outreach.domain.lead_file import ImportId
from outreach.testing import invented
from outreach.testing.invented import PROVIDER

WA, COLD = Channel.WHATSAPP, Channel.EMAIL_COLD
PHONE, MAIL = "+40721000700", "ion@firma700.ro"
SETS: Final = (
    ("wa sent", "wa read", "mail sent", "wa reply"),
    ("mail sent", "mail opened", "mail reply", "wa reply"),
    ("mail sent", "mail delivered", "soft bounce", "mail reply"),
    ("wa reply", "mail reply", "left by mail", "wa read"),
    ("wa reply", "left by link", "complaint", "mail opened"),
    ("wa stop", "mail reply", "complaint", "mail delivered"),
    ("away by mail", "mail reply", "wa read", "wa person"),
    ("wa person", "mail reply", "left by link", "wa sent"),
    ("bounce", "mail sent", "mail delivered", "soft bounce"),
    ("bounce", "wa reply", "wa read"),
    ("bounce", "left by link", "wa read"),
    ("bounce", "mail reply", "mail opened"),
)
DAYS: Final = timedelta(days=2, hours=1)
"""Past the second step's delay, in the window."""
DRAWN: Final = 60
MANY: Final = 7


def now(work: Any) -> Any:
    """Drive a coroutine that only ever yields, without a loop."""
    try:
        while True:
            work.send(None)
    except StopIteration as end:
        return end.value


async def written_to() -> tuple[Engine, LeadId]:
    """By WhatsApp, and two days later by mail."""
    here = engine()
    await here.world.phones()
    await here.world.mailboxes(provider=PROVIDER)
    made = [invented.new_lead(700, mail=True)]
    stored = await here.world.leads.store(
        here.world.tenant, made, run=ImportId(uid(98))
    )
    plan = invented.sequence(2, channel=WA, fallback=COLD)
    first, second = plan.steps
    by_mail = evolve(second, channel=COLD, fallback_template=None)
    plan = evolve(plan, steps=(first, by_mail))
    await here.enroll()(here.world.tenant, plan, invented.texts(plan), name="spring")
    for _ in range(2):
        await here.dispatch(here.world.tenant)
        await here.run()
        here.pass_time(DAYS)
    assert [one.permit.channel for one in here.gateway.accepted] == [WA, COLD]
    return here, stored[0].lead


def told(here: Engine, lead: LeadId) -> dict[str, SystemEvent]:
    """Everything that can be told of it, by name."""
    by_wa, by_mail = here.attempts()
    for words, intent in (
        ("Da", ReplyIntent.INTERESTED),
        ("Cât costă?", ReplyIntent.QUESTION),
        ("plec", ReplyIntent.OUT_OF_OFFICE),
    ):
        here.analyses[words] = Analysis(intent, 10, 0.9, "ro", (), "test/1")

    def wa(kind: EventType, **facts: Any) -> SystemEvent:
        return _event(kind, WA, AddressKey(AddressKind.PHONE, PHONE), by_wa, facts)

    def mail(kind: EventType, **facts: Any) -> SystemEvent:
        return _event(kind, COLD, AddressKey(AddressKind.EMAIL, MAIL), by_mail, facts)

    return {
        "wa sent": wa(EventType.SENT, ref=by_wa.ref),
        "wa read": wa(EventType.READ, ref=by_wa.ref),
        "wa reply": wa(EventType.REPLY, ref="r1", content="Da"),
        "wa stop": wa(EventType.REPLY, ref="r2", content="STOP"),
        "wa person": wa(EventType.EXTERNAL_SENT, ref="x1", content="bună ziua"),
        "mail sent": mail(EventType.SENT, ref=by_mail.ref),
        "mail delivered": mail(EventType.DELIVERED, ref=by_mail.ref),
        "mail opened": mail(EventType.OPENED, ref=by_mail.ref),
        "mail reply": mail(EventType.REPLY, ref="r3", content="Cât costă?"),
        "away by mail": mail(EventType.AUTO_REPLY, ref="r4", content="plec"),
        "soft bounce": mail(EventType.SOFT_BOUNCE, ref=by_mail.ref),
        "bounce": mail(EventType.BOUNCE, ref=by_mail.ref),
        "left by mail": mail(EventType.UNSUBSCRIBE, ref=by_mail.ref),
        "complaint": mail(EventType.COMPLAINT, ref=by_mail.ref),
        "left by link": evolve(
            mail(EventType.UNSUBSCRIBE, key="link"),
            sender="",
            address=None,
            tenant=here.world.tenant,
            lead=lead,
        ),
    }


def _event(
    kind: EventType, channel: Channel, to: AddressKey, attempt: Any, facts: Any
) -> SystemEvent:
    facts = {"key": f"{channel}/{kind}/{facts.get('ref')}", **facts}
    number = attempt.parcel.sender_number
    return SystemEvent(
        provider=PROVIDER,
        type=kind,
        channel=channel,
        sender=number,
        address=to,
        **facts,
    )


async def after(order: Sequence[str]) -> dict[str, object]:
    """What is left of a lead for whom these came in, in this order."""
    here, lead = await written_to()
    events = told(here, lead)
    for name in order:
        await here.arrives(events[name])
        await here.take()
    assert not here.store.arrived
    return left(here, lead)


def left(here: Engine, lead: LeadId) -> dict[str, object]:
    """Journey, suppressions, statuses, and all that decides what comes next.

    Not what providers were told to stop: that is known to be needless only once a mail
    is known to have left.
    """
    store, journey = here.store, here.journey(lead)
    run = store.enrolments[store.enrolled[lead][0]].enrolment
    return {
        "journey": (
            journey.state,
            journey.dead_cause,
            journey.opted_out,
            journey.human_controlled,
            journey.reply_count,
            journey.closed_channels,
            journey.last_channel,
            journey.last_contact_at,
        ),
        "suppressed": {
            str(key) for some in store.suppressions.values() for key in some
        },
        "statuses": [row.status for row in store.sent.values()],
        "outcomes": here.outcomes(),
        "run": (run.status, run.current_step),
        "waits": [
            (row.standing, row.intent.step_number, row.intent.channel)
            for row in here.intents_of(lead)
            if row.intent.step is not None
        ],
        "asked": any(item.is_open for item in here.items()),
        "address": store.leads[lead].email_status,
        "faults": sorted(str(fault) for _, fault in store.faults),
    }


@pytest.mark.parametrize("names", SETS, ids=" / ".join)
def test_every_order_with_everything_again_leaves_the_same(
    names: tuple[str, ...],
) -> None:
    ways = {order: now(after(order)) for order in permutations(names)}
    ways |= {(*order, *names): now(after((*order, *names))) for order in ways}

    first = ways[names]
    other = {order: way for order, way in ways.items() if way != first}
    assert other == {}, first


@pytest.mark.parametrize("seed", range(DRAWN))
def test_many_events_in_two_drawn_orders_leave_the_same(seed: int) -> None:
    rng = random.Random(seed)
    known = sorted({name for names in SETS for name in names})
    names = rng.sample(known, MANY)
    again = rng.choices(names, k=3)

    one = now(after(rng.sample(names, MANY)))
    two = now(after([*rng.sample(names, MANY), *again]))

    assert one == two, names
