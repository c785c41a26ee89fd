"""What an event makes of a lead: one pure function from facts to a change.

Facts are never refused. The change is committed whole together with the mark that
the event is applied, so the same event has one effect, in any order.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from attrs import evolve

from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.domain.answer import asking
from outreach.domain.bounce import BounceClass, bounce_of
from outreach.domain.breaker import MailFault
from outreach.domain.budget import UnitSlot
from outreach.domain.change import (
    Change,
    Heard,
    Known,
    Outbound,
    Postponed,
    StatusChange,
    Wrote,
)
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.journey import HARD_BOUNCE, Fact, Journey, Move, happened
from outreach.domain.message import MessageStatus, Outcome
from outreach.domain.replying import (
    Received,
    answer_to,
    circumstances,
    unattended,
)
from outreach.domain.review import (
    PRIORITY_OF,
    ReviewReason,
    Trigger,
)
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.suppression import Suppression, SuppressionReason, of_person
from outreach.domain.triage import (
    goes_on,
    triage,
    triage_bounce,
)
from outreach.domain.window import local_day, start_of_day

__all__ = [
    "Received",
    "react",
    "still_calling",
]

_STATUS: Final = {
    EventType.SENT: MessageStatus.SENT,
    EventType.EXTERNAL_SENT: MessageStatus.SENT,
    EventType.DELIVERED: MessageStatus.DELIVERED,
    EventType.READ: MessageStatus.READ,
    EventType.OPENED: MessageStatus.OPENED,
    EventType.CLICKED: MessageStatus.CLICKED,
    EventType.FAILED: MessageStatus.FAILED,
    EventType.BOUNCE: MessageStatus.BOUNCED,
}
_TOLD: Final = frozenset({*_STATUS, EventType.SOFT_BOUNCE})
_OPT_OUTS: Final = {
    EventType.UNSUBSCRIBE: SuppressionReason.OPT_OUT,
    EventType.COMPLAINT: SuppressionReason.COMPLAINT,
}
_NOT_SENT: Final = frozenset({Outcome.REFUSED, Outcome.RELEASED, Outcome.NOT_SENT})
_MACHINES_WORDS: Final = frozenset(
    {
        ReplyIntent.OUT_OF_OFFICE,
        ReplyIntent.INTERESTED,
        ReplyIntent.QUESTION,
        ReplyIntent.NOT_INTERESTED,
        ReplyIntent.NEUTRAL,
    },
)
"""What a reply that no person wrote may seem to say without meaning it."""


def still_calling(known: Known) -> bool:
    """The event is about a call that has not ended: look again in a moment."""
    return known.outbound is not None and known.outbound.outcome is Outcome.CALLING


def react(known: Known, received: Received) -> Change:
    """What *received* makes of the lead."""
    event = received.event
    if event.type in {EventType.REPLY, EventType.AUTO_REPLY}:
        return _reply(known, received)
    if event.type in _OPT_OUTS:
        return _opt_out(known, received, _OPT_OUTS[event.type])
    if known.outbound is not None and event.type in _TOLD:
        return _told(known, received, known.outbound)
    if event.type is EventType.EXTERNAL_SENT:
        return _person_wrote(known, received)
    if event.type is EventType.SENT:
        if event.ours:
            says = "the provider sent a message of ours that no attempt is known for"
            return _change(known, received, known.journey, anomaly=says)
        return _person_wrote(known, received)
    says = f"{event.type} for a message that is not known"
    return _change(known, received, known.journey, anomaly=says)


def _change(
    known: Known,
    received: Received,
    journey: Journey,
    *,
    heard: Heard | None = None,
    anomaly: str = "",
) -> Change:
    return Change(
        tenant=known.tenant,
        lead=known.journey.lead,
        key=f"event/{received.id}",
        event=received.id,
        expected=known.journey.version,
        journey=journey,
        heard=heard,
        anomaly=anomaly,
    )


def _told(known: Known, received: Received, ours: Outbound) -> Change:
    event = received.event
    change = _change(known, received, known.journey, anomaly=_surprise(event, ours))
    if ours.outcome is Outcome.UNKNOWN and event.type is not EventType.FAILED:
        proven = (ours.attempt, Outcome.ACCEPTED, event.ref, event.thread)
        change = evolve(change, resolves=(proven,))
    returned = bounce_of(event)
    reached = _STATUS.get(event.type)
    if returned is BounceClass.RECIPIENT:
        reached = MessageStatus.BOUNCED
    elif event.type is EventType.BOUNCE:
        # It did not arrive, and the address is not to blame.
        reached = MessageStatus.FAILED
    if reached is not None:
        status = StatusChange(ours.attempt, reached, known.now)
        change = evolve(change, statuses=(status,))
    if returned is BounceClass.RECIPIENT:
        change = evolve(change, faults=((ours.attempt, MailFault.BOUNCED),))
        return _bounced(change, known, received, ours)
    return change


def _surprise(event: SystemEvent, ours: Outbound) -> str:
    """What is wrong with news of a message that was taken not to be there."""
    if event.type is EventType.FAILED:
        return ""
    if ours.outcome in _NOT_SENT:
        return f"{event.type} of a message whose attempt ended {ours.outcome}"
    if ours.outcome is Outcome.ABANDONED and ours.status is MessageStatus.UNKNOWN:
        return f"{event.type} of a message that was given up"
    return ""


def _bounced(
    change: Change, known: Known, received: Received, ours: Outbound
) -> Change:
    # A reply goes no other way by itself: whoever waits for it must be told.
    step = ours.channel is not Channel.EMAIL_WARM
    left = known.other_channels - {ours.channel} if step else frozenset()
    if left:
        # To do again; its address is marked, so that it goes by another channel.
        again = (ours.attempt, Outcome.REFUSED, "", "")
        return evolve(change, resolves=(*change.resolves, again))
    findings = triage_bounce(channel_left=False)
    if findings.review is None:
        return change
    moved = happened(
        known.journey, Fact.UNREACHABLE, known.now, by=change.key, why=HARD_BOUNCE
    )
    change = evolve(
        _stopped(change, known, "BOUNCED"),
        journey=moved.journey,
        moves=_moves(moved.move),
    )
    reason, priority = findings.review
    said = received.event.diagnostic or received.event.detail
    trigger = Trigger(reason, priority, said or HARD_BOUNCE)
    return _asks(change, known, received, trigger)


def _moves(*moves: Move | None) -> tuple[Move, ...]:
    return tuple(move for move in moves if move is not None)


def _heard(received: Received, known: Known, kind: EventType) -> Heard:
    event = received.event
    return Heard(
        type=kind,
        channel=event.channel,
        at=known.now,
        ref=event.ref,
        thread=event.thread,
        sender=None if known.sender is None else known.sender.id,
        content=event.content,
        subject=event.subject,
        analysis=received.analysis,
        draft=received.draft,
    )


def _suppressions(
    known: Known, reason: SuppressionReason, by: str
) -> tuple[Suppression, ...]:
    return of_person(known.number, known.email, reason=reason, by=by, at=known.now)


def _opt_out(known: Known, received: Received, reason: SuppressionReason) -> Change:
    at = known.now
    change = _change(known, received, known.journey)
    if reason is SuppressionReason.COMPLAINT and known.outbound is not None:
        fault = (known.outbound.attempt, MailFault.COMPLAINED)
        change = evolve(change, faults=(fault,))
    moved = happened(
        known.journey, Fact.OPTED_OUT, at, by=change.key, why=received.event.type
    )
    heard = _heard(received, known, received.event.type)
    if received.event.lead is not None:
        # By a link: nothing was said to any sender of ours.
        heard = evolve(heard, sender=None)
    return evolve(
        _stopped(change, known, "OPTED_OUT"),
        journey=moved.journey,
        moves=_moves(moved.move),
        heard=heard,
        suppressions=_suppressions(known, reason, change.key),
    )


def _person_wrote(known: Known, received: Received) -> Change:
    at = known.now
    change = _change(
        known,
        received,
        known.journey,
        heard=_heard(received, known, EventType.EXTERNAL_SENT),
    )
    moved = happened(known.journey, Fact.PERSON_WROTE, at, by=change.key)
    external = None
    by_phone = known.sender is not None and known.sender.channel is Channel.WHATSAPP
    if known.sender is not None and by_phone and not known.contacted:
        day = local_day(known.now, known.sender.time_zone)
        external = UnitSlot(known.sender.id, day)
    return evolve(
        _stopped(change, known, "HUMAN_CONTROL"),
        journey=moved.journey,
        external=external,
    )


def _stopped(change: Change, known: Known, reason: str) -> Change:
    """Nothing that waits goes out any more."""
    run = known.enrolment
    return evolve(
        change,
        cancels=tuple((intent.id, reason) for intent in known.waiting),
        enrolment=None if run is None else (run.id, EnrolmentStatus.STOPPED, reason),
    )


def _reply(known: Known, received: Received) -> Change:
    event, analysis, calendar = received.event, received.analysis, received.calendar
    if analysis is None or calendar is None:
        message = f"reply {received.id} was not analysed before it was reacted to"
        raise TypeError(message)
    findings = triage(analysis, circumstances(known, received))
    if findings.resumes_on is not None:
        return _absent(known, received, findings.resumes_on)
    if event.type is EventType.AUTO_REPLY and _only_a_machine(analysis):
        today = local_day(known.now, known.time_zone)
        return _absent(known, received, goes_on(analysis, today))
    at = known.now
    change = _change(
        known,
        received,
        known.journey,
        heard=_heard(received, known, EventType.REPLY),
    )
    replied = happened(known.journey, Fact.REPLIED, at, by=change.key, why="reply")
    journey = evolve(replied.journey, sentiment=analysis.sentiment)
    moves = _moves(replied.move)
    if findings.suppress:
        out = happened(journey, Fact.OPTED_OUT, at, by=change.key, why="said stop")
        journey, moves = out.journey, moves + _moves(out.move)
        suppressions = _suppressions(known, SuppressionReason.OPT_OUT, change.key)
        change = evolve(change, suppressions=suppressions)
    if known.outbound is not None:
        told = StatusChange(known.outbound.attempt, MessageStatus.REPLIED, at)
        change = evolve(change, statuses=(told,))
    ends = "OPTED_OUT" if findings.suppress else "REPLIED"
    change = evolve(_stopped(change, known, ends), journey=journey, moves=moves)
    answer = answer_to(known, received, findings)
    asks = findings.review
    if findings.reply is not None and findings.reply.unattended:
        if not answer.flaws:
            alone = unattended(known, received, answer.text)
            return evolve(change, plans=(alone,))
        # What would have gone out by itself cannot: a person answers.
        asks = ReviewReason.AI_FLAGGED, PRIORITY_OF[ReviewReason.AI_FLAGGED]
    if asks is None:
        return change
    reason, priority = asks
    known = evolve(known, wrote=Wrote(event.channel, event.subject))
    trigger = Trigger(
        reason=reason,
        priority=priority,
        text=event.content or "(media)",
        communication=received.id,
        analysis=analysis,
        suggested=answer.text or None,
    )
    return _asks(change, known, received, trigger)


def _only_a_machine(analysis: Analysis) -> bool:
    """Whether nothing in an automatic reply needs a person or a stop."""
    return _MACHINES_WORDS.issuperset({analysis.intent, *analysis.also})


def _asks(change: Change, known: Known, received: Received, trigger: Trigger) -> Change:
    """Have a person look, in the same commit."""
    if received.calendar is None:
        message = f"event {received.id} asks for a person: give the reviewers' calendar"
        raise TypeError(message)
    return asking(change, known, trigger, received.calendar)


def _absent(known: Known, received: Received, resumes_on: date) -> Change:
    """An automatic reply moves nothing; the sequence waits for the person's return."""
    back = start_of_day(resumes_on, known.time_zone)
    return evolve(
        _change(
            known,
            received,
            known.journey,
            heard=_heard(received, known, EventType.AUTO_REPLY),
        ),
        postpones=tuple(
            Postponed(intent.id, max(back, intent.due_at), "NOT_DUE")
            for intent in known.waiting
            if intent.enrolment is not None
        ),
    )
