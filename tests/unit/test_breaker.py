"""When a campaign's mail does so badly that nothing more may be added to it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import evolve
from tests.unit.cases import MARGIN, NOON, a_case, uid

from outreach.domain.breaker import Level, MailCounts, judged
from outreach.domain.case import flip
from outreach.domain.channel import Channel
from outreach.domain.decision import Reason, Verdict, decide
from outreach.domain.ids import CampaignId
from outreach.domain.suppression import Switch, SwitchScope, breaker_of, stopped_by

FINE, WARN, PAUSE = Level.FINE, Level.WARN, Level.PAUSE
CAMPAIGN = CampaignId(uid(70))


@pytest.mark.parametrize(
    ("bounced", "sent", "level"),
    [
        (49, 49, FINE),  # not enough was sent to say anything
        (0, 50, FINE),
        (1, 50, WARN),  # exactly 2 %
        (19, 1_000, FINE),
        (20, 1_000, WARN),
        (30, 1_000, WARN),  # exactly 3 % is not above it
        (31, 1_000, PAUSE),
        (2, 50, PAUSE),
        (50, 50, PAUSE),
    ],
)
def test_permanent_bounces_over_mails_sent(
    bounced: int, sent: int, level: Level
) -> None:
    found = judged(MailCounts(sent=sent, bounced=bounced))

    assert found.bounces is level
    assert found.complaints is FINE
    assert found.opens is (level is PAUSE)


@pytest.mark.parametrize(
    ("complained", "delivered", "level"),
    [
        (999, 999, FINE),  # not enough was delivered for a rate
        (1, 1_000, FINE),  # one person is not a rate
        (2, 1_000, WARN),
        (2, 2_000, WARN),  # exactly 0.1 %
        (2, 2_001, FINE),
        (3, 1_000, PAUSE),  # exactly 0.3 %
        (3, 1_001, WARN),
    ],
)
def test_complaints_over_mails_delivered(
    complained: int, delivered: int, level: Level
) -> None:
    counts = MailCounts(sent=5_000, complained=complained, delivered=delivered)

    found = judged(counts)

    assert found.complaints is level
    assert found.bounces is FINE
    assert found.opens is (level is PAUSE)


def test_what_is_said_has_the_figures_and_nobody_in_it() -> None:
    said = judged(MailCounts(sent=100, bounced=4, complained=1, delivered=90)).says

    assert "4 of 100 mails bounced" in said
    assert "1 of 90 delivered" in said


def _open(campaign: CampaignId = CAMPAIGN, by: str = "ana") -> Switch:
    at = datetime(2026, 3, 4, tzinfo=UTC)
    return Switch(SwitchScope.CAMPAIGN, str(campaign), "4 of 100", by, at)


def test_an_open_breaker_holds_the_messages_of_its_campaign() -> None:
    case = a_case(campaign=CAMPAIGN, switches=(_open(),))

    made = decide(case, NOON, margin=MARGIN)

    assert (made.verdict, made.binding) == (Verdict.HOLD, Reason.BREAKER_OPEN)
    assert made.earliest is None


def test_one_that_its_mail_opened_lets_other_messages_go() -> None:
    opened = _open(by="engine")
    case = a_case(campaign=CAMPAIGN, switches=(opened,))

    made = decide(case, NOON, margin=MARGIN)

    assert made.verdict is Verdict.SEND
    assert breaker_of((opened,), CAMPAIGN, Channel.EMAIL_COLD) == opened
    assert breaker_of((opened,), CAMPAIGN, Channel.WHATSAPP) is None


def test_it_stops_nobody_else() -> None:
    others = (CampaignId(uid(71)), None)

    verdicts = [
        decide(a_case(campaign=one, switches=(_open(),)), NOON, margin=MARGIN).verdict
        for one in others
    ]

    assert verdicts == [Verdict.SEND, Verdict.SEND]


def test_closing_it_is_the_smallest_change_that_lets_the_message_go() -> None:
    case = a_case(campaign=CAMPAIGN, switches=(_open(),))
    made = decide(case, NOON, margin=MARGIN)
    (change,) = made.flips

    after = decide(flip(case, change), NOON, margin=MARGIN)

    assert "outreach resume --campaign" in change.says
    assert after.verdict is Verdict.SEND


def test_a_breaker_is_no_kill_switch_of_a_sender_or_a_channel() -> None:
    case = a_case()
    sender = case.sender
    assert sender is not None
    odd = evolve(_open(), of=str(sender.id))

    stopped = stopped_by((odd,), case.intent.channel, sender.id)

    assert stopped is None
    assert breaker_of((odd,), CAMPAIGN) is None
    assert breaker_of((_open(),), CAMPAIGN) == _open()
