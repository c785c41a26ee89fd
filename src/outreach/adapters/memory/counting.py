"""What it means that an attempt counts as sent, and how that is taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from attrs import evolve

from outreach.adapters.memory import versions
from outreach.adapters.memory.rows import (
    AttemptRow,
    EnrolmentRow,
    IntentRow,
    LogRow,
    Standing,
    Undo,
)
from outreach.adapters.memory.store import MemoryStore
from outreach.adapters.memory.watch import came_back
from outreach.domain.change import Duty, DutyKind
from outreach.domain.channel import Channel
from outreach.domain.ids import IntentId
from outreach.domain.journey import Fact, Journey, Move, Moved, happened
from outreach.domain.message import (
    Aftermath,
    Intent,
    MessageStatus,
    Outcome,
    furthest,
)
from outreach.domain.sender import SendClass
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.signs import ALIVE

__all__ = ["count", "gone_on", "mark", "reach", "uncount"]

_PROVEN: Final = "proven not sent"
_FACTS: Final = {
    Channel.WHATSAPP: Fact.SENT_WHATSAPP,
    Channel.EMAIL_COLD: Fact.SENT_EMAIL,
}


def count(store: MemoryStore, attempt: AttemptRow, aftermath: Aftermath | None) -> None:
    """The message is sent or may be: journey, log, conversation, next step."""
    row = store.intents[attempt.intent]
    store.end(row, Standing.SENT)
    before = store.journey(attempt.lead)
    moved = _sent(before, attempt, aftermath)
    store.keep_moved(moved)
    undo = Undo(
        before=before,
        move=moved.move,
        step_before=None,
        planned=None,
        duty=None,
    )
    attempt.undo = undo
    _log(store, attempt)
    enrolment = row.intent.enrolment
    if enrolment is not None:
        run = store.enrolments[enrolment]
        undo.step_before = run.enrolment.current_step
        step = max(undo.step_before, row.intent.step_number)
        run.enrolment = evolve(run.enrolment, current_step=step)
        run.messages_sent += 1
        if aftermath is not None and run.enrolment.status is EnrolmentStatus.ACTIVE:
            undo.planned = _next_step(store, row, attempt, aftermath)
            undo.duty = _silence(store, run, aftermath)


def _sent(
    journey: Journey,
    attempt: AttemptRow,
    aftermath: Aftermath | None,
) -> Moved:
    channel = attempt.parcel.permit.channel
    fact = _FACTS.get(channel)
    if fact is not None and aftermath is not None and aftermath.move_to is not None:
        return happened(journey, fact, attempt.called_at, by=_by(attempt), why="sent")
    return Moved(
        evolve(
            journey,
            first_contact_at=journey.first_contact_at or attempt.called_at,
            last_contact_at=attempt.called_at,
            last_channel=channel,
        )
    )


def _by(attempt: AttemptRow) -> str:
    """Who moved the journey, in the transition log."""
    return f"attempt {attempt.parcel.attempt}"


def _next_step(
    store: MemoryStore, row: IntentRow, attempt: AttemptRow, aftermath: Aftermath
) -> IntentId | None:
    step = aftermath.next_step
    if step is None or step.intent in store.intents:
        return None
    lane = store.journey(attempt.lead).sender(step.channel)
    intent = Intent(
        id=step.intent,
        tenant=attempt.tenant,
        lead=attempt.lead,
        send_class=SendClass.FOLLOWUP,
        channel=step.channel,
        due_at=store.now + step.delay,
        enrolment=row.intent.enrolment,
        step=step.step,
        step_number=step.number,
    )
    store.plan(intent, lane)
    return step.intent


def _silence(
    store: MemoryStore, run: EnrolmentRow, aftermath: Aftermath
) -> Duty | None:
    if aftermath.next_step is not None or aftermath.ends_in is None:
        return None
    key = str(run.enrolment.id)
    due = store.now + aftermath.ends_in
    duty = Duty(DutyKind.SEQUENCE_END, key, run.tenant, due)
    store.put_duty(duty)
    return duty


def _log(store: MemoryStore, attempt: AttemptRow) -> None:
    parcel = attempt.parcel
    status = MessageStatus.ACCEPTED
    if attempt.outcome is Outcome.UNKNOWN:
        status = MessageStatus.UNKNOWN
    store.note(
        LogRow(
            tenant=attempt.tenant,
            lead=attempt.lead,
            at=attempt.called_at,
            inbound=False,
            channel=parcel.permit.channel,
            text=parcel.text,
            subject=parcel.subject,
            status=status,
            attempt=parcel.attempt,
            ref=attempt.ref,
            sender=parcel.sender,
            reached={status: store.now},
        )
    )


def reach(
    store: MemoryStore, attempt: AttemptRow, status: MessageStatus, at: datetime
) -> None:
    """Note how far the message came; it never goes back."""
    versions.open_(store, attempt, status)
    row = store.sent.get(attempt.parcel.attempt)
    if row is None or row.status is None:
        return
    before, row.status = row.status, furthest(row.status, status)
    if status in ALIVE and row.status is not before:
        came_back(store, attempt.parcel.sender)
    row.reached[status] = min(at, row.reached.get(status, at))
    row.ref = attempt.ref or row.ref


def mark(store: MemoryStore, attempt: AttemptRow, status: str) -> None:
    """What a message was sent to leads nowhere: it is written to no more."""
    lead = store.leads[attempt.lead]
    kind = "phone" if attempt.parcel.permit.channel is Channel.WHATSAPP else "email"
    if getattr(lead, kind) != attempt.parcel.to:
        return
    if getattr(lead, f"{kind}_status") != status:
        known: Any = {f"{kind}_status": status}
        store.leads[lead.id] = evolve(lead, version=lead.version + 1, **known)


def uncount(
    store: MemoryStore,
    attempt: AttemptRow,
    *,
    to: MessageStatus = MessageStatus.FAILED,
) -> bool:
    """Take back what `count` did; False: the run has gone on, the step stays done."""
    undo = attempt.undo
    if undo is None:
        return True
    is_past = gone_on(store, attempt)
    attempt.undo = None
    if not is_past:
        _take_back_plan(store, undo)
        _move_back(store, attempt, undo)
    enrolment = store.intents[attempt.intent].intent.enrolment
    if enrolment is not None:
        run = store.enrolments[enrolment]
        run.messages_sent -= 1
        if not is_past and undo.step_before is not None:
            run.enrolment = evolve(run.enrolment, current_step=undo.step_before)
    reach(store, attempt, to, store.now)
    return not is_past


def gone_on(store: MemoryStore, attempt: AttemptRow) -> bool:
    """A later step was tried already: the run stays where it is."""
    undo, intent = attempt.undo, store.intents[attempt.intent].intent
    planned = None if undo is None else undo.planned
    later = None if planned is None else store.intents.get(planned)
    if later is not None and later.attempts:
        return True
    if intent.enrolment is None:
        return False
    run = store.enrolments[intent.enrolment].enrolment
    return run.current_step > intent.step_number


def _take_back_plan(store: MemoryStore, undo: Undo) -> None:
    if undo.duty is not None:
        key = (undo.duty.kind, undo.duty.key)
        duty = store.duties.get(key)
        if duty is not None and duty.duty.due_at == undo.duty.due_at:
            del store.duties[key]
    planned = None if undo.planned is None else store.intents.get(undo.planned)
    if planned is not None:
        store.forget(planned)


def _move_back(store: MemoryStore, attempt: AttemptRow, undo: Undo) -> None:
    """Undo the move by a recorded one, unless something happened since."""
    journey = store.journey(attempt.lead)
    before = undo.before
    is_last = journey.last_contact_at == attempt.called_at
    if is_last:
        journey = evolve(
            journey,
            first_contact_at=before.first_contact_at,
            last_contact_at=before.last_contact_at,
            last_channel=before.last_channel,
        )
    move = undo.move
    if move is not None and is_last and journey.state is move.after:
        journey = evolve(
            journey,
            state=before.state,
            state_before=journey.state,
            changed_at=store.now,
            reason=_PROVEN,
        )
        back = Move(
            attempt.lead,
            move.after,
            before.state,
            store.now,
            _by(attempt),
            _PROVEN,
        )
        store.keep_moved(Moved(journey, back))
    else:
        store.keep_moved(Moved(journey))
