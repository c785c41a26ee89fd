"""Invented facts for the contract suites: leads, sequences, runs, arrivals, items."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from outreach.domain.address import AddressKey
from outreach.domain.channel import Channel
from outreach.domain.event import Arrival, EventType
from outreach.domain.ids import (
    EnrolmentId,
    LeadId,
    ReviewId,
    SequenceId,
    StepId,
    TemplateId,
    TenantId,
    step_intent_id,
)
from outreach.domain.lead import Email, NewLead, Phone
from outreach.domain.message import Intent
from outreach.domain.new_sender import NewSender
from outreach.domain.review import Priority, ReviewItem, ReviewReason
from outreach.domain.sender import SendClass
from outreach.domain.sequence import MessageTemplate, Step
from outreach.domain.sequence import Sequence as Steps
from outreach.ports.campaigns import NewEnrolment

__all__ = [
    "ACCOUNT",
    "PROVIDER",
    "START",
    "ZONE",
    "arrival",
    "enrolment",
    "item",
    "new_lead",
    "new_mailbox",
    "new_phone",
    "sequence",
    "texts",
]

START: Final = datetime(2026, 3, 2, 8, tzinfo=UTC)
"""Engine time when a test begins: a Monday, 10:00 in `ZONE`, the window is open."""
ZONE: Final = "Europe/Bucharest"
PROVIDER: Final = "timelinesai"
ACCOUNT: Final = "default"

_FIRST_PHONE: Final = 740_000_000
_FIRST_LEAD: Final = 721_000_000


def new_phone(number: int) -> NewSender:
    """A WhatsApp phone."""
    return NewSender(
        number=f"+40{_FIRST_PHONE + number}",
        provider=PROVIDER,
        time_zone=ZONE,
        provider_account=ACCOUNT,
    )


def new_mailbox(number: int) -> NewSender:
    """A mailbox of cold mail, which rests as a phone does and has no daily total."""
    return NewSender(
        number=f"ana{number}@agro.ro",
        provider="smtp",
        time_zone=ZONE,
        channel=Channel.EMAIL_COLD,
        provider_account=ACCOUNT,
    )


def new_lead(number: int, *, mail: bool = False) -> NewLead:
    """A clean row with a phone, and with an address if *mail* is set."""
    phone = Phone(f"+40{_FIRST_LEAD + number}", "RO", (ZONE,), mobile=True)
    address = Email(f"ion@firma{number}.ro", role=False, country="RO")
    return NewLead(
        row=number,
        company_name=f"Agro {number} SRL",
        contact_name=f"Ion {number}",
        phones=(phone,),
        emails=(address,) if mail else (),
        time_zone=ZONE,
        country="RO",
        language="ro",
    )


def sequence(
    many: int = 2,
    *,
    name: str = "agri",
    channel: Channel = Channel.WHATSAPP,
    fallback: Channel | None = None,
) -> Steps:
    """A sequence on one channel, each step with a text for the one to fall back to;
    each further step two days after the last.
    """
    return Steps(
        id=SequenceId(uuid4()),
        name=name,
        primary_channel=channel,
        fallback_channel=fallback,
        steps=tuple(
            Step(
                id=StepId(uuid4()),
                number=number,
                channel=channel,
                delay=timedelta(days=2) if number > 1 else timedelta(),
                template=f"{name}-{number}",
                fallback_template=f"{name}-{number}-other" if fallback else None,
            )
            for number in range(1, many + 1)
        ),
    )


def texts(steps: Steps) -> list[MessageTemplate]:
    """A template for each step and each of its channels."""
    return [
        MessageTemplate(
            id=TemplateId(uuid4()),
            name=name,
            channel=channel,
            content=f"{{{{company_name}}}}, pasul {step.number}",
            subject=""
            if channel is Channel.WHATSAPP
            else "{{company_name}}: o întrebare",
        )
        for step in steps.steps
        for channel, name in steps.texts(step).items()
    ]


def enrolment(
    tenant: TenantId, lead: LeadId, steps: Steps, due: datetime
) -> NewEnrolment:
    """A run whose first message is due then."""
    run = EnrolmentId(uuid4())
    first = steps.steps[0]
    return NewEnrolment(
        id=run,
        lead=lead,
        zones=(ZONE,),
        country="RO",
        zones_why="the lead's own zone",
        first=Intent(
            id=step_intent_id(tenant, run, first.id),
            tenant=tenant,
            lead=lead,
            send_class=SendClass.NEW,
            channel=first.channel or steps.primary_channel,
            due_at=due,
            enrolment=run,
            step=first.id,
            step_number=1,
        ),
    )


def arrival(
    key: str,
    *,
    address: AddressKey | None = None,
    kind: EventType = EventType.REPLY,
) -> Arrival:
    """What a webhook brought."""
    return Arrival(
        provider=PROVIDER,
        account=ACCOUNT,
        raw=f'{{"key": "{key}"}}'.encode(),
        key=key,
        type=kind,
        address=address,
        received_at=START,
    )


def item(
    tenant: TenantId,
    lead: LeadId,
    now: datetime,
    priority: Priority = Priority.MEDIUM,
) -> ReviewItem:
    """A review item that is due in a day."""
    return ReviewItem(
        id=ReviewId(uuid4()),
        tenant=tenant,
        lead=lead,
        reason=ReviewReason.MANUAL_FLAG,
        priority=priority,
        opened_at=now,
        sla_due_at=now + timedelta(days=1),
        trigger="Cât costă?",
    )
