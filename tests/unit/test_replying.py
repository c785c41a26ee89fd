"""When an answer goes out without a person, and when it does not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve
from tests.unit.test_reaction import (
    CALENDAR,
    EVENT,
    a_lead,
    a_template,
    an_event,
    analysed,
)

from outreach.domain.analysis import Analysis, Doubt, ReplyIntent
from outreach.domain.change import Change, Known
from outreach.domain.channel import Channel
from outreach.domain.drafting import Draft
from outreach.domain.event import EventType
from outreach.domain.ids import ReviewId
from outreach.domain.reaction import react
from outreach.domain.replying import Received, drafts_from
from outreach.domain.review import Priority, ReviewItem, ReviewReason
from outreach.domain.sender import SendClass
from outreach.domain.sequence import MessageTemplate

GLAD = analysed(ReplyIntent.INTERESTED, sentiment=70)
WELCOME = evolve(a_template("reply-interested", "Mulțumim!"), language="ro")
ASKED = evolve(a_template("reply-question", "Revenim."), language="ro")
SECRET = evolve(
    a_template("reply-interested-soon", "Nu încă."), language="ro", approved=False
)
ALL = (WELCOME, ASKED, SECRET)


def received(
    analysis: Analysis = GLAD,
    *,
    kind: EventType = EventType.REPLY,
    templates: tuple[MessageTemplate, ...] = ALL,
    draft: Draft | None = None,
    unattended: bool = True,
    **event: Any,
) -> Received:
    said = an_event(kind, content="Da, sună bine.", **event)
    plain = Received(EVENT, said, analysis, templates, CALENDAR)
    return evolve(plain, draft=draft, unattended=unattended)


def answers(change: Change) -> list[str]:
    return [one.text for one in change.plans]


def in_review(known: Known) -> Known:
    item = ReviewItem(
        id=ReviewId(UUID(int=77)),
        tenant=known.tenant,
        lead=known.journey.lead,
        reason=ReviewReason.MANUAL_FLAG,
        priority=Priority.LOW,
        opened_at=known.now,
        sla_due_at=known.now + timedelta(days=3),
    )
    return evolve(known, review=item)


def test_a_glad_reply_is_answered_after_half_a_minute() -> None:
    known = a_lead()

    change = react(known, received())

    (answer,) = change.plans
    assert answer.send_class is SendClass.AI
    assert answer.text == "Mulțumim!"
    assert answer.due_at == known.now + timedelta(seconds=30)
    assert answer.review is None
    assert change.review is None


def test_the_same_reply_is_answered_by_the_same_message() -> None:
    first, second = (react(a_lead(), received()).plans for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    "change",
    [
        {"unattended": False},
        {"channel": Channel.EMAIL_WARM},
        {"draft": Draft(doubt=Doubt.TIMED_OUT)},
        {"draft": Draft("reply-interested", {"contact_name": "Ana"})},
        {"draft": Draft(None, {}, "Vă mulțumim.")},
        {"analysis": evolve(GLAD, doubt=Doubt.INCONSISTENT)},
        {"analysis": evolve(GLAD, also=(ReplyIntent.OUT_OF_OFFICE,))},
        {"analysis": evolve(GLAD, sentiment=49)},
        {"analysis": evolve(GLAD, confidence=0.69)},
        {"analysis": evolve(GLAD, down=True)},
        {"templates": (SECRET, ASKED)},
        {"templates": (evolve(WELCOME, content="{{cui}}"),)},
    ],
)
def test_with_any_doubt_a_person_is_asked_and_nothing_goes_out(
    change: dict[str, Any],
) -> None:
    made = react(a_lead(), received(**change))

    assert answers(made) == []
    assert made.review is not None


@pytest.mark.parametrize("analysis", [GLAD, evolve(GLAD, sentiment=100)])
def test_a_machine_is_never_answered(analysis: Analysis) -> None:
    made = react(a_lead(), received(analysis, kind=EventType.AUTO_REPLY))

    assert answers(made) == []


@pytest.mark.parametrize(
    "known",
    [
        in_review(a_lead()),
        a_lead(number=""),
        a_lead(ai_replies_today=2),
    ],
    ids=["a person is at work", "no number", "twice today"],
)
def test_a_lead_that_is_a_persons_is_left_to_them(known: Known) -> None:
    made = react(known, received())

    assert answers(made) == []
    assert made.review is not None


@pytest.mark.parametrize(
    "name", ["reply-interested-soon", "reply-question", "first", "none"]
)
def test_a_draft_chooses_only_what_triage_would_have_offered(name: str) -> None:
    made = react(a_lead(), received(draft=Draft(name)))

    assert answers(made) == []
    assert made.review is not None
    assert made.review.item.suggested == "Mulțumim!"


def test_only_what_triage_would_choose_is_drafted_from() -> None:
    request = drafts_from(a_lead(), received())
    gone = drafts_from(a_lead(), received(evolve(GLAD, sentiment=-1)))
    stop = drafts_from(a_lead(), received(analysed(ReplyIntent.UNSUBSCRIBE)))

    assert request is not None
    assert [one.name for one in request.offered] == ["reply-interested"]
    assert gone is stop is None
