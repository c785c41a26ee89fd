"""A world's end as the judge reads it, and what only a world can tell: was all done?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from outreach.adapters.memory.rows import AttemptRow, IntentRow, Standing
from outreach.domain.budget import UnitSlot
from outreach.domain.change import DutyKind
from outreach.domain.channel import COLD_STATES, Channel
from outreach.domain.event import EventType
from outreach.domain.invariants import Breach, Invariant
from outreach.domain.message import Outcome
from outreach.domain.sender import SendClass, SenderState
from outreach.domain.sequence import EnrolmentStatus
from outreach.testing.judge import Attempted, OptOut, Phone, Record, Used, judge
from outreach.testing.judge_mail import judge_mail
from outreach.testing.simulation.mail_evidence import (
    mail_record,
    people_of,
    returned_of,
)
from outreach.testing.simulation.parts import TENANT
from outreach.testing.simulation.world import World

__all__ = ["breaches", "record"]

_TWO_CYCLES: Final = timedelta(minutes=5)
"""Twice the longest of gap and jitter, and what chores take."""
_AGES: Final = timedelta(hours=3)
"""What was due so long ago in an open window had its turn many times over."""
_ABLE: Final = frozenset({SenderState.ACTIVE, SenderState.WARMING})
_LIVE: Final = frozenset({EnrolmentStatus.ACTIVE, EnrolmentStatus.PAUSED})


def breaches(world: World) -> list[Breach]:
    """Everything that did not hold in this world."""
    return [
        *judge(found := record(world)),
        *(judge_mail(mail_record(world, found)) if world.mail is not None else ()),
        *_events(world),
        *_replies(world),
        *_live(world),
        *_overdue(world),
        *_unsent(world),
    ]


def record(world: World) -> Record:
    """What the judge is told."""
    store, weather = world.parts.store, world.weather
    attempts = [_attempted(world, row) for row in store.attempts.values()]
    return Record(
        sent=world.sent,
        attempts=attempts,
        phones=[
            Phone(number, zone, weather.limit)
            for number, zone in zip(world.provider.lines, _zones(world), strict=True)
        ],
        windows={
            to: store.intents[row.intent].window
            for row in store.attempts.values()
            for to in _ways_to(world, row)
        },
        known=world.known,
        opt_outs=[OptOut(to, at) for to, at in world.parts.opted_out.items()],
        used=[_used(world, slot) for slot in store.units],
        returned=frozenset(returned_of(world)),
        people=people_of(world),
    )


def _ways_to(world: World, row: AttemptRow) -> tuple[str, ...]:
    """By which the lead of an attempt can be reached, whichever it went by."""
    if world.mail is None:
        return (row.parcel.to,)
    lead = world.parts.store.leads[row.lead]
    return tuple(filter(None, (row.parcel.to, lead.phone, lead.email)))


def _zones(world: World) -> Iterator[str]:
    """As drawn, whatever the engine believes."""
    zones = world.weather.phone_zones
    for n in range(world.weather.phones):
        yield zones[n % len(zones)]


def _attempted(world: World, row: AttemptRow) -> Attempted:
    store = world.parts.store
    parcel = row.parcel
    message = store.intents[row.intent].intent
    slot = row.unit
    spent = slot is not None and row.intent in store.unit(slot).ids
    return Attempted(
        id=str(parcel.attempt),
        intent=str(row.intent),
        lead=str(row.lead),
        step=message.step_number,
        automatic=message.send_class is not SendClass.APPROVED,
        phone=parcel.sender_number,
        to=parcel.to,
        hash=parcel.hash,
        token=row.token,
        armed_at=row.called_at,
        armed_on=row.called_on,
        outcome=row.outcome,
        day=None if slot is None else slot.day,
        holds=spent,
        keeps=row.outcome is Outcome.REFUSED and spent and "463" in row.detail,
        permitted=bool(message.permission),
        channel=parcel.permit.channel,
        state=world.parts.states.get(parcel.attempt),
        campaign=str(store.campaign_of(row.intent) or ""),
    )


def _used(world: World, slot: UnitSlot) -> Used:
    store = world.parts.store
    number = store.lanes[slot.sender].sender.number
    units = frozenset(map(str, store.units[slot].ids))
    return Used(number, slot.day, units)


def _events(world: World) -> Iterator[Breach]:
    """Every webhook that was answered is stored once, and none waits for long."""
    store = world.parts.store
    stored = Counter(row.arrival.key for row in store.events.values())
    for key in world.post.answered:
        if stored[key] != 1:
            says = f"answered 2xx and stored {stored[key]} times"
            yield Breach(Invariant.EVENTS_APPLIED_ONCE, key, says)
    for row in store.events.values():
        done = row.why or (TENANT, f"event/{row.id}") in store.changes
        if row.id not in store.arrived and not done:
            says = f"{row.arrival.type} is gone, and was not applied"
            yield Breach(Invariant.EVENTS_APPLIED_ONCE, row.arrival.key, says)
    for row in store.arrived.values():
        if row.due_at is not None and row.due_at < store.now - _TWO_CYCLES:
            says = f"{row.arrival.type} waits since {row.due_at}"
            yield Breach(Invariant.EVENTS_APPLIED_ONCE, row.arrival.key, says)


def _replies(world: World) -> Iterator[Breach]:
    """Each is in the log once, and its sequence goes on no more."""
    store = world.parts.store
    heard = Counter(row.ref for row in store.log if row.inbound)
    waiting = {row.arrival.key for row in store.arrived.values()}
    for key, event in world.post.answered.items():
        if event.type is not EventType.REPLY or key in waiting:
            continue
        if heard[event.ref] != 1:
            says = f"a reply was heard {heard[event.ref]} times"
            yield Breach(Invariant.EVENTS_APPLIED_ONCE, key, says)
        lead = next(
            (row.lead for row in store.log if row.inbound and row.ref == event.ref),
            None,
        )
        run = None if lead is None else store.live_enrolment(lead)
        if run is not None and run.enrolment.status is EnrolmentStatus.ACTIVE:
            says = "a reply did not stop its sequence"
            yield Breach(Invariant.EVENTS_APPLIED_ONCE, str(lead), says)


def _live(world: World) -> Iterator[Breach]:
    """Every live run has something to come."""
    store = world.parts.store
    for run in store.enrolments.values():
        if run.enrolment.status not in _LIVE:
            continue
        lead = run.enrolment.lead
        rows = [store.intents[one] for one in store.intents_of.get(lead, ())]
        comes = any(
            row.standing in {Standing.WAITING, Standing.CALLING} for row in rows
        )
        doubt = any(
            store.attempts[one].outcome is Outcome.UNKNOWN
            for row in rows
            for one in row.attempts
        )
        ends = (DutyKind.SEQUENCE_END, str(run.enrolment.id)) in store.duties
        asked = any(
            store.reviews[one].item.is_open for one in store.reviews_of.get(lead, ())
        )
        if not (comes or doubt or ends or asked):
            says = f"{run.enrolment.status} with nothing to come"
            yield Breach(Invariant.NOTHING_LOST, f"enrolment {run.enrolment.id}", says)


def _overdue(world: World) -> Iterator[Breach]:
    """By the ledger's own times nothing is late."""
    store = world.parts.store
    late = store.now - _TWO_CYCLES
    for name in store.calling:
        if store.attempts[name].deadline < late:
            yield _lost(f"attempt {name}", "a call without an end")
    for name in store.unknown:
        due = store.attempts[name].overdue_at
        if due is None or due < late:
            yield _lost(f"attempt {name}", f"unknown past {due}")
    for (kind, key), row in store.duties.items():
        if row.duty.due_at < late:
            yield _lost(f"duty {kind} {key}", f"due since {row.duty.due_at}")


