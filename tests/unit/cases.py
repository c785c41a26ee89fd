"""A case that may be sent, for tests that then take one thing away."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import evolve

from outreach.domain.address import phone_key
from outreach.domain.case import Case, LaneFacts, Ledger
from outreach.domain.channel import Channel
from outreach.domain.ids import (
    AccountId,
    EnrolmentId,
    IntentId,
    LeadId,
    SenderId,
    SequenceId,
    StepId,
    TemplateId,
    TenantId,
)
from outreach.domain.journey import Journey
from outreach.domain.message import Intent
from outreach.domain.sender import SendClass, Sender
from outreach.domain.sequence import EnrolmentStatus, MessageTemplate, Sequence, Step
from outreach.domain.window import Window

__all__ = ["MARGIN", "NOON", "a_case", "a_sender", "a_sequence", "uid"]

MARGIN = timedelta(seconds=5)
NOON = datetime(2026, 3, 4, 10, tzinfo=UTC)
"""A Wednesday, 12:00 in Bucharest."""


def uid(n: int) -> UUID:
    return UUID(int=n)


def a_sender(**changes: Any) -> Sender:
    sender = Sender(
        id=SenderId(uid(1)),
        tenant=TenantId(uid(2)),
        account=AccountId(uid(3)),
        provider="timelinesai",
        number="+40722000001",
        time_zone="Europe/Bucharest",
        daily_limit=40,
    )
    return evolve(sender, **changes)


def a_sequence(steps: int = 2) -> Sequence:
    return Sequence(
        id=SequenceId(uid(4)),
        name="intro",
        primary_channel=Channel.WHATSAPP,
        steps=tuple(
            Step(
                id=StepId(uid(100 + n)),
                number=n,
                channel=Channel.WHATSAPP,
                delay=timedelta(hours=20 * (n - 1)),
                template="first",
            )
            for n in range(1, steps + 1)
        ),
    )


def a_case(**changes: Any) -> Case:
    intent = Intent(
        id=IntentId(uid(5)),
        tenant=TenantId(uid(2)),
        lead=LeadId(uid(6)),
        send_class=SendClass.NEW,
        channel=Channel.WHATSAPP,
        due_at=NOON - timedelta(hours=1),
        enrolment=EnrolmentId(uid(7)),
        step=StepId(uid(101)),
        step_number=1,
    )
    case = Case(
        intent=intent,
        journey=Journey(lead=LeadId(uid(6)), version=1),
        window=Window(zones=("Europe/Bucharest",), country="RO"),
        sender=a_sender(),
        lane=LaneFacts(gate_at=NOON - timedelta(minutes=1)),
        ledger=Ledger(day=date(2026, 3, 4), used=3),
        contacted=False,
        to="+40722999999",
        addresses=(phone_key("+40722999999"),),
        fields={"contact_name": "Ana"},
        enrolment=EnrolmentStatus.ACTIVE,
        sequence=a_sequence(),
        template=MessageTemplate(
            id=TemplateId(uid(8)),
            name="first",
            channel=Channel.WHATSAPP,
            content="{Salut|Bună}!",
        ),
    )
    return evolve(case, **changes)
