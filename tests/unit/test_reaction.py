"""What each event makes of a lead."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from attrs import evolve
from tests.unit.cases import NOON, a_case, a_sender, uid

from outreach.domain.address import phone_key
from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.domain.breaker import MailFault
from outreach.domain.budget import UnitSlot
from outreach.domain.change import Change, DutyKind, Known, Outbound
from outreach.domain.channel import Channel, State
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import (
    AttemptId,
    EnrolmentId,
    EventId,
    IntentId,
    SequenceId,
    TemplateId,
)
from outreach.domain.journey import DeadCause, Journey
from outreach.domain.message import Intent, MessageStatus, Outcome
from outreach.domain.reaction import Received, react, still_calling
from outreach.domain.replying import reply_templates
from outreach.domain.review import Priority, ReviewCalendar, ReviewReason
from outreach.domain.sender import SendClass
from outreach.domain.sequence import Enrolment, EnrolmentStatus, MessageTemplate
from outreach.domain.suppression import SuppressionReason
from outreach.domain.window import start_of_day

CALENDAR = ReviewCalendar("Europe/Bucharest")
ZONE = "Europe/Bucharest"
EVENT = EventId(uid(50))
RUN = EnrolmentId(uid(7))


def waiting(**changes: Any) -> Intent:
    return evolve(a_case().intent, due_at=NOON + timedelta(days=1), **changes)


def a_lead(state: State = State.CONTACTED_WA, **changes: Any) -> Known:
    journey = Journey(a_case().journey.lead, state=state, version=4)
    known = Known(
        tenant=a_sender().tenant,
        now=NOON,
        journey=evolve(journey, **changes.pop("journey", {})),
        enrolment=Enrolment(
            id=RUN,
            lead=journey.lead,
            sequence=SequenceId(uid(4)),
            sequence_version=1,
            campaign=None,
            status=EnrolmentStatus.ACTIVE,
            current_step=1,
            total_steps=2,
        ),
        waiting=(waiting(),),
        sender=a_sender(),
        contacted=True,
        number="+40722999999",
        email="ion@firma.ro",
        language="ro",
        time_zone=ZONE,
        other_channels=frozenset({Channel.WHATSAPP}),
        fields={"contact_name": "Ion"},
    )
    return evolve(known, **changes)


def ours(outcome: Outcome = Outcome.ACCEPTED, **changes: Any) -> Outbound:
    plain = Outbound(
        attempt=AttemptId(uid(60)),
        intent=IntentId(uid(5)),
        sender=a_sender().id,
        channel=Channel.WHATSAPP,
        status=MessageStatus.ACCEPTED,
        outcome=outcome,
    )
    return evolve(plain, **changes)


def an_event(kind: EventType, **changes: Any) -> SystemEvent:
    event = SystemEvent(
        key=f"{kind}:1",
        provider="timelinesai",
        type=kind,
        channel=Channel.WHATSAPP,
        ref="m-1",
        thread="c-1",
        sender="+40722000001",
        address=phone_key("+40722999999"),
    )
    return evolve(event, **changes)


def analysed(intent: ReplyIntent = ReplyIntent.NEUTRAL, **changes: Any) -> Analysis:
    plain = Analysis(
        intent=intent,
        sentiment=20,
        confidence=0.9,
        language="ro",
        keywords=(),
        by="test/1",
    )
    return evolve(plain, **changes)


def reacted(known: Known, kind: EventType, **changes: Any) -> Change:
    event = an_event(kind, **changes)
    return react(known, Received(EVENT, event, calendar=CALENDAR))


def replied(
    known: Known,
    analysis: Analysis,
    *,
    kind: EventType = EventType.REPLY,
    templates: tuple[MessageTemplate, ...] = (),
    event: EventId = EVENT,
    **changes: Any,
) -> Change:
    said = an_event(kind, content="Bună, cât costă?", **changes)
    return react(known, Received(event, said, analysis, templates, CALENDAR))


def assert_stopped(change: Change, reason: str) -> None:
    assert change.cancels == ((waiting().id, reason),)
    assert change.enrolment == (RUN, EnrolmentStatus.STOPPED, reason)


def assert_untouched(change: Change, known: Known) -> None:
    assert change.journey == known.journey
    assert (change.moves, change.cancels, change.suppressions) == ((), (), ())
    assert (change.enrolment, change.review, change.external) == (None, None, None)


# --- what every change carries


@pytest.mark.parametrize(
    "kind",
    [one for one in EventType if one not in {EventType.REPLY, EventType.AUTO_REPLY}],
)
@pytest.mark.parametrize("outbound", [None, ours()])
def test_no_event_is_ever_refused(kind: EventType, outbound: Outbound | None) -> None:
    known = a_lead(outbound=outbound)

    change = reacted(known, kind)

    assert change.event == EVENT
    assert change.key == f"event/{EVENT}"
    assert (change.lead, change.expected) == (known.journey.lead, 4)


def test_a_reply_that_nobody_has_analysed_is_a_defect_of_the_caller() -> None:
    with pytest.raises(TypeError, match="not analysed"):
        reacted(a_lead(), EventType.REPLY)


# --- how far a message came

STATUSES = {
    EventType.SENT: MessageStatus.SENT,
    EventType.DELIVERED: MessageStatus.DELIVERED,
    EventType.READ: MessageStatus.READ,
    EventType.OPENED: MessageStatus.OPENED,
    EventType.CLICKED: MessageStatus.CLICKED,
    EventType.FAILED: MessageStatus.FAILED,
    EventType.BOUNCE: MessageStatus.BOUNCED,
}


@pytest.mark.parametrize("kind", STATUSES)
def test_news_of_our_message_is_a_status_of_it(kind: EventType) -> None:
    change = reacted(a_lead(outbound=ours()), kind)

    (status,) = change.statuses
    assert (status.attempt, status.status) == (AttemptId(uid(60)), STATUSES[kind])
    assert change.resolves == ()
    assert change.anomaly == ""


@pytest.mark.parametrize(
    "kind", [one for one in STATUSES if one is not EventType.FAILED]
)
def test_news_of_a_message_nobody_knew_about_proves_that_it_was_accepted(
    kind: EventType,
) -> None:
    change = reacted(a_lead(outbound=ours(Outcome.UNKNOWN)), kind)

    assert change.resolves == ((AttemptId(uid(60)), Outcome.ACCEPTED, "m-1", "c-1"),)


def test_a_failure_does_not_prove_that_a_message_was_accepted() -> None:
    change = reacted(a_lead(outbound=ours(Outcome.UNKNOWN)), EventType.FAILED)

    assert change.resolves == ()


@pytest.mark.parametrize("kind", [EventType.SENT, EventType.EXTERNAL_SENT])
def test_an_echo_of_our_own_message_is_not_taken_for_a_persons(
    kind: EventType,
) -> None:
    known = a_lead(outbound=ours(Outcome.UNKNOWN))

    change = reacted(known, kind)

    assert change.resolves == ((AttemptId(uid(60)), Outcome.ACCEPTED, "m-1", "c-1"),)
    assert_untouched(change, known)


@pytest.mark.parametrize(
    "outcome", [Outcome.REFUSED, Outcome.RELEASED, Outcome.NOT_SENT]
)
def test_news_of_a_message_that_was_proven_not_sent_is_an_anomaly(
    outcome: Outcome,
) -> None:
    known = a_lead(outbound=ours(outcome))

    change = reacted(known, EventType.DELIVERED)

    assert str(outcome) in change.anomaly
    assert_untouched(change, known)


def test_the_first_news_of_a_message_that_was_given_up_is_an_anomaly() -> None:
    given_up = ours(Outcome.ABANDONED, status=MessageStatus.UNKNOWN)
    heard_of = evolve(given_up, status=MessageStatus.SENT)

    assert reacted(a_lead(outbound=given_up), EventType.SENT).anomaly
    assert reacted(a_lead(outbound=heard_of), EventType.READ).anomaly == ""


def test_an_event_about_a_call_that_has_not_ended_waits() -> None:
    assert still_calling(a_lead(outbound=ours(Outcome.CALLING)))
    assert not still_calling(a_lead(outbound=ours()))
    assert not still_calling(a_lead())


@pytest.mark.parametrize("kind", [EventType.DELIVERED, EventType.SOFT_BOUNCE])
def test_news_of_a_message_that_is_not_known_is_an_anomaly(kind: EventType) -> None:
    known = a_lead()

    change = reacted(known, kind)

    assert str(kind) in change.anomaly
    assert_untouched(change, known)


# --- bounces


def test_a_hard_bounce_with_no_channel_left_ends_the_journey_and_asks_a_person() -> (
    None
):
    change = reacted(a_lead(outbound=ours()), EventType.BOUNCE)

    assert change.journey.dead_cause is DeadCause.UNREACHABLE
    assert_stopped(change, "BOUNCED")
    assert change.review is not None
    assert change.review.item.reason is ReviewReason.BOUNCE_DETECTED
    assert change.review.item.priority is Priority.LOW


def test_a_hard_bounce_with_another_channel_left_moves_nothing() -> None:
    both = frozenset({Channel.WHATSAPP, Channel.EMAIL_COLD})
    known = a_lead(outbound=ours(), other_channels=both)

    assert_untouched(reacted(known, EventType.BOUNCE), known)


# --- what counts against a campaign


def test_a_mail_that_bounced_for_good_counts_whatever_else_is_left() -> None:
    for left in (frozenset[Channel](), frozenset(Channel)):
        change = reacted(a_lead(outbound=ours(), other_channels=left), EventType.BOUNCE)

        assert change.faults == ((ours().attempt, MailFault.BOUNCED),)


def test_a_complaint_counts_for_the_mail_it_is_about() -> None:
    about = reacted(a_lead(outbound=ours()), EventType.COMPLAINT)
    nothing = reacted(a_lead(), EventType.COMPLAINT)

    assert about.faults == ((ours().attempt, MailFault.COMPLAINED),)
    assert nothing.faults == ()


@pytest.mark.parametrize(
    "kind", [EventType.SOFT_BOUNCE, EventType.UNSUBSCRIBE, EventType.DELIVERED]
)
def test_nothing_else_counts_against_it(kind: EventType) -> None:
    assert reacted(a_lead(outbound=ours()), kind).faults == ()


# --- a person writes from the phone


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (EventType.EXTERNAL_SENT, {}),
        (EventType.SENT, {"ours": False}),
        (EventType.SENT, {"ours": None}),
    ],
)
def test_a_message_that_we_did_not_send_is_a_takeover(
    kind: EventType, changes: dict[str, Any]
) -> None:
    change = reacted(a_lead(), kind, content="Vă sun eu", **changes)

    assert change.journey.human_controlled
    assert_stopped(change, "HUMAN_CONTROL")
    assert change.heard is not None
    assert change.heard.type is EventType.EXTERNAL_SENT
    assert change.heard.content == "Vă sun eu"
    assert change.review is None


def test_a_message_the_provider_calls_ours_and_nobody_knows_is_no_takeover() -> None:
    known = a_lead()

    change = reacted(known, EventType.SENT, ours=True)

    assert change.anomaly
    assert_untouched(change, known)


def test_a_stranger_a_person_writes_to_counts_on_the_phones_own_day() -> None:
    tokyo = a_sender(time_zone="Asia/Tokyo")
    late = evolve(a_lead(contacted=False, sender=tokyo), now=NOON + timedelta(hours=6))

    change = reacted(late, EventType.EXTERNAL_SENT)

    assert change.external == UnitSlot(tokyo.id, date(2026, 3, 5))


def test_who_has_been_written_to_before_is_no_stranger() -> None:
    assert reacted(a_lead(), EventType.EXTERNAL_SENT).external is None


def test_a_message_from_a_phone_that_is_not_ours_counts_nowhere() -> None:
    unknown = a_lead(sender=None, contacted=False)

    assert reacted(unknown, EventType.EXTERNAL_SENT).external is None


# --- opt-outs and complaints


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (EventType.UNSUBSCRIBE, SuppressionReason.OPT_OUT),
        (EventType.COMPLAINT, SuppressionReason.COMPLAINT),
    ],
)
@pytest.mark.parametrize("state", [State.COLD, State.WARM_REPLY, State.NEGOTIATION])
def test_an_opt_out_suppresses_every_contact_point_and_stops_everything(
    kind: EventType, reason: SuppressionReason, state: State
) -> None:
    change = reacted(a_lead(state), kind)

    assert change.journey.opted_out
    assert change.journey.dead_cause is DeadCause.OPTED_OUT
    assert {str(one.key) for one in change.suppressions} == {
        "phone:+40722999999",
        "email:ion@firma.ro",
    }
    assert {one.reason for one in change.suppressions} == {reason}
    assert_stopped(change, "OPTED_OUT")
    assert change.review is None


def test_a_customer_who_opts_out_stays_a_customer() -> None:
    change = reacted(a_lead(State.CONVERTED), EventType.UNSUBSCRIBE)

    assert change.journey.state is State.CONVERTED
    assert change.journey.opted_out
    assert change.suppressions


# --- replies


def test_a_reply_warms_the_lead_stops_the_sequence_and_is_shown() -> None:
    change = replied(a_lead(), analysed())

    assert change.journey.state is State.WARM_REPLY
    assert change.journey.reply_count == 1
    assert change.journey.sentiment == 20
    assert_stopped(change, "REPLIED")
    assert change.heard is not None
    assert change.heard.analysis == analysed()
    assert change.review is not None
    assert change.review.item.reason is ReviewReason.LOW_SENTIMENT
    assert change.review.item.trigger == "Bună, cât costă?"
    assert change.review.item.communication == EVENT


@pytest.mark.parametrize(
    ("analysis", "reason", "priority"),
    [
        (
            analysed(ReplyIntent.COMPLAINT),
            ReviewReason.COMPLAINT,
            Priority.URGENT,
        ),
        (
            analysed(ReplyIntent.LEGAL_THREAT),
            ReviewReason.LEGAL_THREAT,
            Priority.URGENT,
        ),
        (analysed(sentiment=-1), ReviewReason.NEGATIVE_SENTIMENT, Priority.URGENT),
        (
            analysed(keywords=("preț",)),
            ReviewReason.KEYWORD_TRIGGER,
            Priority.HIGH,
        ),
        (
            analysed(ReplyIntent.WRONG_PERSON, sentiment=60),
            ReviewReason.WRONG_PERSON,
            Priority.MEDIUM,
        ),
        (
            analysed(ReplyIntent.NOT_INTERESTED, sentiment=60),
            ReviewReason.NOT_INTERESTED,
            Priority.MEDIUM,
        ),
        (analysed(sentiment=49), ReviewReason.LOW_SENTIMENT, Priority.MEDIUM),
        (analysed(sentiment=50), ReviewReason.AI_FLAGGED, Priority.MEDIUM),
        (
            analysed(sentiment=60, confidence=0.69),
            ReviewReason.AI_UNCERTAIN,
            Priority.MEDIUM,
        ),
    ],
)
def test_each_finding_opens_its_item(
    analysis: Analysis, reason: ReviewReason, priority: Priority
) -> None:
    change = replied(a_lead(), analysis)

    assert change.review is not None
    assert (change.review.item.reason, change.review.item.priority) == (
        reason,
        priority,
    )
    assert not change.suppressions


def test_a_reply_that_says_stop_is_an_opt_out_and_no_item() -> None:
    change = replied(a_lead(), analysed(ReplyIntent.UNSUBSCRIBE, sentiment=80))

    assert change.journey.dead_cause is DeadCause.OPTED_OUT
    assert change.journey.reply_count == 1
    assert len(change.suppressions) == 2
    assert [move.after for move in change.moves] == [State.WARM_REPLY, State.DEAD]
    assert_stopped(change, "OPTED_OUT")
    assert change.review is None


def test_an_opt_out_that_complains_too_is_shown_to_a_person() -> None:
    angry = analysed(
        ReplyIntent.UNSUBSCRIBE, also=(ReplyIntent.COMPLAINT,), sentiment=-80
    )

    change = replied(a_lead(), angry)

    assert change.suppressions
    assert change.review is not None
    assert change.review.item.reason is ReviewReason.COMPLAINT


def test_a_picture_is_shown_to_a_person() -> None:
    event = an_event(EventType.REPLY, media=True)
    received = Received(EVENT, event, analysed(confidence=0.0), (), CALENDAR)

    change = react(a_lead(), received)

    assert change.review is not None
    assert change.review.item.reason is ReviewReason.MEDIA_ONLY
    assert change.review.item.trigger == "(media)"


@pytest.mark.parametrize(
    ("state", "cause"),
    [(State.CONVERTED, None), (State.DEAD, DeadCause.LOST)],
)
def test_a_late_reply_moves_nothing_and_is_shown(
    state: State, cause: DeadCause | None
) -> None:
    known = a_lead(state, journey={"dead_cause": cause})

    change = replied(known, analysed(sentiment=80))

    assert change.journey.state is state
    assert change.moves == ()
    assert change.review is not None
    assert change.review.item.reason is ReviewReason.LATE_REPLY
    assert change.review.item.suggested is None


def test_a_late_reply_of_who_was_only_silent_revives() -> None:
    known = a_lead(State.DEAD, journey={"dead_cause": DeadCause.NO_ANSWER})

    assert replied(known, analysed()).journey.state is State.WARM_REPLY


def test_the_message_that_was_answered_is_replied() -> None:
    change = replied(a_lead(outbound=ours()), analysed())

    assert [one.status for one in change.statuses] == [MessageStatus.REPLIED]


def test_a_reply_cancels_an_approved_answer_that_waits_for_its_half_minute() -> None:
    reply = waiting(send_class=SendClass.APPROVED, enrolment=None, text="Da.")

    change = replied(a_lead(waiting=(reply,), enrolment=None), analysed())

    assert change.cancels == ((reply.id, "REPLIED"),)
    assert change.enrolment is None


# --- suggestions


def a_template(name: str, content: str = "Vă sunăm azi.", **changes: Any) -> Any:
    plain = MessageTemplate(
        id=TemplateId(uid(90)),
        name=name,
        channel=Channel.WHATSAPP,
        content=content,
        language="ro",
    )
    return evolve(plain, **changes)


def test_a_positive_reply_is_shown_with_the_answer_that_fits() -> None:
    templates = (
        a_template("reply-question", "Costă 10 lei, {{contact_name}}."),
        a_template("reply-interested", "{Super|Super}, {{contact_name}}!"),
        a_template("first"),
    )
    asks = analysed(ReplyIntent.INTERESTED, sentiment=70)

    change = replied(a_lead(), asks, templates=templates)

    assert change.review is not None
    assert change.review.item.suggested == "Super, Ion!"


def test_a_mail_is_answered_by_a_text_for_mail_and_a_message_by_one_for_messages() -> (
    None
):
    warm = Channel.EMAIL_WARM
    templates = (
        a_template("reply-interested", "Pe WhatsApp."),
        a_template("reply-interested-mail", "Prin mail.", channel=warm),
    )
    asks = analysed(ReplyIntent.INTERESTED, sentiment=70)

    suggested = [
        change.review.item.suggested
        for channel in (Channel.WHATSAPP, Channel.EMAIL_COLD, warm)
        if (
            change := replied(a_lead(), asks, templates=templates, channel=channel)
        ).review
    ]

    assert suggested == ["Pe WhatsApp.", "Prin mail.", "Prin mail."]


def test_a_person_who_mails_from_the_mailbox_takes_no_unit_of_a_phone() -> None:
    mailbox = evolve(a_sender(), channel=Channel.EMAIL_COLD, number="ana@agro.ro")
    known = a_lead(sender=mailbox, contacted=False)

    by_mail = reacted(known, EventType.EXTERNAL_SENT)
    by_phone = reacted(evolve(known, sender=a_sender()), EventType.EXTERNAL_SENT)

    assert by_mail.external is None
    assert by_phone.external is not None


def test_a_reply_to_a_warm_lead_that_came_back_is_a_persons_work() -> None:
    known = a_lead(
        State.WARM_REPLY,
        outbound=evolve(ours(), channel=Channel.EMAIL_WARM),
        other_channels=frozenset({Channel.WHATSAPP, Channel.EMAIL_COLD}),
    )

    change = reacted(known, EventType.BOUNCE)

    assert change.review is not None
    assert change.resolves == ()
    assert change.journey.state is State.WARM_REPLY


def test_a_mail_that_came_back_has_its_step_done_again_where_there_is_a_way() -> None:
    mail = evolve(ours(), channel=Channel.EMAIL_COLD)
    both = frozenset({Channel.WHATSAPP, Channel.EMAIL_COLD})

    change = reacted(a_lead(outbound=mail, other_channels=both), EventType.BOUNCE)

    assert change.resolves == ((mail.attempt, Outcome.REFUSED, "", ""),)
    assert change.review is None


def test_an_answer_the_lead_lacks_a_word_for_is_left_to_the_reviewer() -> None:
    templates = (a_template("reply-interested", "{{cui}}"),)

    change = replied(
        a_lead(), analysed(ReplyIntent.INTERESTED, sentiment=70), templates=templates
    )

    assert change.review is not None
    assert change.review.item.suggested is None


@pytest.mark.parametrize("journey", [{"human_controlled": True}, {"opted_out": True}])
def test_nothing_is_suggested_for_who_gets_nothing_from_a_machine(
    journey: dict[str, Any],
) -> None:
    known = a_lead(State.WARM_REPLY, journey=journey)
    positive = analysed(ReplyIntent.INTERESTED, sentiment=70)

    change = replied(known, positive, templates=(a_template("reply-interested"),))

    assert change.review is not None
    assert change.review.item.suggested is None


def test_templates_that_answer_are_known_by_their_names() -> None:
    named = [
        a_template("reply-interested-2"),
        a_template("reply-not-interested", approved=False),
        a_template("reply-weather"),
        a_template("interested"),
    ]

    found = reply_templates(named)

    assert [(one.name, set(one.intents), one.approved) for one in found] == [
        ("reply-interested-2", {ReplyIntent.INTERESTED}, True),
        ("reply-not-interested", {ReplyIntent.NOT_INTERESTED}, False),
    ]


# --- several messages of one person


def test_several_messages_of_one_person_are_one_item() -> None:
    first = replied(a_lead(), analysed())
    assert first.review is not None
    known = a_lead(State.WARM_REPLY, review=first.review.item)

    second = replied(known, analysed(sentiment=-40), event=EventId(uid(51)))

    assert second.review is not None
    item = second.review.item
    assert item.id == first.review.item.id
    assert item.priority is Priority.URGENT
    assert item.trigger.count("cât costă") == 2
    assert second.review.action == "MESSAGE"
    assert second.review.expected_fingerprint == first.review.item.fingerprint


def test_a_new_message_changes_what_an_approval_is_bound_to() -> None:
    seen = set[str | None]()
    known = a_lead()
    for n in range(4):
        # The same words at the same instant are another message all the same.
        change = replied(known, analysed(), event=EventId(uid(50 + n)))
        assert change.review is not None
        seen.add(change.review.item.fingerprint)
        known = evolve(known, review=change.review.item)

    assert len(seen) == 4
    assert None not in seen


def test_a_new_item_expects_none_and_warns_at_half_of_its_time() -> None:
    change = replied(a_lead(), analysed(ReplyIntent.COMPLAINT))

    assert change.review is not None
    assert change.review.expected_fingerprint is None
    (duty,) = change.duties
    assert (duty.kind, duty.key) == (DutyKind.SLA, str(change.review.item.id))
    assert duty.due_at == NOON + timedelta(minutes=30)
    assert change.review.item.sla_due_at == NOON + timedelta(hours=1)


# --- out of office


AWAY = analysed(ReplyIntent.OUT_OF_OFFICE, resumes_on=date(2026, 3, 13))


def test_an_absence_postpones_the_sequence_and_moves_nothing() -> None:
    known = a_lead()

    change = replied(known, AWAY)

    assert change.journey == known.journey
    assert (change.cancels, change.enrolment, change.review) == ((), None, None)
    assert change.heard is not None
    assert change.heard.type is EventType.AUTO_REPLY
    (later,) = change.postpones
    assert later.until == start_of_day(date(2026, 3, 14), ZONE)


def test_an_absence_without_a_date_lasts_fourteen_days() -> None:
    (later,) = replied(a_lead(), analysed(ReplyIntent.OUT_OF_OFFICE)).postpones

    assert later.until == start_of_day(date(2026, 3, 18), ZONE)


def test_an_absence_never_brings_a_message_forward() -> None:
    due = NOON + timedelta(days=60)

    (later,) = replied(a_lead(waiting=(evolve(waiting(), due_at=due),)), AWAY).postpones

    assert later.until == due


def test_an_absence_does_not_hold_up_what_a_person_approved() -> None:
    reply = waiting(send_class=SendClass.APPROVED, enrolment=None)

    assert replied(a_lead(waiting=(reply,)), AWAY).postpones == ()


@pytest.mark.parametrize(
    "intent",
    [
        ReplyIntent.NEUTRAL,
        ReplyIntent.QUESTION,
        ReplyIntent.INTERESTED,
        ReplyIntent.NOT_INTERESTED,
    ],
)
def test_an_automatic_reply_is_an_absence_whatever_an_analyser_reads_into_it(
    intent: ReplyIntent,
) -> None:
    known = a_lead()

    change = replied(known, analysed(intent), kind=EventType.AUTO_REPLY)

    assert change.journey == known.journey
    assert len(change.postpones) == 1


@pytest.mark.parametrize(
    "intent",
    [ReplyIntent.UNSUBSCRIBE, ReplyIntent.WRONG_PERSON, ReplyIntent.COMPLAINT],
)
def test_an_automatic_reply_that_says_something_is_heard(intent: ReplyIntent) -> None:
    change = replied(a_lead(), analysed(intent), kind=EventType.AUTO_REPLY)

    assert change.postpones == ()
    assert change.suppressions or change.review
