"""What comes in: applied once, in any order, whatever fails beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import define, evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.cases import uid
from tests.usecases.engine import DAY, HOUR, MINUTE, SECOND, Engine, engine

from outreach.adapters.memory.gateway import Mishap
from outreach.domain.address import phone_key
from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.domain.change import Change, Done, Known
from outreach.domain.channel import Channel, State
from outreach.domain.errors import Unavailable
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import EnrolmentId, LeadId, TenantId
from outreach.domain.journey import DeadCause, Journey
from outreach.domain.lead import NewLead
from outreach.domain.lead_file import ImportId
from outreach.domain.message import MessageStatus, Outcome
from outreach.domain.review import Priority, ReviewReason
from outreach.domain.sender import RECONNECT_WITHIN, Sender, SenderState
from outreach.domain.usecases.send_next import Step
from outreach.domain.usecases.take_in_events import PARK_AFTER
from outreach.ports.gateway import AccountSender
from outreach.ports.journeys import Journeys
from outreach.testing import invented
from outreach.testing.invented import PROVIDER
from outreach.testing.world import A


async def contacted() -> tuple[Engine, Sender, LeadId]:
    here = engine()
    phone, (lead,) = await here.world.phone_with()
    assert await here.send() is Step.ACCEPTED
    return here, phone, lead


def event_of(
    here: Engine, phone: Sender, lead: LeadId, kind: EventType, **changes: Any
) -> SystemEvent:
    event = SystemEvent(
        key=f"{kind}:1",
        provider=PROVIDER,
        type=kind,
        channel=Channel.WHATSAPP,
        sender=phone.number,
        address=phone_key(here.store.leads[lead].phone),
    )
    return evolve(event, **changes)


def says(intent: ReplyIntent, sentiment: int = 20) -> Analysis:
    return Analysis(
        intent=intent,
        sentiment=sentiment,
        confidence=0.9,
        language="ro",
        keywords=(),
        by="test/1",
    )


STOP = "stop"


async def reply(here: Engine, phone: Sender, lead: LeadId, text: str) -> None:
    event = event_of(
        here, phone, lead, EventType.REPLY, key=f"reply {text}", content=text
    )
    await here.arrives(event)


def whys(here: Engine) -> list[str]:
    return [row.why for row in here.store.events.values()]


# --- which phone it left from


async def test_a_message_that_left_from_another_phone_stops_the_planned_one() -> None:
    here, phone, lead = await contacted()
    sent = event_of(
        here, phone, lead, EventType.SENT, ref="m-1", ours=True, sender="+40799999999"
    )
    await here.arrives(sent, evolve(sent, key="again"))

    await here.take()

    assert here.phone(phone.id).state is SenderState.PAUSED
    assert here.told() == ["sender.mismatch"]
    (row,) = here.store.sent.values()
    assert row.status is MessageStatus.SENT
    assert whys(here) == ["applied"] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"sender": ""},
        {"type": EventType.READ, "sender": "+40799999999"},
        {"channel": Channel.EMAIL_WARM, "sender": "ana@other.example"},
    ],
)
async def test_what_does_not_say_that_another_phone_sent_it_stops_nobody(
    changes: dict[str, Any],
) -> None:
    here, phone, lead = await contacted()
    sent = event_of(here, phone, lead, EventType.SENT, ref="m-1", ours=True)
    await here.arrives(evolve(sent, **changes))

    await here.take()

    assert here.phone(phone.id).state is SenderState.ACTIVE
    assert here.told() == []
    assert whys(here) == ["applied"]


# --- applied


async def test_a_reply_stops_the_run_warms_the_lead_and_asks_a_person() -> None:
    here, phone, lead = await contacted()
    await reply(here, phone, lead, "Cât costă?")

    assert await here.take() == 1

    journey = here.journey(lead)
    assert journey.state is State.WARM_REPLY
    assert journey.reply_count == 1
    assert [item.trigger for item in here.items()] == ["Cât costă?"]
    assert whys(here) == ["applied"]
    here.pass_time(10 * DAY)
    assert await here.run() == []
    assert await here.take() == 0


async def test_several_messages_of_one_person_are_one_item() -> None:
    here, phone, lead = await contacted()
    for text in ("Bună", "Cât costă?", "Alo?"):
        await reply(here, phone, lead, text)

    await here.take()

    (item,) = here.items()
    assert item.trigger == "Bună\nCât costă?\nAlo?"
    assert here.journey(lead).reply_count == 3
    assert whys(here) == ["applied"] * 3


async def test_an_opt_out_reaches_the_suppression_list_and_stops_everything() -> None:
    here, phone, lead = await contacted()
    await reply(here, phone, lead, STOP)

    await here.take()

    assert here.journey(lead).dead_cause is DeadCause.OPTED_OUT
    (stop,) = await here.world.switches.suppressed(here.world.tenant)
    assert str(stop.key) == f"phone:{here.store.leads[lead].phone}"
    assert here.items() == []
    here.pass_time(10 * DAY)
    assert await here.run() == []


async def test_the_same_webhook_a_hundred_times_is_applied_once() -> None:
    here, phone, lead = await contacted()
    for _ in range(100):
        await reply(here, phone, lead, "Da")

    assert await here.take() == 1
    assert here.journey(lead).reply_count == 1


async def test_news_of_a_message_moves_it_forward() -> None:
    here, phone, lead = await contacted()
    for kind in (EventType.READ, EventType.DELIVERED, EventType.SENT):
        await here.arrives(event_of(here, phone, lead, kind, ref="m-1"))

    await here.take()

    (row,) = here.store.sent.values()
    assert row.status is MessageStatus.READ


async def test_an_echo_resolves_a_send_whose_answer_was_lost() -> None:
    here = engine()
    phone, (lead,) = await here.world.phone_with()
    here.gateway.script(Mishap.ACCEPTED_THEN_SILENT)
    await here.send()
    (parcel,) = here.gateway.accepted

    await here.arrives(
        event_of(
            here, phone, lead, EventType.SENT, ref="m-1", content=parcel.text, ours=True
        )
    )
    await here.take()

    assert here.outcomes() == [Outcome.ACCEPTED]
    assert not here.journey(lead).human_controlled


async def test_a_person_who_writes_from_the_phone_takes_over_and_counts() -> None:
    here = engine()
    (phone,) = await here.world.phones()
    (lead,) = await here.world.new_leads()
    await here.arrives(
        event_of(here, phone, lead, EventType.EXTERNAL_SENT, content="Bună, sunt Ana")
    )

    await here.take()

    assert here.journey(lead).human_controlled
    assert here.store.unit(here.slot(phone)).external == 1


async def test_an_absence_postpones_the_next_step() -> None:
    here, phone, lead = await contacted()
    here.analyses["plec"] = says(ReplyIntent.OUT_OF_OFFICE)
    await reply(here, phone, lead, "plec")

    await here.take()

    assert here.journey(lead).state is State.CONTACTED_WA
    due = here.intents_of(lead)[1].intent.due_at
    assert due > here.clock.engine + 13 * DAY


async def test_an_unknown_kind_of_event_is_stored_and_closed() -> None:
    here, phone, lead = await contacted()
    odd = event_of(here, phone, lead, EventType.UNKNOWN, detail="not read: poll")
    await here.arrives(odd)

    assert await here.take() == 1
    assert whys(here) == ["not read: poll"]


async def test_a_provider_nobody_reads_is_stored_and_closed() -> None:
    here, phone, lead = await contacted()
    await reply(here, phone, lead, "Da")

    await evolve(here.take_in, readers={})(A)

    assert whys(here) == ["unknown type"]


# --- people are told


async def test_what_makes_no_sense_is_kept_and_told() -> None:
    here, phone, lead = await contacted()
    await here.arrives(
        event_of(here, phone, lead, EventType.SENT, ref="m-9", ours=True)
    )

    await here.take()

    assert len(here.store.anomalies) == 1
    assert here.told() == ["fact.anomaly"]
    assert here.journey(lead).state is State.CONTACTED_WA


async def test_a_complaint_is_told_at_once() -> None:
    here, phone, lead = await contacted()
    here.analyses["vă dau în judecată"] = says(ReplyIntent.LEGAL_THREAT)
    await reply(here, phone, lead, "vă dau în judecată")

    await here.take()

    assert here.told() == ["review.urgent"]
    assert [item.priority for item in here.items()] == [Priority.URGENT]


# --- not yet


async def test_an_event_about_a_call_under_way_waits_and_uses_no_try() -> None:
    here = engine()
    phone, (lead,) = await here.world.phone_with()
    call = await here.world.calling()
    text = call.draft.parcel.text
    await here.arrives(
        event_of(here, phone, lead, EventType.SENT, ref="m-1", content=text)
    )

    await here.take()

    assert here.outcomes() == [Outcome.CALLING]
    (row,) = here.store.events.values()
    assert (row.tries, row.parked) == (0, False)
    await here.world.settle(call, Outcome.UNKNOWN)
    here.pass_time(5 * SECOND)
    await here.take()
    assert here.outcomes() == [Outcome.ACCEPTED]


def from_nobody(key: str = "stranger") -> SystemEvent:
    return SystemEvent(
        key=key,
        provider=PROVIDER,
        type=EventType.REPLY,
        channel=Channel.WHATSAPP,
        address=phone_key("+40799000001"),
        content="Bună",
    )


async def test_an_event_for_an_unknown_lead_is_applied_once_the_lead_is_there() -> None:
    here, _, _ = await contacted()
    await here.arrives(from_nobody())
    assert await here.take() == 1
    assert await here.take() == 0
    row = NewLead(
        row=1,
        company_name="Nou SRL",
        phones=(evolve(invented.new_lead(1).phones[0], e164="+40799000001"),),
        time_zone=invented.ZONE,
        country="RO",
    )
    stored = await here.world.leads.store(
        here.world.tenant, [row], run=ImportId(uid(99))
    )

    here.pass_time(MINUTE)
    await here.take()

    assert here.journey(stored[0].lead).state is State.WARM_REPLY


async def test_an_event_that_nobody_claims_is_kept_and_alerts_nobody() -> None:
    here, _, _ = await contacted()
    await here.arrives(from_nobody())
    takes = 0
    for _ in range(60):
        takes += await here.take()
        here.pass_time(HOUR)

    (row,) = here.store.arrived.values()
    assert takes == PARK_AFTER
    assert (row.due_at, row.why) == (None, "unmatched")
    assert here.told() == []


# --- races and failures


@define
class Rough:
    """Journeys over a bad line.

    Attributes:
        conflicts: commits that somebody else was faster than.
        chokes_on: raises for events with this content.
    """

    inner: Journeys
    conflicts: int = 0
    chokes_on: str = ""
    error: type[Exception] = KeyError

    async def load(self, tenant: TenantId, leads: Sequence[LeadId]) -> Sequence[Known]:
        return await self.inner.load(tenant, leads)

    async def match(self, account: str, event: SystemEvent) -> Known | None:
        return await self.inner.match(account, event)

    async def enrolled(self, tenant: TenantId, enrolment: EnrolmentId) -> Known | None:
        return await self.inner.enrolled(tenant, enrolment)

    async def commit(self, changes: Sequence[Change]) -> Sequence[Done]:
        heard = changes[0].heard
        if heard is not None and heard.content == self.chokes_on:
            raise self.error(heard.content)
        if self.conflicts:
            self.conflicts -= 1
            return [Done.CONFLICT]
        return await self.inner.commit(changes)


async def test_a_conflict_is_decided_again() -> None:
    here, phone, lead = await contacted()
    await reply(here, phone, lead, "Da")
    rough = Rough(here.world.journeys, conflicts=3)

    await evolve(here.take_in, journeys=rough)(A)

    assert here.journey(lead).reply_count == 1


async def test_a_lead_that_keeps_changing_is_come_back_to() -> None:
    here, phone, lead = await contacted()
    await reply(here, phone, lead, "Da")
    rough = Rough(here.world.journeys, conflicts=5)

    await evolve(here.take_in, journeys=rough)(A)

    assert here.journey(lead).reply_count == 0
    (row,) = here.store.events.values()
    assert (row.tries, row.parked) == (0, False)
    here.pass_time(5 * SECOND)
    await here.take()
    assert here.journey(lead).reply_count == 1


async def test_an_event_that_fails_holds_up_no_other() -> None:
    here, phone, lead = await contacted()
    for text in ("unu", "doi", "trei"):
        await reply(here, phone, lead, text)
    rough = Rough(here.world.journeys, chokes_on="unu")

    with pytest.raises(KeyError):
        await evolve(here.take_in, journeys=rough)(A)

    assert here.journey(lead).reply_count == 2
    assert len(here.store.arrived) == 1


async def test_an_event_that_fails_five_times_is_parked_and_a_person_is_asked() -> None:
    here, phone, lead = await contacted()
    await reply(here, phone, lead, "Da")
    take_in = evolve(here.take_in, journeys=Rough(here.world.journeys, chokes_on="Da"))
    for _ in range(PARK_AFTER):
        with pytest.raises(KeyError):
            await take_in(A)
        here.pass_time(MINUTE)

    assert await take_in(A) == 1

    (item,) = here.items()
    assert item.reason is ReviewReason.EVENT_PARKED
    assert item.trigger.endswith("Da")
    assert here.told() == ["event.parked"]
    here.pass_time(10 * DAY)
    assert await take_in(A) == 0
    # A reply that could not be read still stops what is automatic.
    assert await here.run() == [Step.PUT_OFF]


async def test_an_event_that_cannot_even_be_matched_is_parked_all_the_same() -> None:
    here, phone, lead = await contacted()
    await reply(here, phone, lead, "Da")

    class Unmatchable(Rough):
        async def match(self, account: str, event: SystemEvent) -> Known | None:
            raise LookupError(account, event.key)

    take_in = evolve(here.take_in, journeys=Unmatchable(here.world.journeys))
    for _ in range(PARK_AFTER + 1):
        with pytest.raises(LookupError):
            await take_in(A)
        here.pass_time(MINUTE)

    assert await take_in(A) == 1
    (row,) = here.store.arrived.values()
    assert row.due_at is None


async def test_an_event_that_cannot_even_be_read_is_parked_all_the_same() -> None:
    here, phone, lead = await contacted()
    await reply(here, phone, lead, "Da")
    here.script.events.clear()
    for _ in range(PARK_AFTER + 1):
        with pytest.raises(KeyError):
            await here.take()
        here.pass_time(MINUTE)

    assert await here.take() == 1
    (row,) = here.store.arrived.values()
    assert row.due_at is None
    assert here.told() == ["event.parked"]


async def test_an_event_whose_every_worker_dies_stops_sending_for_minutes_only() -> (
    None
):
    here, phone, lead = await contacted()
    (other,) = await here.world.line(phone)
    await reply(here, phone, lead, "Da")
    timing = here.world.timing
    for _ in range(PARK_AFTER):
        (taken,) = await here.world.inbox.take(A, 1)
        here.pass_time(timing.lease + SECOND)

    held = await here.send()
    assert await here.take() == 1
    here.pass_time(MINUTE)
    sent = await here.send()

    assert taken.tries == PARK_AFTER - 1
    assert (held, sent) == (Step.NOT_ARMED, Step.ACCEPTED)
    assert here.gateway.accepted[-1].intent == here.intents_of(other)[0].intent.id
    assert [item.reason for item in here.items()] == [ReviewReason.EVENT_PARKED]
    assert here.told() == ["event.parked"]


async def test_while_the_store_is_down_no_event_is_given_up() -> None:
    here, phone, lead = await contacted()
    for text in ("unu", "doi"):
        await reply(here, phone, lead, text)
    rough = Rough(here.world.journeys, chokes_on="unu", error=Unavailable)

    with pytest.raises(Unavailable):
        await evolve(here.take_in, journeys=rough)(A)

    here.pass_time(MINUTE + SECOND)
    assert await here.take() == 2
    assert here.journey(lead).reply_count == 2


# --- phones


def about(phone: Sender, kind: EventType) -> SystemEvent:
    return SystemEvent(
        key=f"{kind}:2",
        provider=PROVIDER,
        type=kind,
        channel=Channel.WHATSAPP,
        sender=phone.number,
        detail="says the provider",
    )


@pytest.mark.parametrize(
    ("kind", "state", "alert"),
    [
        (EventType.SENDER_DISCONNECTED, SenderState.OFFLINE, "phone.offline"),
        (
            EventType.SENDER_LOCKED,
            SenderState.REACHOUT_LOCKED,
            "phone.reachout_locked",
        ),
        # Frozen until the provider that was asked confirms it.
        (EventType.SENDER_BANNED, SenderState.OFFLINE, "phone.offline"),
    ],
)
async def test_news_of_a_phone_moves_it(
    kind: EventType, state: SenderState, alert: str
) -> None:
    here, phone, _ = await contacted()
    await here.arrives(about(phone, kind))

    await here.take()

    assert here.phone(phone.id).state is state
    assert here.told() == [alert]


async def test_a_phone_that_is_being_connected_again_waits_ten_minutes_for_it() -> None:
    here, phone, _ = await contacted()
    passing = evolve(about(phone, EventType.SENDER_DISCONNECTED), passing=True)
    await here.arrives(passing)

    await here.take()

    moved = here.phone(phone.id)
    assert moved.state is SenderState.RECONNECTING
    assert moved.until == await here.world.now() + RECONNECT_WITHIN
    assert here.told() == []


async def test_a_lock_lasts_as_long_as_the_provider_says() -> None:
    here, phone, _ = await contacted()
    until = await here.world.now() + 60 * HOUR
    await here.arrives(evolve(about(phone, EventType.SENDER_LOCKED), until=until))

    await here.take()

    moved = here.phone(phone.id)
    assert (moved.state, moved.until) == (SenderState.REACHOUT_LOCKED, until)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (EventType.SENDER_CONNECTED, SenderState.ACTIVE),
        (EventType.SENDER_BANNED, SenderState.BANNED),
    ],
)
async def test_a_provider_that_cannot_be_asked_is_believed(
    kind: EventType, state: SenderState
) -> None:
    here, phone, _ = await contacted()
    take_in = evolve(here.take_in, unasked={phone.account})
    await here.arrives(about(phone, EventType.SENDER_DISCONNECTED))
    await take_in(A)

    await here.arrives(about(phone, kind))
    await take_in(A)

    assert here.phone(phone.id).state is state


async def test_a_phone_is_back_when_the_provider_that_was_asked_says_so() -> None:
    here, phone, _ = await contacted()
    await here.arrives(about(phone, EventType.SENDER_DISCONNECTED))
    await here.take()
    await here.world.quiet()

    await here.arrives(about(phone, EventType.SENDER_CONNECTED))
    await here.take()

    assert here.phone(phone.id).state is SenderState.OFFLINE
    here.gateway.accounts = [AccountSender(phone.number, "a", connected=True)]
    await here.duties()
    assert here.phone(phone.id).state is SenderState.ACTIVE


async def test_a_forged_connected_event_brings_nothing_back() -> None:
    here, phone, _ = await contacted()
    await here.arrives(about(phone, EventType.SENDER_DISCONNECTED))
    await here.take()
    await here.arrives(about(phone, EventType.SENDER_CONNECTED))
    await here.take()
    here.gateway.accounts = [AccountSender(phone.number, "a", connected=False)]

    await here.duties()

    assert here.phone(phone.id).state is SenderState.OFFLINE


async def test_a_phone_that_is_not_ours_is_nobodys_matter() -> None:
    here, phone, _ = await contacted()
    stranger = evolve(phone, number="+40799999999")
    await here.arrives(about(stranger, EventType.SENDER_DISCONNECTED))

    await here.take()

    assert here.phone(phone.id).state is SenderState.ACTIVE
    assert whys(here) == ["sender"]


# --- any order, any repetition (INV-12)


def plain(journey: Journey) -> Journey:
    return evolve(
        journey,
        changed_at=None,
        reason="",
        state_before=None,
        version=0,
        sentiment=None,
    )


KINDS = st.sampled_from(["REPLY", "STOP", "SENT", "READ", "EXTERNAL", "AUTO"])


async def after(kinds: Sequence[str]) -> tuple[Journey, object, int]:
    here, phone, lead = await contacted()
    here.analyses["plec"] = says(ReplyIntent.OUT_OF_OFFICE)
    events = {
        "REPLY": event_of(here, phone, lead, EventType.REPLY, content="Da"),
        "STOP": event_of(here, phone, lead, EventType.REPLY, key="s", content=STOP),
        "SENT": event_of(here, phone, lead, EventType.SENT, ref="m-1"),
        "READ": event_of(here, phone, lead, EventType.READ, ref="m-1"),
        "EXTERNAL": event_of(here, phone, lead, EventType.EXTERNAL_SENT, content="x"),
        "AUTO": event_of(
            here, phone, lead, EventType.AUTO_REPLY, key="a", content="plec"
        ),
    }
    for kind in kinds:
        await here.arrives(events[kind])
        await here.take()
    (row,) = here.store.sent.values()
    return plain(here.journey(lead)), row.status, len(here.store.suppressions)


@given(st.lists(KINDS, max_size=8), st.data())
def test_events_in_any_order_and_number_leave_the_same(
    kinds: list[str], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(kinds))
    again = data.draw(st.lists(st.sampled_from(kinds), max_size=4)) if kinds else []

    assert run_now(after(kinds)) == run_now(after([*shuffled, *again]))


def run_now(work: Any) -> Any:
    """Drive a coroutine that only ever yields, without a loop."""
    try:
        while True:
            work.send(None)
    except StopIteration as end:
        return end.value
