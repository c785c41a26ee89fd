"""What mail brings: absences with dates, bounces of each kind, followed links."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from tests.usecases.engine import DAY, HOUR, Engine, engine

from outreach.adapters.memory.rows import Standing
from outreach.adapters.rules import RuleAnalyst
from outreach.adapters.system.links import LinksReader, followed
from outreach.domain.address import email_keys
from outreach.domain.bounce import RETURNED
from outreach.domain.breaker import MailFault
from outreach.domain.channel import Channel, State
from outreach.domain.decision import Reason
from outreach.domain.errors import NotFound
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import IntentId, LeadId
from outreach.domain.journey import DeadCause
from outreach.domain.message import MessageStatus
from outreach.domain.sender import Sender, SenderState
from outreach.domain.suppression import SuppressionReason
from outreach.domain.usecases.send_next import Step
from outreach.domain.usecases.take_back_bounce import TakeBackBounce
from outreach.domain.usecases.take_in_events import TakeInEvents
from outreach.domain.window import start_of_day
from outreach.testing.errors import raised
from outreach.testing.invented import PROVIDER, ZONE
from outreach.testing.world import A

MAIL: Final = Channel.EMAIL_COLD


class Mailed:
    """A lead that got a mail, with a follow-up by mail that waits."""

    here: Engine
    box: Sender
    lead: LeadId
    later: IntentId

    @classmethod
    async def make(cls, *, links: bool = True) -> Mailed:
        made = cls()
        made.here = engine()
        (phone,) = await made.here.world.phones()
        (made.lead,) = await made.here.world.line(phone, mail=True)
        first = made.here.intents_of(made.lead)[0]
        made.here.store.end(first, Standing.CANCELLED, "the test sends mail")
        await made.here.world.mail(phone, made.lead)
        (made.box,) = [
            lane.sender
            for lane in made.here.store.lanes.values()
            if lane.sender.channel is MAIL
        ]
        if not links:
            return made
        assert await made.here.send() is Step.ACCEPTED
        made.here.pass_time(2 * DAY)
        made.later = await made.here.world.mail(
            made.box, made.lead, text="Reveniți cu un răspuns?"
        )
        return made

    @property
    def take_in(self) -> TakeInEvents:
        plain = self.here.take_in
        readers = {**plain.readers, "links": LinksReader()}
        return evolve(plain, analyst=RuleAnalyst(), readers=readers)

    @property
    def first(self) -> Any:
        return self.here.attempts()[0]

    def event(self, kind: EventType, **facts: Any) -> SystemEvent:
        event = SystemEvent(
            key=f"{kind}:{facts.get('content', '')}",
            provider=PROVIDER,
            type=kind,
            channel=MAIL,
            ref=self.first.ref,
            sender=self.box.number,
            address=email_keys(self.email)[0],
        )
        return evolve(event, **facts)

    @property
    def email(self) -> str:
        return self.here.store.leads[self.lead].email

    async def happens(self, kind: EventType, **facts: Any) -> None:
        await self.here.arrives(self.event(kind, **facts))
        assert await self.take_in(A) == 1

    async def follows_the_link(self) -> None:
        (url,) = {parcel.unsubscribe for parcel in self.here.gateway.accepted}
        link = self.here.links.read(url.rpartition("/")[2])
        assert link is not None
        await self.here.world.inbox.put(followed(link, self.here.clock.machine))

    def waits(self) -> list[datetime]:
        rows = self.here.intents_of(self.lead)
        return [r.intent.due_at for r in rows if r.standing is Standing.WAITING]


# --- absences


ABSENT: Final = [
    ("ro", "Sunt în concediu până pe 20 {month} și revin după.", 20),
    ("ro", "Răspuns automat: în perioada 2-20 {month} sunt plecat din birou.", 20),
    ("ro", "Nu sunt la birou până la data de 20.{number}.2026 inclusiv.", 20),
    ("en", "I am out of the office until {name} 20, 2026.", 20),
    ("en", "Out of office: I am on annual leave, back on the 20th of {name}.", 20),
    ("en", "I am away, on vacation, returning {number}/20/2026.", 20),
    ("ru", "Я в отпуске до 20 {russian}. Отвечу по возвращении.", 20),
    ("ru", "Меня не будет в офисе до 20 {russian} 2026 года.", 20),
]
WITHOUT: Final = [
    "Absentez de la birou. Vă răspund când mă întorc.",
    "I am out of the office and will reply when I return.",
    "Меня нет на месте. Отвечу позже.",
]


def dated(text: str) -> str:
    return text.format(month="martie", number="03", name="March", russian="марта")


@pytest.mark.parametrize("kind", [EventType.AUTO_REPLY, EventType.REPLY])
@pytest.mark.parametrize(("language", "text", "day"), ABSENT)
async def test_an_absence_moves_nothing_and_goes_on_after_its_date(
    kind: EventType, language: str, text: str, day: int
) -> None:
    del language
    mailed = await Mailed.make()
    here, before = mailed.here, mailed.here.journey(mailed.lead)
    assert here.clock.engine < datetime(2026, 3, day, tzinfo=UTC)

    await mailed.happens(kind, content=dated(text))

    after = here.journey(mailed.lead)
    back = start_of_day(date(2026, 3, day + 1), ZONE)
    assert (after.state, after.reply_count) == (before.state, before.reply_count)
    assert mailed.waits() == [back]
    assert here.items() == []
    assert await here.run() == []


@pytest.mark.parametrize("kind", [EventType.AUTO_REPLY, EventType.REPLY])
@pytest.mark.parametrize("text", WITHOUT)
async def test_an_absence_without_a_date_is_of_fourteen_days(
    kind: EventType, text: str
) -> None:
    mailed = await Mailed.make()
    here = mailed.here
    today = here.clock.engine.date()

    await mailed.happens(kind, content=text)
    nothing = await here.run()
    here.pass_time(14 * DAY + HOUR)
    steps = await here.run()

    assert mailed.here.journey(mailed.lead).reply_count == 0
    assert nothing == []
    assert Step.ACCEPTED in steps
    assert here.items() == []
    assert here.attempts()[-1].called_at.date() >= today + timedelta(days=14)


@pytest.mark.parametrize(
    ("text", "back"),
    [
        ("Thank you for your interest! A colleague will answer soon.", 18),
        ("Mulțumim pentru interes, suntem interesați. Revenim pe 20 martie.", 21),
    ],
)
async def test_a_machine_that_is_polite_is_not_interested(text: str, back: int) -> None:
    mailed = await Mailed.make()

    await mailed.happens(EventType.AUTO_REPLY, content=text)

    assert mailed.here.journey(mailed.lead).reply_count == 0
    assert mailed.here.items() == []
    assert mailed.waits() == [start_of_day(date(2026, 3, back), ZONE)]


async def test_a_machine_that_passes_a_no_on_is_not_taken_for_an_absence() -> None:
    mailed = await Mailed.make()
    text = "Răspuns automat: vă rog să mă ștergeți din listă, nu mai doresc mesaje."

    await mailed.happens(EventType.AUTO_REPLY, content=text)

    assert mailed.here.journey(mailed.lead).opted_out
    assert mailed.waits() == []


# --- bounces


async def test_a_recipients_fault_is_a_bounce() -> None:
    mailed = await Mailed.make()
    here = mailed.here
    here.store.leads[mailed.lead] = evolve(here.store.leads[mailed.lead], phones=())

    await mailed.happens(EventType.BOUNCE, diagnostic="550 5.1.1 no such user")

    journey = here.journey(mailed.lead)
    name = mailed.first.parcel.attempt
    assert (journey.state, journey.dead_cause) == (State.DEAD, DeadCause.UNREACHABLE)
    assert (name, MailFault.BOUNCED) in here.store.faults
    assert here.store.leads[mailed.lead].email_status == RETURNED
    assert here.store.sent[name].status is MessageStatus.BOUNCED
    assert [item.trigger for item in here.items()] == ["550 5.1.1 no such user"]
    assert here.phone(mailed.box.id).state is SenderState.ACTIVE


@pytest.mark.parametrize("kind", [EventType.BOUNCE, EventType.SOFT_BOUNCE])
@pytest.mark.parametrize("said", ["550 5.7.1 blocked for ana@firma1.ro", "5.4.5 limit"])
async def test_a_fault_of_ours_pauses_the_mailbox_and_keeps_the_lead(
    kind: EventType, said: str
) -> None:
    mailed = await Mailed.make()
    here, before = mailed.here, mailed.waits()

    await mailed.happens(kind, diagnostic=said)

    told = [alert for alert in here.alerts.told if alert.kind == "mailbox.paused"]
    assert here.phone(mailed.box.id).state is SenderState.PAUSED
    assert [alert.about for alert in told] == [str(mailed.box.id)]
    assert "@" not in told[0].says
    assert here.store.faults == {}
    assert here.store.leads[mailed.lead].email_status == ""
    assert here.journey(mailed.lead).state is State.CONTACTED_EMAIL
    assert mailed.waits() == before
    assert await here.run() == []


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (EventType.SOFT_BOUNCE, ""),
        (EventType.SOFT_BOUNCE, "452 4.2.2 over quota"),
        (EventType.BOUNCE, "554 5.3.4 too big"),
    ],
)
async def test_what_may_pass_blames_nobody(kind: EventType, said: str) -> None:
    mailed = await Mailed.make()
    here, before = mailed.here, mailed.waits()

    await mailed.happens(kind, diagnostic=said)

    assert here.store.faults == {}
    assert here.store.anomalies == []
    assert here.phone(mailed.box.id).state is SenderState.ACTIVE
    assert here.journey(mailed.lead).state is State.CONTACTED_EMAIL
    assert mailed.waits() == before


async def test_an_address_that_bounced_gets_no_mail_and_says_why() -> None:
    mailed = await Mailed.make()
    here = mailed.here
    assert here.store.leads[mailed.lead].phone, "another channel is left"

    await mailed.happens(EventType.BOUNCE)
    await here.run()

    assert here.reasons()[-1] is Reason.NO_CHANNEL
    assert len(here.attempts()) == 1


async def test_a_bounce_is_taken_back_with_all_it_did() -> None:
    mailed = await Mailed.make()
    here = mailed.here
    here.store.leads[mailed.lead] = evolve(here.store.leads[mailed.lead], phones=())
    await mailed.happens(EventType.BOUNCE)
    undo = TakeBackBounce(here.world.journeys)

    tenant = here.world.tenant
    count = await undo(tenant, mailed.lead, by="ana", why="our DNS was broken")

    journey, (_, last) = here.journey(mailed.lead), here.store.moves[-1]
    assert count == 1
    assert journey.state is State.CONTACTED_EMAIL
    assert here.store.leads[mailed.lead].email_status == ""
    assert here.store.faults == {}
    assert last.lead == mailed.lead
    assert (last.before, last.after) == (State.DEAD, State.CONTACTED_EMAIL)
    assert (last.by, last.why) == ("ana", "bounce taken back: our DNS was broken")
    again = undo(tenant, mailed.lead, by="ana", why="twice")
    assert await raised(NotFound, again)


# --- complaints and links


async def test_a_complaint_suppresses_at_once_and_counts() -> None:
    mailed = await Mailed.make()
    here = mailed.here

    await mailed.happens(EventType.COMPLAINT)

    listed = here.store.suppressions[here.world.tenant]
    name = mailed.first.parcel.attempt
    assert {key.value for key in listed} >= {mailed.email}
    assert {one.reason for one in listed.values()} == {SuppressionReason.COMPLAINT}
    assert (name, MailFault.COMPLAINED) in here.store.faults
    assert mailed.waits() == []


async def test_every_mail_carries_a_link_in_text_and_header() -> None:
    mailed = await Mailed.make()

    (parcel,) = mailed.here.gateway.accepted
    lines = parcel.text.splitlines()

    assert parcel.unsubscribe in lines[-1]
    assert lines[-1].startswith("Dacă nu mai doriți")
    assert "/ro/" in parcel.unsubscribe
    assert mailed.email not in parcel.unsubscribe
    assert str(mailed.lead) not in parcel.unsubscribe


async def test_no_mail_goes_out_where_nothing_signs_links() -> None:
    mailed = await Mailed.make(links=False)
    here = mailed.here
    claim = await here.world.claim()

    step = await evolve(here.sends(), links=None)(claim, here.clock.monotonic())

    assert step is Step.PUT_OFF
    assert here.reasons() == [Reason.DOMAIN_NOT_READY]
    assert here.gateway.accepted == []


async def test_whoever_follows_the_link_is_left_alone_on_every_channel() -> None:
    mailed = await Mailed.make()
    here = mailed.here

    for _ in range(3):
        await mailed.follows_the_link()
    taken = await mailed.take_in(A)

    journey = here.journey(mailed.lead)
    listed = here.store.suppressions[here.world.tenant]
    lead = here.store.leads[mailed.lead]
    assert taken == 1
    assert (journey.state, journey.dead_cause) == (State.DEAD, DeadCause.OPTED_OUT)
    assert {key.value for key in listed} == {lead.phone, lead.email}
    assert mailed.waits() == []
    assert here.store.live_enrolment(mailed.lead) is None
    here.pass_time(30 * DAY)
    assert await here.run() == []


async def test_nothing_is_sent_between_the_link_and_its_effect() -> None:
    mailed = await Mailed.make()
    here = mailed.here
    await mailed.follows_the_link()

    step = await here.send()

    assert step is Step.NOT_ARMED
    assert len(here.attempts()) == 1
