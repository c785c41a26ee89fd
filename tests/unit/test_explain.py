"""Decisions in words: every reason, every way a message ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from tests.unit.cases import MARGIN, NOON, a_case, a_sender, uid

from outreach.domain import explain
from outreach.domain.address import phone_key
from outreach.domain.allocation import Shortage, WhyNoRoom
from outreach.domain.blocks import Block
from outreach.domain.budget import WarmUp
from outreach.domain.case import Case, Flip, LaneFacts, Ledger
from outreach.domain.channel import Channel, State
from outreach.domain.decision import Decision, Reason, Verdict, decide
from outreach.domain.journey import DeadCause
from outreach.domain.message import Outcome
from outreach.domain.sender import SendClass, SenderState
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.suppression import (
    Suppression,
    SuppressionReason,
    Switch,
    SwitchScope,
)

ZONE = "Europe/Bucharest"
TODAY = date(2026, 3, 4)
FULL = Ledger(TODAY, used=38, external=2)
LATER = NOON + timedelta(minutes=7)
CASE = a_case()
assert CASE.template is not None
TEMPLATE = CASE.template
REPLY = evolve(CASE.intent, send_class=SendClass.APPROVED, step_number=0)


def switched(scope: SwitchScope, of: str = "") -> dict[str, Any]:
    return {"switches": (Switch(scope, of, "complaints", "ana", NOON),)}


def sentence(case: Case, now: datetime = NOON) -> str:
    return explain.present(case, decide(case, now, margin=MARGIN), ZONE)


def test_a_full_phone_is_told_with_its_use_its_next_morning_and_a_way_out() -> None:
    said = sentence(a_case(ledger=FULL))

    assert said == (
        "Not sent: phone +40722000001 has used 40 of 40 new contacts today, "
        "2 of them by hand; it could go at Thu 5 Mar 2026 09:00 Europe/Bucharest; "
        "raising daily_limit of phone +40722000001 to 41 would let it go now."
    )


def test_where_nothing_is_in_the_way_it_says_so() -> None:
    assert sentence(a_case()) == (
        "Not sent: nothing is in the way; it goes when its sender is next free."
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"live": "CANCELLED"}, "the message waits no longer (CANCELLED)"),
        ({"enrolment": EnrolmentStatus.STOPPED}, "the lead's enrolment is STOPPED"),
        (switched(SwitchScope.ALL), "all sending is stopped (by ana)"),
        (switched(SwitchScope.TENANT), "all sending of this tenant is stopped"),
        (switched(SwitchScope.CHANNEL, "WHATSAPP"), "on WHATSAPP is stopped"),
        (switched(SwitchScope.SENDER, str(uid(1))), f"from sender {uid(1)} is stopped"),
        (
            {
                "journey": evolve(
                    CASE.journey, state=State.DEAD, dead_cause=DeadCause.LOST
                )
            },
            "the lead is DEAD (LOST)",
        ),
        (
            {"journey": evolve(CASE.journey, opted_out=True)},
            "the lead asked not to be contacted again",
        ),
        (
            {
                "suppressions": (
                    Suppression(
                        phone_key("+40722999999"),
                        SuppressionReason.COMPLAINT,
                        "ana",
                        NOON,
                    ),
                )
            },
            "an address of the lead is suppressed (COMPLAINT, by ana)",
        ),
        (
            {"journey": evolve(CASE.journey, human_controlled=True)},
            "a person has taken the conversation over",
        ),
        ({"review_open": True}, "a review item of the lead is open"),
        (
            {"intent": evolve(CASE.intent, channel=Channel.EMAIL_WARM)},
            "the channel is not for a lead that is COLD",
        ),
        ({"to": ""}, "no contact point for it (channel WHATSAPP)"),
        ({"template": None}, "its step has no template for this channel"),
        (
            {"template": evolve(TEMPLATE, approved=False)},
            "template 'first' is not approved",
        ),
        ({"consent": "RO/EMAIL"}, "a consent is needed and there is none"),
        ({"sender": None, "ledger": None}, "no sender with room has taken the lead"),
        (
            {"sender": a_sender(state=SenderState.OFFLINE, state_reason="logged out")},
            "phone +40722000001 is OFFLINE (logged out)",
        ),
        (
            {"sender": a_sender(state=SenderState.REACHOUT_LOCKED, until=LATER)},
            "is REACHOUT_LOCKED until Wed 4 Mar 2026 12:07 Europe/Bucharest",
        ),
        ({"sender": a_sender(enabled=False)}, "phone +40722000001 is disabled"),
        (
            {"intent": evolve(CASE.intent, due_at=LATER)},
            "it is not due before Wed 4 Mar 2026 12:07 Europe/Bucharest",
        ),
        (
            {"lane": LaneFacts(gate_at=NOON, backoff_until=LATER)},
            "the provider asked to wait until Wed 4 Mar 2026 12:07",
        ),
        (
            {"lane": LaneFacts(gate_at=NOON, busy=True)},
            "another call of its sender is under way",
        ),
        (
            {"lane": LaneFacts(gate_at=LATER)},
            "its sender rests between two sends until Wed 4 Mar 2026 12:07",
        ),
        ({"ledger": FULL}, "has used 40 of 40 new contacts today"),
        ({"sender": a_sender(daily_limit=0)}, "may make no new contacts"),
    ],
)
def test_what_is_in_the_way_is_told_in_words(
    changes: dict[str, Any], words: str
) -> None:
    assert words in sentence(a_case(**changes))


def test_outside_working_hours_names_hours_zone_and_country() -> None:
    said = sentence(a_case(), NOON.replace(hour=20))

    assert "outside working hours (09:00-18:00 in Europe/Bucharest" in said
    assert "holidays of RO excepted" in said


def test_the_last_seconds_of_a_phones_day_are_not_called_a_full_day() -> None:
    case = a_case(intent=evolve(REPLY, permission="ana"))

    said = sentence(case, datetime(2026, 3, 4, 21, 59, 57, tzinfo=UTC))

    assert "the day of phone +40722000001 is about to end" in said


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words_of_its_own(reason: Reason) -> None:
    block = Block(reason, (("state", "COLD"),), LATER, Flip("now", None, ""))

    said = explain.because(block, ZONE)

    assert said
    assert "{" not in said
    assert str(reason) not in said


def test_no_two_reasons_are_told_alike() -> None:
    said = [
        explain.because(Block(reason, (), LATER, Flip("now", None, "")), ZONE)
        for reason in Reason
    ]

    assert len(set(said)) == len(said)


def test_more_than_one_rule_is_counted_and_every_change_is_named() -> None:
    case = a_case(ledger=FULL, review_open=True)

    said = sentence(case)

    assert said == (
        "Not sent: a review item of the lead is open; 1 more rule is in the way; "
        "it waits until somebody changes that; resolving the review item and raising "
        "daily_limit of phone +40722000001 to 41 would let it go now."
    )


def test_a_change_that_nobody_can_make_is_not_offered() -> None:
    hard = a_case(sender=a_sender(daily_limit=200), ledger=Ledger(TODAY, used=200))
    cold = a_case()

    assert "would let it go now" not in sentence(hard)
    assert "would let it go now" not in sentence(cold, NOON.replace(hour=20))


def test_only_a_reply_is_offered_a_persons_leave_to_go_outside_hours() -> None:
    reply = a_case(intent=REPLY, contacted=True)

    said = sentence(reply, NOON.replace(hour=20))

    assert said.startswith("The approved reply is not sent: it is outside working")
    assert "a person's leave to write outside working hours would let it go" in said


def test_a_warming_phone_is_offered_the_end_of_its_warm_up() -> None:
    warming = a_sender(warm_up=WarmUp(TODAY, days=10), state=SenderState.WARMING)

    said = sentence(a_case(sender=warming, ledger=Ledger(TODAY, used=15)))

    assert "ending the warm-up of phone +40722000001 would let it go now" in said


@pytest.mark.parametrize(
    ("scope", "of", "command"),
    [
        (SwitchScope.ALL, "", "outreach resume would"),
        (SwitchScope.TENANT, "", "outreach resume --tenant would"),
        (SwitchScope.CHANNEL, "WHATSAPP", "outreach resume --channel WHATSAPP would"),
        (SwitchScope.SENDER, str(uid(1)), f"outreach resume --sender {uid(1)} would"),
    ],
)
def test_a_switch_is_told_with_the_command_that_lifts_it(
    scope: SwitchScope, of: str, command: str
) -> None:
    assert command in sentence(a_case(**switched(scope, of)))


def test_every_switch_in_the_way_must_be_lifted_and_no_other() -> None:
    several = (
        Switch(SwitchScope.CHANNEL, "EMAIL_COLD", "", "ana", NOON),
        Switch(SwitchScope.TENANT, "", "", "ana", NOON),
        Switch(SwitchScope.CHANNEL, "WHATSAPP", "", "ana", NOON),
    )

    said = sentence(a_case(switches=several))

    assert said.endswith(
        "outreach resume --tenant and outreach resume --channel WHATSAPP "
        "would let it go now."
    )


def test_a_message_that_is_stopped_for_good_is_said_to_be() -> None:
    lost = evolve(CASE.journey, state=State.DEAD, dead_cause=DeadCause.LOST)

    said = sentence(a_case(journey=lost))

    assert "it will never go as things stand" in said
    assert "would let it go now" not in said


def test_a_follow_up_is_named_by_its_step() -> None:
    case = a_case(intent=evolve(CASE.intent, step_number=2, due_at=LATER))

    assert sentence(case).startswith("Step 2 is not sent: it is not due before")


def made(case: Case) -> Decision:
    return decide(case, NOON, margin=MARGIN)


def test_a_recorded_send_says_what_it_cost_and_what_became_of_it() -> None:
    said = explain.past(1, made(a_case()), "ACCEPTED", ZONE)

    assert said == (
        "Wed 4 Mar 2026 12:00 Europe/Bucharest: every rule let step 1 go, as a new "
        "contact of its phone on 2026-03-04; the provider accepted it."
    )


def test_a_recorded_send_says_through_whom_it_went() -> None:
    mail = made(a_case(contacted=True))

    said = explain.past(0, mail, "RELEASED", ZONE, "resend, ana@agro.ro")

    assert said == (
        "Wed 4 Mar 2026 12:00 Europe/Bucharest: every rule let the reply go through "
        "resend, ana@agro.ro; the provider did not take it then."
    )


def test_a_recorded_refusal_says_why() -> None:
    said = explain.past(1, made(a_case(ledger=FULL)), "", ZONE)

    assert "step 1 was put off: phone +40722000001 has used 40 of 40" in said


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_words(outcome: Outcome) -> None:
    said = explain.past(0, made(a_case(contacted=True)), str(outcome), ZONE)

    assert "every rule let the reply go; " in said
    assert str(outcome) not in said


def test_a_lead_that_was_written_to_is_told_as_sent_and_why_it_ended() -> None:
    pasts = [
        (1, made(a_case()), "RELEASED"),
        (1, made(a_case()), "ACCEPTED"),
        (2, made(a_case(ledger=FULL)), ""),
    ]

    said = explain.ended("REPLIED", pasts, ZONE)

    assert said == (
        "Sent: step 1 on Wed 4 Mar 2026 12:00 Europe/Bucharest, because every rule "
        "let it go; nothing more waits: the lead answered."
    )


def test_a_send_whose_answer_was_lost_is_not_told_as_certain() -> None:
    said = explain.ended("COMPLETED", [(1, made(a_case()), "UNKNOWN")], ZONE)

    assert "the answer was lost; it is looked up, never sent again" in said


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("never enrolled", "the lead was never enrolled"),
        ("NO_CHANNEL", "it has no contact point"),
        (
            "NO_CONSENT",
            "nothing waits: its country asks for a consent, and none is on record",
        ),
        ("SOMETHING_NEW", "the run ended (SOMETHING_NEW)"),
    ],
)
def test_a_lead_that_got_nothing_is_told_why(why: str, words: str) -> None:
    said = explain.ended(why, [], ZONE)

    assert said.startswith("Not sent, and nothing waits: ")
    assert words in said


def test_a_verdict_that_lets_it_go_is_never_told_as_a_refusal() -> None:
    sent = made(a_case())

    assert sent.verdict is Verdict.SEND
    assert "not due" not in explain.past(1, sent, "CALLING", ZONE)


MIDNIGHT = datetime(2026, 3, 4, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shortage", "words"),
    [
        (
            Shortage(WhyNoRoom.CAPACITY, most=97, followups=4, until=MIDNIGHT),
            (
                "the phones take no more new contacts today than they can follow up "
                "(97 a day each, with 4 follow-ups); it could go at Thu 5 Mar 2026 "
                "09:00 Europe/Bucharest"
            ),
        ),
        (
            Shortage(WhyNoRoom.LIMIT, until=MIDNIGHT),
            (
                "all have their new contacts of today, by their limits or budgets; "
                "it could go at Thu 5 Mar 2026 09:00 Europe/Bucharest"
            ),
        ),
        (Shortage(WhyNoRoom.NO_PHONE), "no phone may start conversations"),
        (None, "no sender with room has taken the lead yet; it goes on by itself"),
    ],
)
def test_a_lead_without_a_phone_is_told_what_binds(
    shortage: Shortage | None, words: str
) -> None:
    case = a_case(sender=None, lane=None, ledger=None, shortage=shortage)

    decision = decide(case, NOON, margin=MARGIN)

    assert decision.binding is Reason.UNALLOCATED
    assert words in sentence(case)
