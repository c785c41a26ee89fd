"""Ids, one type each, and the few that are derived instead of drawn."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NewType
from uuid import UUID, uuid5

__all__ = [
    "AccountId",
    "AttemptId",
    "CampaignId",
    "EnrolmentId",
    "EventId",
    "Incarnation",
    "IntentId",
    "LeadId",
    "PhoneId",
    "ReviewId",
    "SenderId",
    "SequenceId",
    "StepId",
    "TemplateId",
    "TenantId",
    "UserId",
    "account_id",
    "attempt_id",
    "reply_id",
    "review_id",
    "step_intent_id",
    "tenant_id",
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
UserId = NewType("UserId", UUID)
Incarnation = NewType("Incarnation", str)
"""One life of one worker process; a restarted worker is another incarnation."""

_NAMESPACE: Final = UUID("6f0a1f5e-8f0c-5b7e-9c53-0a6b0f1d2c3e")


@lru_cache(maxsize=4_096)
def step_intent_id(tenant: TenantId, enrolment: EnrolmentId, step: StepId) -> IntentId:
    """Name the one message of a step: no channel in it, so fall-back keeps it."""
    return IntentId(uuid5(_NAMESPACE, f"step/{tenant}/{enrolment}/{step}"))


def reply_id(tenant: TenantId, review: ReviewId, revision: int) -> IntentId:
    """Name the reply that a person approved, by the revision of its draft."""
    return IntentId(uuid5(_NAMESPACE, f"reply/{tenant}/{review}/{revision}"))


def account_id(tenant: TenantId, provider: str, name: str) -> AccountId:
    """Name a provider account, so that every process knows it without asking."""
    return AccountId(uuid5(_NAMESPACE, f"account/{tenant}/{provider}/{name}"))


def tenant_id(name: str) -> TenantId:
    """Name a tenant that comes from settings."""
    return TenantId(uuid5(_NAMESPACE, f"tenant/{name}"))


def review_id(key: str) -> ReviewId:
    """Name the review item that an event, or a failed send, opens."""
    return ReviewId(uuid5(_NAMESPACE, f"review/{key}"))


def attempt_id(intent: IntentId, n: int) -> AttemptId:
    """Name the n-th attempt (from 1) to send an intent."""
    return AttemptId(uuid5(_NAMESPACE, f"attempt/{intent}/{n}"))
