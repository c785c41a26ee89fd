"""From a decision to T1's draft, and from each answer of a provider to T2's result."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from attrs import evolve
from tests.unit.cases import MARGIN, NOON, a_case, a_sender, a_sequence, uid

from outreach.domain.budget import UnitSlot, WarmUp
from outreach.domain.case import Case
from outreach.domain.channel import COLD_STATES, WARM_STATES, Channel, State
from outreach.domain.decision import decide
from outreach.domain.ids import LeadId, TemplateId, attempt_id, step_intent_id
from outreach.domain.message import (
    Accepted,
    Answer,
    Draft,
    NotAccepted,
    Outcome,
    Refusal,
    Refused,
    Result,
    UnknownOutcome,
)
from outreach.domain.outcome import (
    TRIES,
    Ended,
    draft_of,
    limit_of,
    render,
    result_of,
    subject_of,
)
from outreach.domain.review import Priority, ReviewCalendar, ReviewReason
from outreach.domain.sender import SendClass
from outreach.domain.sequence import MessageTemplate
from outreach.domain.template import WHATSAPP_LIMIT, Variable

GAP, WAIT = timedelta(seconds=77), timedelta(seconds=33)
CALENDAR = ReviewCalendar("Europe/Bucharest")


def a_draft(case: Case) -> Draft:
    made = decide(case, NOON, margin=MARGIN)
    assert case.sender is not None
    return draft_of(case, case.sender, made, "Salut!")


def ended(case: Case, answer: Answer) -> Result:
    return result_of(
        case,
        Ended(
            attempt=attempt_id(case.intent.id, 1),
            token=7,
            answer=answer,
            now=NOON,
            gap=GAP,
            wait=WAIT,
            calendar=CALENDAR,
        ),
    )


def tried(times: int) -> Case:
    return a_case(intent=evolve(a_case().intent, attempts=times))


def approved() -> Case:
    intent = evolve(a_case().intent, send_class=SendClass.APPROVED, text="Da.")
    return a_case(intent=intent, contacted=True)


# --- the draft


def test_a_draft_holds_all_that_the_decision_relied_on() -> None:
    case = a_case()

    draft = a_draft(case)

    made = decide(case, NOON, margin=MARGIN)
    assert made.terms is not None
    assert draft.unit == UnitSlot(a_sender().id, date(2026, 3, 4))
    assert draft.valid_until == made.terms.valid_until
    assert draft.states == COLD_STATES | WARM_STATES
    assert draft.lead_version == case.journey.version
    assert draft.addresses == case.addresses
    assert draft.limit == 40
    assert draft.send_class is SendClass.NEW
    assert draft.automatic
    assert draft.parcel.permit.state is State.COLD
    assert (draft.parcel.to, draft.parcel.sender_number) == (
        "+40722999999",
        "+40722000001",
    )


def test_the_next_attempt_has_the_number_after_those_that_were_armed() -> None:
    case = a_case(intent=evolve(a_case().intent, armed=2, attempts=1))

    draft = a_draft(case)

    assert draft.n == 3
    assert draft.parcel.attempt == attempt_id(case.intent.id, 3)


def test_a_follow_up_by_a_new_phone_is_armed_as_a_new_contact() -> None:
    moved = a_case(intent=evolve(a_case().intent, send_class=SendClass.FOLLOWUP))

    assert a_draft(moved).send_class is SendClass.NEW
    assert a_draft(evolve(moved, contacted=True)).send_class is SendClass.FOLLOWUP


def test_a_persons_reply_is_not_stopped_as_automatic_messages_are() -> None:
    assert not a_draft(approved()).automatic


def test_a_decision_not_to_send_makes_no_draft() -> None:
    case = a_case(live="cancelled")
    made = decide(case, NOON, margin=MARGIN)

    with pytest.raises(ValueError, match="decided STOP"):
        draft_of(case, a_sender(), made, "Salut!")


def test_the_limit_is_that_of_the_phones_own_day() -> None:
    ramp = WarmUp(date(2026, 3, 4), days=10, start=5)
    there = a_sender(warm_up=ramp, time_zone="Asia/Tokyo")

    assert limit_of(there, NOON) == 5
    assert limit_of(there, NOON + timedelta(hours=5)) == 5 + 35 // 9


# --- what follows


def test_the_next_step_is_planned_under_its_own_name() -> None:
    case = a_case()

    aftermath = a_draft(case).aftermath

    assert aftermath is not None
    assert aftermath.move_to is State.CONTACTED_WA
    assert aftermath.ends_in is None
    assert aftermath.next_step is not None
    assert case.intent.enrolment is not None
    step = a_sequence().steps[1]
    assert aftermath.next_step.intent == step_intent_id(
        case.intent.tenant, case.intent.enrolment, step.id
    )
    assert aftermath.next_step.delay == step.delay
    assert aftermath.next_step.channel is Channel.WHATSAPP


def test_an_automatic_step_is_planned_on_the_sequences_own_channel() -> None:
    sequence = a_sequence()
    automatic = evolve(sequence.steps[1], channel=None)
    case = a_case(sequence=evolve(sequence, steps=(sequence.steps[0], automatic)))

    aftermath = a_draft(case).aftermath

    assert aftermath is not None
    assert aftermath.next_step is not None
    assert aftermath.next_step.channel is Channel.WHATSAPP


def test_after_the_last_step_the_journey_ends_by_silence() -> None:
    case = a_case(sequence=a_sequence(1))

    aftermath = a_draft(case).aftermath

    assert aftermath is not None
    assert aftermath.next_step is None
    assert aftermath.ends_in == timedelta(days=7)


def test_nothing_follows_a_reply() -> None:
    reply = approved()
    lone = evolve(reply, intent=evolve(reply.intent, enrolment=None))

    aftermath = a_draft(lone).aftermath

    assert aftermath is not None
    assert (aftermath.next_step, aftermath.ends_in) == (None, None)


# --- the text


def test_the_same_lead_step_and_version_give_the_same_text() -> None:
    texts = {render(a_case()) for _ in range(5)}

    assert len(texts) == 1
    assert texts <= {"Salut!", "Bună!"}


def test_a_reply_is_sent_as_the_person_wrote_it() -> None:
    intent = evolve(a_case().intent, text="{asta} nu se schimbă")

    assert render(a_case(intent=intent)) == "{asta} nu se schimbă"


def test_a_lead_that_lacks_what_the_template_needs_has_no_text() -> None:
    template = a_case().template
    assert template is not None
    needs = evolve(template, content="{{cui}}", variables=(Variable("cui"),))

    assert render(a_case(template=needs)) is None
    assert render(a_case(template=None)) is None


def test_a_whatsapp_text_that_is_too_long_is_no_text() -> None:
    template = a_case().template
    assert template is not None
    parts = {f"about{n}": "x" * 400 for n in range(20)}
    names = tuple(Variable(name) for name in parts)
    content = " ".join(f"{{{{{name}}}}}" for name in parts)
    long = evolve(template, content=content, variables=names)

    assert sum(map(len, parts.values())) > WHATSAPP_LIMIT
    assert render(a_case(template=long, fields=parts)) is None


# --- answers


def test_accepted_is_recorded_with_the_providers_ids() -> None:
    result = ended(a_case(), Accepted("m-1", "c-1"))

    assert result.outcome is Outcome.ACCEPTED
    assert (result.ref, result.thread) == ("m-1", "c-1")
    assert (result.gap, result.rest) == (GAP, timedelta())
    assert result.token == 7
    assert result.review is None


def test_what_may_have_been_accepted_is_unknown_and_asks_nobody_yet() -> None:
    result = ended(a_case(), UnknownOutcome("read time-out"))

    assert result.outcome is Outcome.UNKNOWN
    assert result.detail == "read time-out"
    assert result.review is None
    assert result.retry_in == timedelta()


def test_an_invalid_recipient_is_refused_and_gives_its_unit_back() -> None:
    result = ended(a_case(), Refused(Refusal.INVALID_RECIPIENT, "400"))

    assert result.outcome is Outcome.REFUSED
    assert not result.keep_unit
    assert not result.lane_refused
    assert result.review is None


def test_a_message_the_provider_will_not_have_is_shown_to_a_person() -> None:
    result = ended(a_case(), Refused(Refusal.REJECTED, "413 too large"))

    assert result.outcome is Outcome.REFUSED
    assert result.review is not None
    assert result.review.reason is ReviewReason.SEND_FAILED


@pytest.mark.parametrize("kind", Refusal)
def test_a_persons_reply_that_is_refused_goes_back_to_a_person(kind: Refusal) -> None:
    result = ended(approved(), Refused(kind, "400"))

    assert result.review is not None
    assert result.review.lead == a_case().intent.lead


def test_a_phone_that_may_not_write_to_strangers_keeps_the_unit_and_the_message() -> (
    None
):
    result = ended(a_case(), Refused(Refusal.COLD_RESTRICTED, "463"))

    assert result.outcome is Outcome.REFUSED
    assert result.keep_unit
    assert result.review is not None
    assert result.review.trigger == "463"


def test_refused_for_now_uses_no_attempt_and_waits_as_long_as_was_asked() -> None:
    after = timedelta(seconds=90)

    result = ended(a_case(), NotAccepted(lane=True, retry_after=after, detail="429"))

    assert result.outcome is Outcome.RELEASED
    assert result.lane_refused
    assert (result.gap, result.rest) == (GAP, after)
    assert result.review is None


@pytest.mark.parametrize("wait", [WAIT, timedelta(minutes=30)])
def test_refused_for_now_without_a_time_backs_off_but_never_under_the_gap(
    wait: timedelta,
) -> None:
    case = a_case()
    asked = Ended(
        attempt=attempt_id(case.intent.id, 1),
        token=7,
        answer=NotAccepted(lane=True),
        now=NOON,
        gap=GAP,
        wait=wait,
        calendar=CALENDAR,
    )

    assert result_of(case, asked).gap == max(GAP, wait)


def test_a_lane_that_was_told_to_wait_for_nothing_rests_for_its_gap() -> None:
    result = ended(a_case(), NotAccepted(lane=True, retry_after=timedelta()))

    assert (result.gap, result.rest) == (GAP, timedelta())


def test_a_message_that_failed_for_no_clear_reason_is_tried_again_later_and_later() -> (
    None
):
    waits = [ended(tried(n), NotAccepted(lane=False)).retry_in for n in range(4)]

    assert waits == [WAIT * 2**n for n in range(4)]


def test_after_five_such_tries_a_person_looks() -> None:
    fourth = ended(tried(TRIES - 2), NotAccepted(lane=False, detail="400"))
    fifth = ended(tried(TRIES - 1), NotAccepted(lane=False, detail="400"))

    assert TRIES == 5
    assert fourth.review is None
    assert fifth.review is not None
    assert fifth.outcome is Outcome.RELEASED
    assert fifth.review.priority is Priority.MEDIUM
    assert fifth.review.fingerprint


def test_a_sequence_may_have_a_message_tried_less_often() -> None:
    once = a_case(sequence=evolve(a_sequence(), max_attempts=1))

    assert ended(once, NotAccepted(lane=False)).review is not None


def test_a_template_of_another_channel_may_be_longer() -> None:
    template = MessageTemplate(
        id=a_template().id,
        name="mail",
        channel=Channel.EMAIL_COLD,
        content="x" * (WHATSAPP_LIMIT + 1),
    )
    intent = evolve(a_case().intent, channel=Channel.EMAIL_COLD)

    assert render(a_case(intent=intent, template=template)) == template.content
    assert render(a_case(template=template)) is None


def a_template() -> MessageTemplate:
    template = a_case().template
    assert template is not None
    return template


# --- the subject of a mail


def a_mail(subject: str, **fields: str) -> Case:
    plain = a_case()
    template = MessageTemplate(
        id=plain.template.id if plain.template else TemplateId(uid(9)),
        name="mail-1",
        channel=Channel.EMAIL_COLD,
        content="Bună ziua, {{company_name}}!",
        subject=subject,
    )
    intent = evolve(plain.intent, channel=Channel.EMAIL_COLD)
    named = {"company_name": "Agro", **fields}
    to = "ion@agro.ro"
    return evolve(plain, intent=intent, template=template, fields=named, to=to)


def test_a_mail_has_its_subject_in_the_same_language_and_draw() -> None:
    subjects = {
        subject_of(evolve(case, intent=evolve(case.intent, lead=LeadId(uid(n)))))
        for case in [a_mail("{Salut|Bună}, {{company_name}}")]
        for n in range(40)
    }

    first, again = (
        a_draft(a_mail("{Salut|Bună}, {{company_name}}")).parcel for _ in range(2)
    )

    assert subjects == {"Salut, Agro", "Bună, Agro"}
    assert again.subject == first.subject
    assert again.subject in subjects


def test_the_payload_hash_covers_the_subject() -> None:
    one, other = a_draft(a_mail("Salut")).parcel, a_draft(a_mail("Bună")).parcel

    assert one.text == other.text
    assert one.hash != other.hash


def test_a_mail_whose_subject_lacks_a_variable_has_no_text() -> None:
    case = a_mail("Pentru {{county}}")

    assert subject_of(case) is None
    assert render(case) is None


def test_a_message_that_is_no_mail_has_no_subject() -> None:
    assert subject_of(a_case()) == ""
    assert a_draft(a_case()).parcel.subject == ""


def test_a_draft_names_the_text_that_it_is_made_of() -> None:
    case = a_case()
    template = case.template
    assert template is not None

    used = a_draft(case).used
    of_version = a_draft(evolve(case, template=evolve(template, label="B"))).used

    assert used is not None
    assert of_version == evolve(used, label="B")
    assert (used.template, used.label) == (template.id, "A")
    assert used.number == template.version
    assert len(used.variant) == 12


def test_a_frozen_text_is_of_no_template() -> None:
    assert a_draft(approved()).used is None
