"""What comes into our own mailboxes reaches the leads, and nothing else is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from attrs import define, evolve, field
from tests.usecases.engine import MINUTE, Engine, engine

from outreach.adapters.imap import RECEIVED, SENT, Kept, MailReader, keep
from outreach.adapters.memory import MemoryInbox, MemoryMailboxes, MemoryPlaces
from outreach.adapters.memory.rows import Standing
from outreach.adapters.rules import RuleAnalyst
from outreach.domain.bounce import RETURNED
from outreach.domain.change import Duty, DutyKind
from outreach.domain.channel import Channel, State
from outreach.domain.errors import Unavailable
from outreach.domain.event import Arrival, EventType
from outreach.domain.ids import AttemptId, LeadId
from outreach.domain.mail_mark import mail_mark
from outreach.domain.message import MessageStatus
from outreach.domain.sender import Sender, SenderSignal, SenderState
from outreach.domain.usecases.do_duties import DoDuties
from outreach.domain.usecases.read_mailboxes import (
    AT_ONCE,
    TOLD_AFTER,
    ReadMailboxes,
)
from outreach.domain.usecases.take_in_events import TakeInEvents
from outreach.ports.inbox import Inbox
from outreach.ports.mailboxes import Fault
from outreach.ports.places import Place
from outreach.testing.world import A

NOW: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)


@define
class Post:
    """A lead that got a mail from a mailbox of ours, which is read."""

    here: Engine
    box: Sender
    lead: LeadId
    mailboxes: MemoryMailboxes = field(factory=MemoryMailboxes)
    places: MemoryPlaces = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.places = MemoryPlaces(self.here.store)
        self.mailboxes.open(self.box.number)

    @classmethod
    async def make(cls) -> Post:
        here = engine()
        (phone,) = await here.world.phones()
        (lead,) = await here.world.line(phone, mail=True)
        first = here.intents_of(lead)[0]
        here.store.end(first, Standing.CANCELLED, "the test sends mail")
        (box,) = await here.world.mailboxes(
            channel=Channel.EMAIL_COLD, provider="smtp", provider_account="default"
        )
        await here.world.mail(box, lead)
        await here.send()
        return cls(here, box, lead)

    def reads(self, inbox: Inbox | None = None) -> ReadMailboxes:
        here = self.here
        return ReadMailboxes(
            mailboxes=self.mailboxes,
            places=self.places,
            inbox=inbox or here.world.inbox,
            journeys=here.world.journeys,
            senders=here.world.senders,
            signal=here.signal,
            alerts=here.alerts,
            reader=MailReader(),
            provider="smtp",
            account="default",
            every=MINUTE,
            wall=lambda: NOW,
        )

    @property
    def take_in(self) -> TakeInEvents:
        plain = self.here.take_in
        readers = {**plain.readers, "smtp": MailReader()}
        return evolve(plain, analyst=RuleAnalyst(), readers=readers)

    @property
    def email(self) -> str:
        return self.here.store.leads[self.lead].email

    @property
    def attempt(self) -> AttemptId:
        return next(reversed(self.here.store.attempts))

    @property
    def mark(self) -> str:
        return mail_mark(self.attempt, self.box.number)

    def put(self, mail: str, folder: str = RECEIVED) -> None:
        raw = keep(Kept(self.box.number, folder, mail.encode()))
        self.mailboxes.put(self.box.number, raw, folder)

    async def look(self) -> timedelta | None:
        return await self.reads()(self.here.world.tenant, 0)

    async def comes_in(self, mail: str, folder: str = RECEIVED) -> int:
        """It is read and applied; how many events that were."""
        self.put(mail, folder)
        await self.look()
        return await self.take_in(A)

    def stored(self) -> list[EventType]:
        return [row.arrival.type for row in self.here.store.events.values()]

    def place(self) -> list[Place]:
        return [one for one in self.places.kept.values() if one.folder == RECEIVED]

    def bounce(self, status: str = "5.1.1", said: str = "550 5.1.1 unknown") -> str:
        return f"""\
Return-Path: <>
From: MAILER-DAEMON@mx.example.org
To: {self.box.number}
Message-ID: <b{status}@mx.example.org>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; {self.email}
Action: failed
Status: {status}
Diagnostic-Code: smtp; {said}

--b
Content-Type: text/rfc822-headers

