"""Leads as they stand, over SQL functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from attrs import frozen

from outreach.adapters.postgres.docs import doc, jsonb, review_doc
from outreach.adapters.postgres.known import known
from outreach.adapters.postgres.pool import Database
from outreach.domain.analysis import Analysis
from outreach.domain.change import Change, Done, Heard, Known
from outreach.domain.drafting import Draft
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import EnrolmentId, LeadId, TenantId
from outreach.domain.journey import Journey
from outreach.domain.mail_mark import marked_attempts
from outreach.domain.message import Intent, payload_hash

__all__ = ["PostgresJourneys", "intent_doc", "wanted"]

_ECHOES: Final = frozenset(
    {
        EventType.SENT,
        EventType.DELIVERED,
        EventType.READ,
        EventType.FAILED,
        EventType.EXTERNAL_SENT,
    },
)


@frozen
class PostgresJourneys:
    """Implements `outreach.ports.journeys.Journeys`."""

    database: Database

    async def load(self, tenant: TenantId, leads: Sequence[LeadId]) -> Sequence[Known]:
        docs = await self.database.values(
            """
            SELECT known_doc(id, NULL, NULL)
              FROM unnest(%s::uuid[]) WITH ORDINALITY AS wanted (id, n) ORDER BY n
            """,
            (list(leads),),
            tenant=tenant,
        )
        return [known(found) for found in docs if found is not None]

    async def match(self, account: str, event: SystemEvent) -> Known | None:
        found = await self.database.value(
            "SELECT match_event(%s, %s, %s)",
            (event.provider, account, jsonb(wanted(event))),
        )
        return None if found is None else known(found)

    async def enrolled(self, tenant: TenantId, enrolment: EnrolmentId) -> Known | None:
        found = await self.database.value(
            """
            SELECT known_doc(lead_journey_id, NULL, NULL)
              FROM sequence_enrollments WHERE id = %s
            """,
            (enrolment,),
            tenant=tenant,
        )
        return None if found is None else known(found)

    async def commit(self, changes: Sequence[Change]) -> Sequence[Done]:
        # One transaction each: a conflict must not undo its neighbours.
        return [
            Done(
                await self.database.value(
                    "SELECT commit_change(%s)", (jsonb(_change_doc(change)),)
                )
            )
            for change in changes
        ]


def wanted(event: SystemEvent) -> dict[str, Any]:
    """What an event says of whom it is about, for ``match_event``."""
    address = "" if event.address is None else str(event.address)
    return {
        "ref": event.ref,
        "thread": event.thread,
        "sender": event.sender,
        "address": address,
        "hash": _said(event),
        "answers": [str(one) for one in marked_attempts(event.references)],
        "references": list(event.references),
        "tenant": event.tenant,
        "lead": event.lead,
    }


def _said(event: SystemEvent) -> str:
    """What left, by its content; a reply with the same words is another message."""
    if event.type not in _ECHOES or event.address is None or not event.content:
        return ""
    return payload_hash(event.sender, event.address.value, "", event.content)


def _change_doc(change: Change) -> dict[str, Any]:
    review, run = change.review, change.enrolment
    return {
        "tenant": change.tenant,
        "lead": change.lead,
        "key": change.key,
        "event": change.event,
        "expected": change.expected,
        "journey": _journey_doc(change.journey),
        "moves": doc(change.moves),
        "anomaly": change.anomaly,
        "answered": None if change.answered is None else doc(change.answered),
        "converted": change.converted,
        "heard": None if change.heard is None else _heard_doc(change.heard),
        "statuses": doc(change.statuses),
        "cancels": [list(pair) for pair in change.cancels],
        "postpones": doc(change.postpones),
        "plans": [intent_doc(intent) for intent in change.plans],
        "enrolment": None if run is None else list(run),
        "suppressions": [
            {"key": str(s.key), "reason": s.reason, "by": s.by, "at": s.at}
            for s in change.suppressions
        ],
        "duties": [
            {"kind": duty.kind, "key": duty.key, "due_at": duty.due_at}
            for duty in change.duties
        ],
        "resolves": [
            {"attempt": attempt, "outcome": outcome, "ref": ref, "thread": thread}
            for attempt, outcome, ref, thread in change.resolves
        ],
        "faults": [list(pair) for pair in change.faults],
        "amends": list(change.amends),
        "external": None if change.external is None else doc(change.external),
        "review": None
        if review is None
        else {
            "item": review_doc(review.item),
            "action": review.action,
            "by": review.by,
            "notes": review.notes,
            "expected": review.expected_fingerprint,
        },
    }


def _journey_doc(journey: Journey) -> dict[str, Any]:
    return {
        "state": journey.state,
        "state_before": journey.state_before,
        "changed_at": journey.changed_at,
        "reason": journey.reason,
        "dead_cause": journey.dead_cause,
        "opted_out": journey.opted_out,
        "opted_out_at": journey.opted_out_at,
        "closed": sorted(journey.closed_channels),
        "human": journey.human_controlled,
        "phone": journey.phone,
        "mailbox": journey.mailbox,
        "warm_mailbox": journey.warm_mailbox,
        "preferred": journey.preferred_channel,
        "last_channel": journey.last_channel,
        "first_contact_at": journey.first_contact_at,
        "last_contact_at": journey.last_contact_at,
        "last_reply_at": journey.last_reply_at,
        "converted_at": journey.converted_at,
        "replies": journey.reply_count,
        "sentiment": journey.sentiment,
    }


def intent_doc(intent: Intent) -> dict[str, Any]:
    """A message to be planned, for ``plan_intent``."""
    return {
        "id": intent.id,
        "lead": intent.lead,
        "class": int(intent.send_class),
        "channel": intent.channel,
        "due_at": intent.due_at,
        "enrolment": intent.enrolment,
        "step": intent.step,
        "number": intent.step_number,
        "review": intent.review,
        "text": intent.text,
        "subject": intent.subject,
        "permission": intent.permission,
    }


def _said_doc(said: Analysis, draft: Draft | None) -> dict[str, Any]:
    stored: dict[str, Any] = doc(said)
    return stored if draft is None else stored | {"draft": doc(draft)}


def _heard_doc(heard: Heard) -> dict[str, Any]:
    said = heard.analysis
    return {
        "type": heard.type,
        "channel": heard.channel,
        "at": heard.at,
        "ref": heard.ref,
        "thread": heard.thread,
        "sender": heard.sender,
        "content": heard.content,
        "subject": heard.subject,
        "sentiment": None if said is None else said.sentiment,
        "intent": None if said is None else said.intent,
        "analysis": None if said is None else _said_doc(said, heard.draft),
    }