def _unsent(world: World) -> Iterator[Breach]:
    """Messages that nothing was in the way of, and that did not go out."""
    store = world.parts.store
    for row in store.intents.values():
        if row.standing is Standing.WAITING and _had_its_turn(world, row):
            yield _lost(f"intent {row.intent.id}", f"due since {row.intent.due_at}")


def _had_its_turn(world: World, row: IntentRow) -> bool:
    store, intent = world.parts.store, row.intent
    opened = _opened(world, row)
    mail = intent.channel is not Channel.WHATSAPP
    limited = intent.send_class is SendClass.NEW and not mail
    if opened is None or row.lane is None or limited:
        return False
    sender = store.lanes[row.lane].sender
    journey = store.journey(intent.lead)
    if journey.human_controlled or journey.state not in COLD_STATES:
        return False
    if any(
        store.reviews[of].item.is_open for of in store.reviews_of.get(intent.lead, ())
    ):
        return False
    known = mail or (sender.id, intent.lead) in store.contacted
    return (
        sender.state in _ABLE
        and sender.enabled
        and known
        and intent.due_at < opened
        and not any(switch for switch in store.switches_of(intent.tenant))
    )


def _opened(world: World, row: IntentRow) -> datetime | None:
    """When the window of the calm day had been open for hours, if it was."""
    window = row.window
    calm = world.weather.start + timedelta(seconds=world.weather.calm)
    opens = window.next_open(calm)
    if opens is None:
        return None
    turn = opens + _AGES
    return opens if window.is_open(turn) and turn < world.clock.engine else None


def _lost(subject: str, says: str) -> Breach:
    return Breach(Invariant.NOTHING_LOST, subject, says)