Message-ID: {self.mark}
--b--
"""

    def reply(
        self, text: str, *, answers: str = "", by: str = "", head: str = ""
    ) -> str:
        return f"""\
From: <{by or self.email}>
To: {self.box.number}
Message-ID: <r{len(text)}@example.org>
In-Reply-To: {answers or self.mark}
Subject: Re: Irigare
{head}
{text}

On Monday {self.box.number} wrote:
> Bună ziua
"""


# --- what comes in


async def test_a_mail_that_came_back_marks_its_address() -> None:
    post = await Post.make()

    assert await post.comes_in(post.bounce()) == 1

    lead = post.here.store.leads[post.lead]
    assert lead.email_status == RETURNED
    assert post.here.store.sent[post.attempt].status is MessageStatus.BOUNCED


async def test_what_is_our_own_fault_rests_the_mailbox_and_keeps_the_lead() -> None:
    post = await Post.make()

    await post.comes_in(post.bounce("5.7.1", "550 5.7.1 blocked"))

    assert post.here.phone(post.box.id).state is SenderState.PAUSED
    assert post.here.store.leads[post.lead].email_status != RETURNED


async def test_a_reply_makes_the_lead_warm_and_is_read_without_history() -> None:
    post = await Post.make()

    assert await post.comes_in(post.reply("Da, ne interesează, sunați-ne.")) == 1

    assert post.here.journey(post.lead).state is State.WARM_REPLY
    assert [item.trigger for item in post.here.items()] == [
        "Da, ne interesează, sunați-ne."
    ]


async def test_a_reply_that_names_no_mail_of_ours_is_known_by_who_wrote_it() -> None:
    post = await Post.make()

    await post.comes_in(post.reply("Da.", answers="<other@example.org>"))

    assert post.here.journey(post.lead).state is State.WARM_REPLY


async def test_a_colleagues_reply_is_known_by_the_mail_it_answers() -> None:
    post = await Post.make()

    await post.comes_in(post.reply("Da.", by="director@example.org"))

    assert post.here.journey(post.lead).state is State.WARM_REPLY


async def test_an_absence_moves_nothing() -> None:
    post = await Post.make()
    before = post.here.journey(post.lead).state

    await post.comes_in(
        post.reply("Sunt în concediu.", head="Auto-Submitted: auto-replied\n")
    )

    assert post.stored() == [EventType.AUTO_REPLY]
    assert post.here.journey(post.lead).state is before


async def test_a_mail_that_a_person_sent_hands_the_lead_over() -> None:
    post = await Post.make()
    own = f"From: {post.box.number}\nTo: {post.email}\nMessage-ID: <h@x>\n\nVă sun.\n"

    await post.comes_in(own, SENT)

    assert post.here.journey(post.lead).human_controlled


async def test_our_own_mail_in_that_folder_hands_over_nothing() -> None:
    post = await Post.make()
    own = f"To: {post.email}\nMessage-ID: {post.mark}\n\nBună ziua\n"

    assert await post.comes_in(own, SENT) == 0
    assert not post.here.journey(post.lead).human_controlled


# --- what is kept


@pytest.mark.parametrize("folder", [RECEIVED, SENT])
async def test_a_mail_of_nobody_we_know_is_not_kept(folder: str) -> None:
    post = await Post.make()
    private = post.reply(
        "Ne vedem diseară?", by="friend@example.org", answers="<private@example.org>"
    ).replace(f"To: {post.box.number}", "To: friend@example.org")

    assert await post.comes_in(private, folder) == 0

    assert post.stored() == []
    assert "diseară" not in repr(post.here.store.events)


async def test_another_tenants_lead_is_nobody_here() -> None:
    post = await Post.make()

    await post.reads()(post.here.world.stranger, 0)
    post.put(post.reply("Da."))
    await post.reads()(post.here.world.stranger, 0)

    assert post.stored() == []


async def test_a_mail_read_twice_is_one_event() -> None:
    post = await Post.make()
    await post.comes_in(post.reply("Da."))
    post.mailboxes.renumber(post.box.number)

    await post.look()

    assert post.stored() == [EventType.REPLY]


@define
class Breaks(MemoryInbox):
    """Stores, or does not, and dies."""

    when: str

    async def put(self, arrival: Arrival) -> bool:
        if self.when == "after":
            await super().put(arrival)
        message = "the store did not answer"
        raise Unavailable(message)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_place_is_not_moved_before_its_mail_is_stored(
    when: str,
) -> None:
    post = await Post.make()
    post.put(post.reply("Nu vă supărați, cine sunteți?", by="x@y.ro", answers="<x@y>"))
    post.put(post.reply("Da."))
    post.put(post.bounce())

    with pytest.raises(Unavailable):
        await post.reads(Breaks(post.here.store, when))(post.here.world.tenant, 0)
    stopped = post.place()
    await post.look()

    assert [one.number for one in stopped] == [1]
    assert [one.number for one in post.place()] == [3]
    assert sorted(post.stored()) == [EventType.BOUNCE, EventType.REPLY]


# --- mailboxes that cannot be read


async def test_a_mailbox_that_refuses_us_is_out_of_service_until_it_takes_us() -> None:
    post = await Post.make()
    await post.look()
    post.mailboxes.fail(post.box.number, Fault.REFUSED)

    await post.look()
    refused = post.here.phone(post.box.id).state
    told = post.here.told()
    post.mailboxes.fail(post.box.number, None)
    await post.look()

    assert refused is SenderState.OFFLINE
    assert told == ["mailbox.paused"]
    assert post.here.phone(post.box.id).state is SenderState.ACTIVE


async def test_who_is_out_of_service_for_another_reason_stays_so() -> None:
    post = await Post.make()
    await post.here.signal(
        post.here.world.tenant,
        post.box.id,
        SenderSignal.DISCONNECTED,
        why="its domain is not ready",
    )

    await post.look()

    assert post.here.phone(post.box.id).state is SenderState.OFFLINE


async def test_people_are_told_once_that_a_server_is_away() -> None:
    post = await Post.make()
    post.mailboxes.fail(post.box.number, Fault.AWAY)
    told: list[Sequence[str]] = []
    for _ in range(TOLD_AFTER + 2):
        await post.look()
        post.mailboxes.fail(post.box.number, Fault.AWAY)
        told.append(post.here.told())
    post.mailboxes.fail(post.box.number, None)
    await post.look()

    assert told[TOLD_AFTER - 2] == []
    assert told[TOLD_AFTER - 1] == told[-1] == ["provider.unhealthy"]
    assert post.here.phone(post.box.id).state is SenderState.ACTIVE


# --- as a duty


def duties(post: Post) -> DoDuties:
    return evolve(post.here.do_duties, mailboxes=post.reads())


async def due(post: Post, part: int) -> datetime | None:
    row = post.here.store.duties.get((DutyKind.MAILBOXES, f"account/{part}"))
    return None if row is None else row.duty.due_at


async def put_duty(post: Post, part: int = 0) -> None:
    now = post.here.clock.engine
    duty = Duty(DutyKind.MAILBOXES, f"account/{part}", post.here.world.tenant, now)
    await post.here.world.duties.put([duty])


async def test_a_part_is_looked_at_every_minute() -> None:
    post = await Post.make()
    await put_duty(post)
    post.put(post.reply("Da."))

    await duties(post)(A)

    assert post.stored() == [EventType.REPLY]
    assert await due(post, 0) == post.here.clock.engine + MINUTE


async def test_many_mailboxes_are_looked_at_less_often_and_in_parts() -> None:
    post = await Post.make()
    for number in range(1_199):
        post.mailboxes.open(f"box{number:04}@mail.example.com")
    await put_duty(post)

    await duties(post)(A)

    assert await post.reads().parts() == 1_200 // AT_ONCE
    assert await due(post, 0) == post.here.clock.engine + 2 * MINUTE
    assert await due(post, 1) == post.here.clock.engine + 2 * MINUTE
    assert await due(post, 2) is None


async def test_a_part_that_is_no_more_is_not_looked_at_again() -> None:
    post = await Post.make()
    await put_duty(post, part=7)

    await duties(post)(A)

    assert await due(post, 7) is None


async def test_what_one_look_does_not_take_is_taken_at_once() -> None:
    post = await Post.make()
    for number in range(30):
        post.put(post.reply("Da." * (number + 1)))
    await put_duty(post)

    await duties(post)(A)
    soon = await due(post, 0)
    await duties(post)(A)

    assert soon == post.here.clock.engine
    assert len(post.stored()) == 30
