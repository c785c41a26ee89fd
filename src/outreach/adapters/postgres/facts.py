"""Documents of the SQL functions to facts of the domain."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from outreach.adapters.postgres.docs import (
    hosting,
    plan_of,
    standing,
    times,
)
from outreach.adapters.postgres.introductions import intro
from outreach.adapters.postgres.remembered import REMEMBERED, known_id, remembered
from outreach.adapters.postgres.texts import template
from outreach.domain.address import AddressKey, AddressKind, email_keys, phone_key
from outreach.domain.auditing import SendFact
from outreach.domain.budget import WarmUp
from outreach.domain.case import Case, LaneFacts, Ledger
from outreach.domain.channel import Channel, State
from outreach.domain.consent import OPEN, Policy
from outreach.domain.ids import (
    AccountId,
    AttemptId,
    CampaignId,
    EnrolmentId,
    IntentId,
    LeadId,
    ReviewId,
    SenderId,
    SequenceId,
    StepId,
    TemplateId,
    TenantId,
)
from outreach.domain.intro import Intro
from outreach.domain.journey import DeadCause, Journey
from outreach.domain.limits import Limits
from outreach.domain.message import Intent
from outreach.domain.pacing import Pacing
from outreach.domain.routing import Ways
from outreach.domain.sender import SendClass, Sender, SenderState
from outreach.domain.sequence import (
    EnrolmentStatus,
    MessageTemplate,
    Sequence,
    Step,
)
from outreach.domain.suppression import (
    Suppression,
    SuppressionReason,
    Switch,
    SwitchScope,
)
from outreach.domain.window import Hours, Window

__all__ = [
    "case",
    "intent",
    "journey",
    "known_id",
    "lead_fields",
    "sender",
    "sequence",
    "suppression",
    "switch",
    "template",
]

Doc = Mapping[str, Any]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def intent(doc: Doc) -> Intent:
    """A message, from ``case_doc`` or ``known_doc``."""
    enrolment, step, item = doc["enrolment"], doc["step"], doc["review"]
    return Intent(
        id=IntentId(UUID(doc["id"])),
        tenant=TenantId(known_id(doc["tenant"])),
        lead=LeadId(UUID(doc["lead"])),
        send_class=SendClass(doc["class"]),
        channel=Channel(doc["channel"]),
        due_at=_at(doc["due_at"]),
        enrolment=None if enrolment is None else EnrolmentId(UUID(enrolment)),
        step=None if step is None else StepId(known_id(step)),
        step_number=doc["number"],
        review=None if item is None else ReviewId(UUID(item)),
        text=doc["text"],
        subject=doc["subject"],
        permission=doc["permission"],
        attempts=doc["attempts"],
        armed=doc.get("last_n", 0),
    )


def journey(doc: Doc) -> Journey:
    """From ``journey_doc``."""
    preferred, last = doc["preferred"], doc["last_channel"]
    before, cause = doc["state_before"], doc["dead_cause"]
    return Journey(
        lead=LeadId(UUID(doc["lead"])),
        state=State(doc["state"]),
        state_before=None if before is None else State(before),
        changed_at=times(doc["changed_at"]),
        reason=doc["reason"],
        dead_cause=None if cause is None else DeadCause(cause),
        opted_out=doc["opted_out"],
        opted_out_at=times(doc["opted_out_at"]),
        closed_channels=frozenset(map(Channel, doc["closed"])),
        human_controlled=doc["human"],
        phone=_sender_id(doc["phone"]),
        mailbox=_sender_id(doc["mailbox"]),
        warm_mailbox=_sender_id(doc["warm_mailbox"]),
        preferred_channel=None if preferred is None else Channel(preferred),
        last_channel=None if last is None else Channel(last),
        first_contact_at=times(doc["first_contact_at"]),
        last_contact_at=times(doc["last_contact_at"]),
        last_reply_at=times(doc["last_reply_at"]),
        converted_at=times(doc["converted_at"]),
        reply_count=doc["replies"],
        sentiment=doc["sentiment"],
        version=doc["version"],
    )


def _sender_id(text: str | None) -> SenderId | None:
    return None if text is None else SenderId(known_id(text))


@remembered
def sender(doc: Doc) -> Sender:
    """From ``sender_doc``."""
    warm_up = None
    if doc["warm_days"] and doc["warm_began"]:
        began = date.fromisoformat(doc["warm_began"])
        warm_up = WarmUp(began, doc["warm_days"], doc["warm_start"])
    return Sender(
        id=SenderId(known_id(doc["id"])),
        tenant=TenantId(known_id(doc["tenant"])),
        account=AccountId(known_id(doc["account"])),
        provider=doc["provider"],
        number=doc["number"],
        time_zone=doc["zone"],
        channel=Channel(doc["channel"]),
        answers=doc["answers"],
        label=doc["label"],
        account_ref=doc["ref"],
        daily_limit=doc["limit"],
        priority=doc["priority"],
        enabled=doc["enabled"],
        state=SenderState(doc["state"]),
        state_before=SenderState(doc["before"]),
        state_reason=doc["reason"],
        until=times(doc["until"]),
        warm_up=warm_up,
        pacing=Pacing(
            timedelta(seconds=float(doc["gap"])),
            timedelta(seconds=float(doc["jitter"])),
        ),
        limits=Limits(**doc["limits"]),
    )


@remembered
def sequence(doc: Doc) -> Sequence:
    """From ``sequence_doc``."""
    fallback = doc["fallback"]
    return Sequence(
        id=SequenceId(known_id(doc["id"])),
        name=doc["name"],
        primary_channel=Channel(doc["primary"]),
        steps=tuple(_step(step) for step in doc["steps"]),
        fallback_channel=None if fallback is None else Channel(fallback),
        description=doc["description"],
        respect_hours=doc["respect_hours"],
        time_zone=doc["time_zone"],
        stop_on_reply=doc["stop_on_reply"],
        stop_on_bounce=doc["stop_on_bounce"],
        max_attempts=doc["max_attempts"],
        silence=timedelta(seconds=float(doc["silence"])),
        version=doc["version"],
    )


def _step(doc: Doc) -> Step:
    channel = doc["channel"]
    return Step(
        id=StepId(known_id(doc["id"])),
        number=doc["number"],
        channel=None if channel is None else Channel(channel),
        delay=timedelta(seconds=doc["delay"]),
        template=doc["template"],
        fallback_template=doc["fallback"],
        skip_if_replied=doc["skip_replied"],
        skip_if_opened=doc["skip_opened"],
    )


def suppression(doc: Doc) -> Suppression:
    """From a row of suppressions."""
    return Suppression(
        key=AddressKey(AddressKind(doc["kind"]), doc["value"]),
        reason=SuppressionReason(doc["reason"]),
        by=doc["by"],
        at=_at(doc["at"]),
        everywhere=doc["everywhere"],
    )


def switch(doc: Doc) -> Switch:
    """From a row of switches."""
    return Switch(
        SwitchScope(doc["scope"]), doc["of"], doc["reason"], doc["by"], _at(doc["at"])
    )


def send_fact(doc: Doc, hours: Hours) -> SendFact:
    """From ``audit_sends``; the window carries no holidays."""
    window = Window(tuple(doc["zones"]), hours=hours, country=doc["country"])
    return SendFact(
        AttemptId(UUID(doc["attempt"])),
        SenderId(UUID(doc["sender"])),
        _at(doc["called_at"]),
        window,
    )


def case(doc: Doc, hours: Hours, policy: Policy = OPEN) -> Case:
    """From ``case_doc``; the window carries no holidays yet.

    Args:
        policy: what a lead must have agreed to.
    """
    wanted = intent(doc["intent"])
    phones = [p["value"] for p in doc["points"] or () if p["kind"] == "phone"]
    mails = [p["value"] for p in doc["points"] or () if p["kind"] == "email"]
    ways = Ways.of(
        phones[0] if phones else "",
        doc["lead"]["phone_status"],
        mails[0] if mails else "",
        doc["lead"]["email_status"],
        frozenset(map(Channel, doc["channels"] or ())),
    )
    enrolment, plan, text = doc["enrolment"], doc["sequence"], doc["template"]
    said = (
        None
        if text is None
        else template(text).for_lead(
            wanted.lead, (doc["had"] or {}).get(text["id"], "")
        )
    )
    proposed = _proposed(doc["intros"], said)
    return Case(
        intent=wanted,
        journey=journey(doc["journey"]),
        window=_window(tuple(doc["zones"] or ("UTC",)), hours, doc["country"] or ""),
        sender=None if doc["sender"] is None else sender(doc["sender"]),
        lane=None if doc["lane"] is None else _lane(doc["lane"]),
        ledger=None if doc["ledger"] is None else _ledger(doc["ledger"]),
        contacted=doc["contacted"],
        to=ways.to(wanted.channel),
        thread=doc["thread"],
        addresses=tuple(map(phone_key, phones))
        + tuple(key for mail in mails for key in email_keys(mail)),
        fields=lead_fields(doc["lead"], phones, mails),
        enrolment=None if enrolment is None else EnrolmentStatus(enrolment),
        campaign=_campaign(doc["campaign"]),
        sequence=None if plan is None else sequence(plan),
        template=said,
        intro="" if proposed is None else proposed.said,
        proposed=proposed,
        suppressions=tuple(map(suppression, doc["suppressions"])),
        switches=tuple(map(switch, doc["switches"])),
        review_open=doc["review_open"],
        live=doc["live"],
        ways=ways,
        hosting=None if doc["hosting"] is None else hosting(doc["hosting"]),
        consent=policy.lacks(wanted.channel, standing(doc, [ways.to(wanted.channel)])),
    )


def _proposed(docs: list[Doc] | None, text: MessageTemplate | None) -> Intro | None:
    """The intro of the text that the lead gets."""
    if text is None:
        return None
    found = [intro(one) for one in docs or ()]
    ours = [one for one in found if (one.template, one.version) == _number(text)]
    return ours[0] if ours else None


def _number(text: MessageTemplate) -> tuple[TemplateId, int]:
    return text.id, text.version


def _campaign(text: str | None) -> CampaignId | None:
    return None if text is None else CampaignId(UUID(text))


@lru_cache(maxsize=REMEMBERED)
def _window(zones: tuple[str, ...], hours: Hours, country: str) -> Window:
    return Window(zones, hours, country=country)


def _lane(doc: Doc) -> LaneFacts:
    gate = times(doc["gate_at"])
    return LaneFacts(
        gate or datetime.min.replace(tzinfo=UTC),
        times(doc["backoff"]),
        doc["busy"],
        None if doc["plan"] is None else plan_of(doc["plan"]),
    )


def _ledger(doc: Doc) -> Ledger:
    day = date.fromisoformat(doc["day"])
    return Ledger(day, doc["used"], doc["external"], doc["budgets"])


def lead_fields(lead: Doc, phones: list[str], mails: list[str]) -> dict[str, str]:
    """Variables for templates, from ``lead_doc``."""
    named = {
        name: value
        for name, value in lead.items()
        if isinstance(value, str) and name != "custom"
    }
    return {
        **lead["custom"],
        **named,
        "phone": phones[0] if phones else "",
        "email": mails[0] if mails else "",
        "tags": ", ".join(lead["tags"]),
    }
