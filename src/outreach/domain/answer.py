"""What a reviewer is asked about a lead, and what they decide, as changes to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from attrs import evolve, frozen

from outreach.domain.change import Change, Duty, DutyKind, Known, ReviewChange
from outreach.domain.channel import Channel, State
from outreach.domain.errors import NotFound, Refused, Stale
from outreach.domain.ids import reply_id, review_id
from outreach.domain.journey import Command, Fact, Moved, commanded, happened
from outreach.domain.message import Intent
from outreach.domain.replying import again
from outreach.domain.review import (
    Resolution,
    ReviewCalendar,
    ReviewItem,
    ReviewReason,
    ReviewStatus,
    Trigger,
    fingerprint,
    merge,
    sla_due,
    sla_risk_at,
)
from outreach.domain.sender import SendClass
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.stop import HOLDING
from outreach.domain.suppression import SuppressionReason, of_person
from outreach.domain.template import MAIL_LIMIT, WHATSAPP_LIMIT

__all__ = ["Answer", "answered", "asking", "opened"]

_REPLIES: Final = frozenset({Resolution.APPROVED, Resolution.EDITED})
_LEAVE_THE_LEAD: Final = frozenset({Resolution.REJECTED, Resolution.IGNORED})


def opened(
    known: Known, trigger: Trigger, *, key: str, calendar: ReviewCalendar
) -> ReviewItem:
    """The lead's open review item with *trigger* in it, or a new one.

    Its fingerprint names exactly what a reviewer is shown from now on.
    """
    now = known.now
    if known.review is not None:
        item = merge(known.review, trigger, at=now, calendar=calendar)
    else:
        item = ReviewItem(
            id=review_id(key),
            tenant=known.tenant,
            lead=known.journey.lead,
            reason=trigger.reason,
            priority=trigger.priority,
            opened_at=now,
            sla_due_at=sla_due(trigger.priority, now, calendar),
            trigger=trigger.text,
            communication=trigger.communication,
            analysis=trigger.analysis,
            suggested=trigger.suggested,
        )
    # The version too: a message that reads like the last one is another message.
    text = "\n".join((str(item.version), item.trigger, item.suggested or ""))
    channel = _answered_by(known)
    to = known.number if channel is Channel.WHATSAPP else known.email
    shown = fingerprint(to, channel, text, now)
    return evolve(item, fingerprint=shown)


def asking(
    change: Change, known: Known, trigger: Trigger, calendar: ReviewCalendar
) -> Change:
    """The same change, and a person is asked to look: one item per lead.

    The item is refused (CONFLICT) if it is not as *known* has it any more. A duty
    at half of its time warns that it may be late.
    """
    item = opened(known, trigger, key=change.key, calendar=calendar)
    was = known.review
    half = sla_risk_at(trigger.priority, known.now, calendar)
    return evolve(
        change,
        review=ReviewChange(
            item,
            "OPENED" if was is None else "MESSAGE",
            "engine",
            expected_fingerprint=None if was is None else was.fingerprint,
        ),
        duties=(*change.duties, Duty(DutyKind.SLA, str(item.id), known.tenant, half)),
    )


@frozen
class Answer:
    """A person's decision about an item.

    Attributes:
        resolution: what they chose.
        text: of the reply (EDITED: theirs; APPROVED: the suggested one, or empty).
        by: who they are.
        fingerprint: of what they were shown; the answer is bound to it. Empty for
            an item that has none.
        outside_window: they allow this reply outside the prospect's hours.
    """

    resolution: Resolution
    by: str
    fingerprint: str
    text: str = ""
    notes: str = ""
    outside_window: bool = False


def answered(known: Known, answer: Answer, *, undo: timedelta) -> Change:
    """What *answer* does to the lead and its open item.

    A reply is planned as a message of its own, due after *undo* (engine time), on
    the channel the prospect wrote on, by the lead's own sender; a new message from
    the prospect cancels it.

    Raises:
        NotFound: no item is open.
        Stale: what was shown has changed since.
        Refused: there is no text, it is too long or not the suggested one; the
            lead opted out, is DEAD or has no phone or address there.
        IllegalTransition: the lead's journey does not allow it.
    """
    item = known.review
    if item is None:
        message = f"lead {known.journey.lead} has no open review item: look again"
        raise NotFound(message)
    if (item.fingerprint or "") != answer.fingerprint:
        message = (
            f"review {item.id} has changed since you saw it: "
            f"outreach reviews show {item.id}"
        )
        raise Stale(message)
    replies = answer.resolution in _REPLIES
    reply = _reply(known, item, answer, undo) if replies else None
    moved = _moved(known, answer)
    resolved = evolve(
        item,
        status=ReviewStatus.RESOLVED,
        resolved_at=known.now,
        resolution=answer.resolution,
        notes=answer.notes,
        response_sent=None if reply is None else reply.text,
        claimed_until=None,
        version=item.version + 1,
    )
    change = Change(
        tenant=known.tenant,
        lead=known.journey.lead,
        key=f"review/{item.id}/{item.version}",
        expected=known.journey.version,
        journey=moved.journey,
        moves=() if moved.move is None else (moved.move,),
        review=ReviewChange(
            resolved,
            str(answer.resolution),
            answer.by,
            notes=answer.notes,
            expected_fingerprint=item.fingerprint,
        ),
    )
    if reply is not None:
        change = evolve(change, plans=(reply,))
    elif answer.resolution not in _LEAVE_THE_LEAD:
        return _ended(change, known, answer)
    return _stopped(change, known, answer) if _was_held(known) else change


def _answered_by(known: Known) -> Channel:
    """The channel that the lead wrote on; mail to who has written is warm."""
    wrote = known.wrote
    mailed = wrote is not None and wrote.channel in HOLDING
    return Channel.EMAIL_WARM if mailed else Channel.WHATSAPP


def _was_held(known: Known) -> bool:
    """The run waits for nothing but this item, after a message that failed."""
    run = known.enrolment
    return (
        run is not None
        and run.status is EnrolmentStatus.PAUSED
        and run.stop_reason in frozenset(ReviewReason)
    )


def _reply(known: Known, item: ReviewItem, answer: Answer, undo: timedelta) -> Intent:
    journey = known.journey
    text = _text(item, answer).strip()
    if not text:
        message = f"review {item.id} has no suggested reply: write one with edit"
        raise Refused(message)
    channel = _answered_by(known)
    mail = channel is Channel.EMAIL_WARM
    most = MAIL_LIMIT if mail else WHATSAPP_LIMIT
    if len(text) > most:
        message = f"the reply has {len(text)} characters: {most} are allowed"
        raise Refused(message)
    if journey.opted_out or journey.state is State.DEAD:
        message = (
            f"lead {journey.lead} is {journey.state}"
            f"{' and opted out' if journey.opted_out else ''}: nothing may be sent"
        )
        raise Refused(message)
    if not (known.email if mail else known.number):
        lacks = "address" if mail else "phone"
        message = f"lead {journey.lead} has no {lacks}: add one, then answer"
        raise Refused(message)
    return Intent(
        id=reply_id(known.tenant, item.id, item.version),
        tenant=known.tenant,
        lead=journey.lead,
        send_class=SendClass.APPROVED,
        channel=channel,
        due_at=known.now + undo,
        review=item.id,
        text=text,
        subject=again(known.wrote.subject) if mail and known.wrote else "",
        permission=answer.by if answer.outside_window else "",
    )


def _text(item: ReviewItem, answer: Answer) -> str:
    if answer.resolution is Resolution.EDITED:
        return answer.text
    if answer.text and answer.text != item.suggested:
        message = f"this is not the reply that review {item.id} suggests: use edit"
        raise Refused(message)
    return item.suggested or ""


def _moved(known: Known, answer: Answer) -> Moved:
    journey, at, by = known.journey, known.now, answer.by
    why = answer.notes or str(answer.resolution)
    if answer.resolution is Resolution.OPTED_OUT:
        return happened(journey, Fact.OPTED_OUT, at, by=by, why=why)
    if answer.resolution is Resolution.MARKED_DEAD and journey.state is not State.DEAD:
        return commanded(journey, Command.LOSE, at, by=by, why=why)
    if answer.resolution in {Resolution.TAKEOVER, Resolution.HANDED_OVER}:
        return commanded(journey, Command.TAKE_OVER, at, by=by, why=why)
    return Moved(journey)


def _stopped(change: Change, known: Known, answer: Answer) -> Change:
    run, why = known.enrolment, str(answer.resolution)
    return evolve(
        change,
        cancels=tuple((one.id, why) for one in known.waiting),
        enrolment=None if run is None else (run.id, EnrolmentStatus.STOPPED, why),
    )


def _ended(change: Change, known: Known, answer: Answer) -> Change:
    """Nothing automatic goes on after a takeover, a stop or a wrong person."""
    change = _stopped(change, known, answer)
    if answer.resolution is not Resolution.OPTED_OUT:
        return change
    reason = SuppressionReason.OPT_OUT
    stops = of_person(
        known.number, known.email, reason=reason, by=answer.by, at=known.now
    )
    return evolve(change, suppressions=stops)
