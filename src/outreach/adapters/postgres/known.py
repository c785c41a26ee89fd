"""A lead as it stands, from the document that functions/journeys.sql makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from outreach.adapters.postgres.docs import review
from outreach.adapters.postgres.facts import (
    intent,
    journey,
    known_id,
    lead_fields,
    sender,
)
from outreach.domain.change import Known, Outbound, Wrote
from outreach.domain.channel import Channel
from outreach.domain.ids import (
    AttemptId,
    CampaignId,
    EnrolmentId,
    IntentId,
    LeadId,
    SenderId,
    SequenceId,
    TenantId,
)
from outreach.domain.message import MessageStatus, Outcome
from outreach.domain.sequence import Enrolment, EnrolmentStatus

__all__ = ["known"]

Doc: TypeAlias = Mapping[str, Any]


def known(doc: Doc) -> Known:
    """From ``known_doc``."""
    run, out, ours = doc["enrolment"], doc["outbound"], doc["sender"]
    return Known(
        tenant=TenantId(known_id(doc["tenant"])),
        now=datetime.fromisoformat(doc["now"]),
        journey=journey(doc["journey"]),
        enrolment=None if run is None else _enrolment(run),
        waiting=tuple(map(intent, doc["waiting"])),
        review=None if doc["review"] is None else review(doc["review"]),
        outbound=None if out is None else _outbound(out),
        sender=None if ours is None else sender(ours),
        contacted=doc["contacted"],
        number=doc["number"],
        email=doc["email"],
        language=doc["language"],
        time_zone=doc["time_zone"],
        ai_replies_today=doc["ai_today"],
        wrote=_wrote(doc["wrote"]),
        other_channels=frozenset(map(Channel, doc["other_channels"])),
        bounced=tuple(AttemptId(UUID(text)) for text in doc["bounced"]),
        fields=lead_fields(
            doc["lead"],
            [doc["number"]] if doc["number"] else [],
            [doc["email"]] if doc["email"] else [],
        ),
    )


def _wrote(doc: Doc | None) -> Wrote | None:
    return None if doc is None else Wrote(Channel(doc["channel"]), doc["subject"])


def _enrolment(doc: Doc) -> Enrolment:
    campaign = doc["campaign"]
    return Enrolment(
        id=EnrolmentId(UUID(doc["id"])),
        lead=LeadId(UUID(doc["lead"])),
        sequence=SequenceId(known_id(doc["sequence"])),
        sequence_version=doc["sequence_version"],
        campaign=None if campaign is None else CampaignId(known_id(campaign)),
        status=EnrolmentStatus(doc["status"]),
        current_step=doc["current_step"],
        total_steps=doc["total_steps"],
        stop_reason=doc["stop_reason"],
    )


def _outbound(doc: Doc) -> Outbound:
    return Outbound(
        attempt=AttemptId(UUID(doc["attempt"])),
        intent=IntentId(UUID(doc["intent"])),
        sender=SenderId(known_id(doc["sender"])),
        channel=Channel(doc["channel"]),
        status=MessageStatus(doc["status"]),
        outcome=Outcome(doc["outcome"]),
    )
