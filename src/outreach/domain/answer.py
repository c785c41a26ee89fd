"""What a reviewer decides about an item, as a change to its lead."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve, frozen

from outreach.domain.address import phone_key
from outreach.domain.change import Change, Known, ReviewChange
from outreach.domain.channel import Channel, State
from outreach.domain.errors import NotFound, Refused, Stale
from outreach.domain.ids import reply_id
from outreach.domain.journey import Command, Fact, Moved, commanded, happened
from outreach.domain.message import Intent
from outreach.domain.review import Resolution, ReviewItem, ReviewStatus
from outreach.domain.sender import SendClass
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.suppression import Suppression, SuppressionReason
from outreach.domain.template import WHATSAPP_LIMIT

__all__ = ["Answer", "answered"]


@frozen
class Answer:
    """A person's decision about an item.

    Attributes:
        resolution: what they chose.
        text: of the reply (APPROVED: the suggested one; EDITED: theirs).
        by: who they are.
        fingerprint: of what they were shown; the answer is bound to it.
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

    A reply is planned as a message of its own, due after *undo* (engine time), by
    the lead's own phone; a new message from the prospect cancels it.

    Raises:
        NotFound: no item is open.
        Stale: what was shown has changed since.
        Refused: there is no text, it is too long, or the lead opted out.
    """
    item = known.review
    if item is None:
        message = f"lead {known.journey.lead} has no open review item: look again"
        raise NotFound(message)
    if item.fingerprint != answer.fingerprint:
        message = (
            f"review {item.id} has changed since you saw it: "
            f"outreach reviews show {item.id}"
        )
        raise Stale(message)
    moved = _moved(known, answer)
    resolved = evolve(
        item,
        status=ReviewStatus.RESOLVED,
        resolved_at=known.now,
        resolution=answer.resolution,
        notes=answer.notes,
        response_sent=answer.text or None,
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
            expected_fingerprint=answer.fingerprint,
        ),
    )
    if answer.resolution in {Resolution.APPROVED, Resolution.EDITED}:
        return evolve(change, plans=(_reply(known, item, answer, undo),))
    if answer.resolution is Resolution.REJECTED or answer.resolution is (
        Resolution.IGNORED
    ):
        return change
    return _ended(change, known, answer)


def _reply(known: Known, item: ReviewItem, answer: Answer, undo: timedelta) -> Intent:
    journey = known.journey
    text = answer.text.strip()
    if not text:
        message = f"review {item.id} has no suggested reply: write one with edit"
        raise Refused(message)
    if len(text) > WHATSAPP_LIMIT:
        message = f"the reply has {len(text)} characters: {WHATSAPP_LIMIT} are allowed"
        raise Refused(message)
    if journey.opted_out or journey.state is State.DEAD:
        message = (
            f"lead {journey.lead} is {journey.state}"
            f"{' and opted out' if journey.opted_out else ''}: nothing may be sent"
        )
        raise Refused(message)
    return Intent(
        id=reply_id(known.tenant, item.id, item.version),
        tenant=known.tenant,
        lead=journey.lead,
        send_class=SendClass.APPROVED,
        channel=Channel.WHATSAPP,
        due_at=known.now + undo,
        review=item.id,
        text=text,
        permission=answer.by if answer.outside_window else "",
    )


def _moved(known: Known, answer: Answer) -> Moved:
    journey, at, by = known.journey, known.now, answer.by
    why = answer.notes or str(answer.resolution)
    if answer.resolution is Resolution.OPTED_OUT:
        return happened(journey, Fact.OPTED_OUT, at, by=by, why=why)
    if answer.resolution is Resolution.MARKED_DEAD:
        return commanded(journey, Command.LOSE, at, by=by, why=why)
    if answer.resolution in {Resolution.TAKEOVER, Resolution.HANDED_OVER}:
        return commanded(journey, Command.TAKE_OVER, at, by=by, why=why)
    return Moved(journey)


def _ended(change: Change, known: Known, answer: Answer) -> Change:
    """Nothing automatic goes on after a takeover, a stop or a wrong person."""
    run = known.enrolment
    change = evolve(
        change,
        cancels=tuple((one.id, str(answer.resolution)) for one in known.waiting),
        enrolment=None
        if run is None
        else (run.id, EnrolmentStatus.STOPPED, str(answer.resolution)),
    )
    if answer.resolution is Resolution.OPTED_OUT and known.number:
        key = phone_key(known.number)
        reason = SuppressionReason.OPT_OUT
        stop = Suppression(key, reason, answer.by, known.now)
        change = evolve(change, suppressions=(stop,))
    return change
