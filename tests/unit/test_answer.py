"""What a reviewer decides, bound to what was shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from tests.unit.cases import NOON, uid
from tests.unit.test_reaction import RUN, a_lead, waiting

from outreach.domain.answer import Answer, answered, opened
from outreach.domain.change import Change, Known, Wrote
from outreach.domain.channel import Channel, State
from outreach.domain.errors import IllegalTransition, NotFound, Refused, Stale
from outreach.domain.ids import EventId
from outreach.domain.journey import DeadCause
from outreach.domain.review import (
    Priority,
    Resolution,
    ReviewCalendar,
    ReviewReason,
    ReviewStatus,
    Trigger,
)
from outreach.domain.sender import SendClass
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.template import WHATSAPP_LIMIT

UNDO = timedelta(seconds=30)
CALENDAR = ReviewCalendar("Europe/Bucharest")
QUIET = (Resolution.REJECTED, Resolution.IGNORED)
ENDS = (
    Resolution.TAKEOVER,
    Resolution.HANDED_OVER,
    Resolution.OPTED_OUT,
    Resolution.MARKED_DEAD,
    Resolution.WRONG_PERSON,
)


def asked(state: State = State.WARM_REPLY, **changes: Any) -> Known:
    known = a_lead(state, **changes)
    trigger = Trigger(
        ReviewReason.LOW_SENTIMENT,
        Priority.MEDIUM,
        text="Cât costă?",
        communication=EventId(uid(50)),
        suggested="Costă 10 lei.",
    )
    item = opened(known, trigger, key="event/1", calendar=CALENDAR)
    return evolve(known, review=item)


def decided(known: Known, resolution: Resolution, **changes: Any) -> Change:
    assert known.review is not None
    answer = Answer(
        resolution=resolution, by="ana", fingerprint=known.review.fingerprint or ""
    )
    return answered(known, evolve(answer, **changes), undo=UNDO)


@pytest.mark.parametrize("resolution", Resolution)
def test_an_answer_to_what_has_changed_is_refused(resolution: Resolution) -> None:
    known = asked()
    before = known.review
    assert before is not None
    again = opened(
        known,
        Trigger(ReviewReason.LOW_SENTIMENT, Priority.MEDIUM, text="Alo?"),
        key="event/2",
        calendar=CALENDAR,
    )

    with pytest.raises(Stale, match=f"reviews show {again.id}"):
        decided(evolve(known, review=again), resolution, fingerprint=before.fingerprint)


@pytest.mark.parametrize("resolution", Resolution)
def test_an_answer_without_an_open_item_is_refused(resolution: Resolution) -> None:
    answer = Answer(resolution, by="ana", fingerprint="x")

    with pytest.raises(NotFound, match="no open review item"):
        answered(a_lead(), answer, undo=UNDO)


@pytest.mark.parametrize("resolution", Resolution)
def test_an_answer_resolves_the_item_and_says_who_and_how(
    resolution: Resolution,
) -> None:
    known = asked()
    text = "Da." if resolution is Resolution.EDITED else ""

    change = decided(known, resolution, text=text, notes="ok")

    assert known.review is not None
    assert change.review is not None
    item = change.review.item
    assert (item.status, item.resolution) == (ReviewStatus.RESOLVED, resolution)
    assert (item.resolved_at, item.notes) == (NOON, "ok")
    assert item.version == known.review.version + 1
    assert change.review.by == "ana"
    assert change.review.expected_fingerprint == known.review.fingerprint
    assert change.expected == known.journey.version


def test_an_approved_reply_goes_after_half_a_minute_by_the_leads_own_phone() -> None:
    change = decided(asked(), Resolution.APPROVED)

    (reply,) = change.plans
    assert reply.text == "Costă 10 lei."
    assert reply.due_at == NOON + UNDO
    assert reply.send_class is SendClass.APPROVED
    assert reply.channel is Channel.WHATSAPP
    assert reply.permission == ""
    assert change.review is not None
    assert reply.review == change.review.item.id
    assert change.review.item.response_sent == "Costă 10 lei."
    assert change.journey.state is State.WARM_REPLY


def test_an_edited_reply_is_sent_as_it_was_written() -> None:
    (reply,) = decided(asked(), Resolution.EDITED, text=" Costă 9 lei. ").plans

    assert reply.text == "Costă 9 lei."


def test_a_person_may_let_a_reply_go_outside_the_window() -> None:
    (reply,) = decided(asked(), Resolution.APPROVED, outside_window=True).plans

    assert reply.permission == "ana"


def test_what_is_approved_is_what_was_suggested_and_nothing_else() -> None:
    with pytest.raises(Refused, match="use edit"):
        decided(asked(), Resolution.APPROVED, text="Costă 5 lei.")


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_reply_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="write one with edit"):
        decided(asked(), Resolution.EDITED, text=text)


def test_a_reply_that_is_too_long_is_refused() -> None:
    with pytest.raises(Refused, match=str(WHATSAPP_LIMIT)):
        decided(asked(), Resolution.EDITED, text="x" * (WHATSAPP_LIMIT + 1))


@pytest.mark.parametrize("resolution", [Resolution.APPROVED, Resolution.EDITED])
@pytest.mark.parametrize(
    "known",
    [
        asked(State.DEAD, journey={"dead_cause": DeadCause.LOST}),
        asked(State.CONVERTED, journey={"opted_out": True}),
        asked(number=""),
    ],
    ids=["dead", "opted out", "no phone"],
)
def test_no_reply_is_planned_that_could_never_be_sent(
    known: Known, resolution: Resolution
) -> None:
    text = "Da." if resolution is Resolution.EDITED else ""

    with pytest.raises(Refused, match=str(known.journey.lead)):
        decided(known, resolution, text=text)


@pytest.mark.parametrize("resolution", QUIET)
def test_an_item_that_is_put_aside_leaves_the_lead_alone(
    resolution: Resolution,
) -> None:
    known = asked()

    change = decided(known, resolution)

    assert change.journey == known.journey
    assert (change.plans, change.cancels, change.enrolment) == ((), (), None)


@pytest.mark.parametrize(
    "resolution", [*QUIET, Resolution.APPROVED, Resolution.TAKEOVER]
)
def test_a_run_that_a_failed_message_holds_ends_with_its_item(
    resolution: Resolution,
) -> None:
    run = asked().enrolment
    assert run is not None
    held = evolve(run, status=EnrolmentStatus.PAUSED, stop_reason="SEND_FAILED")

    change = decided(asked(enrolment=held), resolution)

    assert change.enrolment == (RUN, EnrolmentStatus.STOPPED, str(resolution))
    assert change.cancels == ((waiting().id, str(resolution)),)


def test_a_run_that_a_person_paused_is_not_ended_by_an_item_put_aside() -> None:
    run = asked().enrolment
    assert run is not None
    paused = evolve(run, status=EnrolmentStatus.PAUSED, stop_reason="holiday")

    assert decided(asked(enrolment=paused), Resolution.IGNORED).enrolment is None


@pytest.mark.parametrize("resolution", ENDS)
def test_nothing_automatic_goes_on_after_an_end(resolution: Resolution) -> None:
    change = decided(asked(), resolution)

    assert change.cancels == ((waiting().id, str(resolution)),)
    assert change.enrolment == (RUN, EnrolmentStatus.STOPPED, str(resolution))
    assert change.plans == ()


@pytest.mark.parametrize("resolution", [Resolution.TAKEOVER, Resolution.HANDED_OVER])
def test_a_takeover_stops_what_is_automatic(resolution: Resolution) -> None:
    change = decided(asked(), resolution)

    assert change.journey.human_controlled
    assert change.journey.state is State.WARM_REPLY


def test_an_opt_out_by_a_reviewer_stops_every_channel() -> None:
    change = decided(asked(), Resolution.OPTED_OUT)

    assert change.journey.dead_cause is DeadCause.OPTED_OUT
    assert {str(stop.key) for stop in change.suppressions} == {
        "phone:+40722999999",
        "email:ion@firma.ro",
    }


def test_a_wrong_person_is_left_alone_and_not_suppressed() -> None:
    change = decided(asked(), Resolution.WRONG_PERSON)

    assert change.suppressions == ()
    assert change.journey.state is State.WARM_REPLY


def test_marking_dead_is_a_persons_decision() -> None:
    change = decided(asked(), Resolution.MARKED_DEAD, notes="no land")

    assert change.journey.dead_cause is DeadCause.LOST
    (move,) = change.moves
    assert (move.by, move.why) == ("ana", "no land")


def test_marking_dead_who_is_dead_only_closes_the_item() -> None:
    known = asked(State.DEAD, journey={"dead_cause": DeadCause.LOST})

    change = decided(known, Resolution.MARKED_DEAD)

    assert change.journey == known.journey
    assert change.moves == ()


def test_a_customer_cannot_be_marked_dead() -> None:
    with pytest.raises(IllegalTransition):
        decided(asked(State.CONVERTED), Resolution.MARKED_DEAD)


def test_an_item_without_a_fingerprint_can_be_answered() -> None:
    known = asked()
    assert known.review is not None
    folded = evolve(known.review, fingerprint=None)

    change = decided(evolve(known, review=folded), Resolution.IGNORED)

    assert change.review is not None
    assert change.review.expected_fingerprint is None


def test_each_version_of_an_item_is_answered_once() -> None:
    known = asked()

    keys = {decided(known, one).key for one in (Resolution.IGNORED, *ENDS)}

    assert len(keys) == 1


# --- a reply goes by the channel that the prospect wrote on


def mailed(subject: str = "Ofertă", **changes: Any) -> Known:
    wrote = Wrote(Channel.EMAIL_COLD, subject)
    return asked(wrote=wrote, email="ion@agro.ro", **changes)


def test_an_answer_to_a_mail_is_a_warm_mail_with_its_subject() -> None:
    (reply,) = decided(mailed(), Resolution.APPROVED).plans

    assert (reply.channel, reply.subject) == (Channel.EMAIL_WARM, "Re: Ofertă")
    assert reply.send_class is SendClass.APPROVED


@pytest.mark.parametrize(
    ("subject", "again"),
    [
        ("Ofertă", "Re: Ofertă"),
        ("Re: Ofertă", "Re: Ofertă"),
        ("RE: Ofertă", "RE: Ofertă"),
        (" re:Ofertă ", "re:Ofertă"),
        ("", "Re:"),
        ("Reducere", "Re: Reducere"),
    ],
)
def test_a_subject_is_answered_once(subject: str, again: str) -> None:
    (reply,) = decided(mailed(subject), Resolution.APPROVED).plans

    assert reply.subject == again


def test_an_answer_to_a_message_has_no_subject() -> None:
    known = asked(wrote=Wrote(Channel.WHATSAPP, "Ofertă"))

    (reply,) = decided(known, Resolution.APPROVED).plans

    assert (reply.channel, reply.subject) == (Channel.WHATSAPP, "")


def test_a_mail_is_answered_though_the_lead_has_no_phone() -> None:
    known = mailed(number="")

    assert len(decided(known, Resolution.APPROVED).plans) == 1


def test_without_an_address_a_mail_cannot_be_answered() -> None:
    known = evolve(mailed(), email="")

    with pytest.raises(Refused, match="has no address"):
        decided(known, Resolution.APPROVED)


def test_a_mail_may_be_longer_than_a_message() -> None:
    text = "x" * (WHATSAPP_LIMIT + 1)

    (reply,) = decided(mailed(), Resolution.EDITED, text=text).plans

    assert reply.text == text
