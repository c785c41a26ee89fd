"""Ids, one type each, and the few that are derived instead of drawn."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha1
from typing import Final, NewType
from uuid import UUID

__all__ = [
    "AccountId",
    "AttemptId",
    "CampaignId",
    "ConsentId",
    "EnrolmentId",
    "EventId",
    "HostedId",
    "Incarnation",
    "IntentId",
    "IntroId",
    "LeadId",
    "PhoneId",
    "ReviewId",
    "SenderId",
    "SequenceId",
    "StepId",
    "StopId",
    "TemplateId",
    "TenantId",
    "UserId",
    "account_id",
    "attempt_id",
    "intro_id",
    "reply_id",
    "review_id",
    "step_intent_id",
    "tenant_id",
    "unattended_id",
]

TenantId = NewType("TenantId", UUID)
AccountId = NewType("AccountId", UUID)
SenderId = NewType("SenderId", UUID)
PhoneId = SenderId
"""A WhatsApp phone is a sender; its id is global, over all tenants."""
LeadId = NewType("LeadId", UUID)
CampaignId = NewType("CampaignId", UUID)
SequenceId = NewType("SequenceId", UUID)
StepId = NewType("StepId", UUID)
TemplateId = NewType("TemplateId", UUID)
EnrolmentId = NewType("EnrolmentId", UUID)
IntentId = NewType("IntentId", UUID)
AttemptId = NewType("AttemptId", UUID)
ReviewId = NewType("ReviewId", UUID)
EventId = NewType("EventId", UUID)
StopId = NewType("StopId", UUID)
HostedId = NewType("HostedId", UUID)
"""A provider's campaign, as we name it."""
ConsentId = NewType("ConsentId", UUID)
IntroId = NewType("IntroId", UUID)
"""Of the sentence that was written about a lead for one text."""
UserId = NewType("UserId", UUID)
Incarnation = NewType("Incarnation", str)
"""One life of one worker process; a restarted worker is another incarnation."""

_NAMESPACE: Final = sha1(
    UUID("6f0a1f5e-8f0c-5b7e-9c53-0a6b0f1d2c3e").bytes, usedforsecurity=False
)


def _named(name: str) -> UUID:
    """As `uuid.uuid5`, in half its time: every send asks for a few."""
    digest = _NAMESPACE.copy()
    digest.update(name.encode())
    return UUID(bytes=digest.digest()[:16], version=5)


@lru_cache(maxsize=4_096)
def step_intent_id(tenant: TenantId, enrolment: EnrolmentId, step: StepId) -> IntentId:
    """Name the one message of a step: no channel in it, so fall-back keeps it."""
    return IntentId(_named(f"step/{tenant}/{enrolment}/{step}"))


def intro_id(intent: IntentId, template: TemplateId, version: int) -> IntroId:
    """Name the one intro of a message, for one number of its text."""
    return IntroId(_named(f"intro/{intent}/{template}/{version}"))


def reply_id(tenant: TenantId, review: ReviewId, revision: int) -> IntentId:
    """Name the reply that a person approved, by the revision of its draft."""
    return IntentId(_named(f"reply/{tenant}/{review}/{revision}"))


def unattended_id(tenant: TenantId, event: EventId) -> IntentId:
    """Name the answer that no person looked at, by the event it answers."""
    return IntentId(_named(f"unattended/{tenant}/{event}"))


def account_id(tenant: TenantId, provider: str, name: str) -> AccountId:
    """Name a provider account, so that every process knows it without asking."""
    return AccountId(_named(f"account/{tenant}/{provider}/{name}"))


def tenant_id(name: str) -> TenantId:
    """Name a tenant that comes from settings."""
    return TenantId(_named(f"tenant/{name}"))


def review_id(key: str) -> ReviewId:
    """Name the review item that an event, or a failed send, opens."""
    return ReviewId(_named(f"review/{key}"))


def attempt_id(intent: IntentId, n: int) -> AttemptId:
    """Name the n-th attempt (from 1) to send an intent."""
    return AttemptId(_named(f"attempt/{intent}/{n}"))
