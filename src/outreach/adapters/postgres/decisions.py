"""What was decided and what would be, for people who ask why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from attrs import frozen

from outreach.adapters.postgres import facts
from outreach.adapters.postgres.docs import decision, plan_of
from outreach.adapters.postgres.pool import Database
from outreach.domain.case import Case
from outreach.domain.consent import OPEN, Policy
from outreach.domain.decision import Reason
from outreach.domain.errors import NotFound
from outreach.domain.ids import AttemptId, IntentId, LeadId, SenderId, TenantId
from outreach.domain.lane import LaneView
from outreach.domain.lead import meant
from outreach.domain.relay import PassedOn
from outreach.domain.sender import SendClass
from outreach.domain.suppression import stopped_by
from outreach.domain.window import Hours
from outreach.ports.decisions import Explained, PhoneDay, Recorded, Summary

__all__ = ["PostgresDecisions"]

_ID_DIGITS: Final = 32
_MOST_FOUND: Final = 20
_LANE_TIMES: Final = (
    "lease_until",
    "call_until",
    "gate_at",
    "new_gate_at",
    "backoff_until",
    "room_at",
    "away_until",
    "opens_at",
    "wake_at",
    "oldest_due",
)


@frozen
class PostgresDecisions:
    """Implements `outreach.ports.decisions.Decisions`; see functions/people.sql.

    Attributes:
        hours: opening hours of every window.
        policy: what a lead must have agreed to.
    """

    database: Database
    hours: Hours = Hours()
    policy: Policy = OPEN

    async def explain(self, tenant: TenantId, lead: LeadId) -> Explained:
        doc = await self.database.value(
            "SELECT explain_doc(%s)", (lead,), tenant=tenant
        )
        if doc is None:
            message = f"no lead has the id {lead}"
            raise NotFound(message)
        read, hours, policy = facts.case, self.hours, self.policy
        cases = tuple([read(case, hours, policy) for case in doc["cases"]])
        return Explained(
            lead=lead,
            name=doc["name"],
            state=doc["state"],
            now=datetime.fromisoformat(doc["now"]),
            cases=cases,
            recorded=tuple([_recorded(one) for one in doc["recorded"]]),
            ended="" if cases else doc["ended"],
            passed=tuple([_passed(one) for one in doc["passed"]]),
        )

    async def behind(self, tenant: TenantId, start: str) -> Sequence[LeadId]:
        digits = meant(start)[1]
        if not digits:
            return ()
        first = UUID(digits.ljust(_ID_DIGITS, "0"))
        last = UUID(digits.ljust(_ID_DIGITS, "f"))
        found = await self.database.values(
            """
            SELECT lead_id FROM (
              SELECT lead_id FROM intents WHERE id BETWEEN %s AND %s
              UNION
              SELECT lead_id FROM attempts WHERE id BETWEEN %s AND %s
            ) AS behind ORDER BY lead_id LIMIT %s
            """,
            (first, last, first, last, _MOST_FOUND),
            tenant=tenant,
        )
        return [LeadId(one) for one in found]

    async def waiting(
        self, tenant: TenantId, after: IntentId | None, limit: int
    ) -> Sequence[Case]:
        docs = await self.database.values(
            """
            SELECT case_doc(id) FROM (
              SELECT id FROM intents
               WHERE tenant_id = %s AND status IN ('WAITING', 'HELD') AND id > %s
               ORDER BY id LIMIT %s) AS page
             ORDER BY id
            """,
            (tenant, after or UUID(int=0), limit),
            tenant=tenant,
        )
        return [facts.case(doc, self.hours, self.policy) for doc in docs]

    async def deferred(self, tenant: TenantId) -> Mapping[Reason, int]:
        counts: dict[str, int] = await self.database.value(
            "SELECT tallied('decision') - 'OK'", tenant=tenant
        )
        return {Reason(name): times for name, times in counts.items()}

    async def days(self, tenant: TenantId) -> Sequence[PhoneDay]:
        rows = await self.database.rows(
            """
            SELECT p.phone_number AS phone, u.usage_date AS day,
                   u.new_contacts_sent AS new, u.followups_sent AS followups,
                   p.daily_quota_limit AS limit
              FROM wa_quota_usage u JOIN wa_phone_numbers p ON p.id = u.phone_id
             WHERE u.total_sent > 0 ORDER BY p.phone_number COLLATE "C", u.usage_date
            """,
            tenant=tenant,
        )
        return [PhoneDay(**row) for row in rows]

    async def lanes(
        self, tenant: TenantId, lane: SenderId | None = None
    ) -> Sequence[LaneView]:
        # One statement sees lanes and switches alike.
        docs = await self.database.values(
            """
            SELECT doc || jsonb_build_object('switches', (
                     SELECT coalesce(jsonb_agg(jsonb_build_object('scope', s.scope,
                         'of', s.covers, 'reason', s.reason, 'by', s.thrown_by,
                         'at', s.thrown_at) ORDER BY s.thrown_at), '[]')
                       FROM switches s WHERE s.lifted_at IS NULL))
              FROM lane_docs(%s) AS doc
            """,
            (lane,),
            tenant=tenant,
        )
        return [_lane(doc) for doc in docs]

    async def summary(self, tenant: TenantId) -> Summary:
        doc = await self.database.value("SELECT summary_doc()", tenant=tenant)
        return Summary(
            imported=doc["imported"],
            enrolled=doc["enrolled"],
            sent=doc["sent"],
            deferred=doc["deferred"],
            events=doc["events"],
            replies=doc["replies"],
            reviews=doc["reviews"],
            suppressed=doc["suppressed"],
            unknown=doc["unknown"],
            skipped=doc["skipped"],
            breaches=doc["breaches"],
            passed=doc["passed"],
            health=doc["health"],
            phones=tuple([tuple(phone) for phone in doc["phones"]]),
            waiting={
                SendClass(int(number)).name: times
                for number, times in doc["waiting"].items()
            },
        )


def _lane(doc: Mapping[str, Any]) -> LaneView:
    sender = facts.sender(doc["sender"])
    times = {
        name: None if doc[name] is None else datetime.fromisoformat(doc[name])
        for name in _LANE_TIMES
    }
    switches = tuple([facts.switch(one) for one in doc["switches"]])
    return LaneView(
        sender=sender,
        now=datetime.fromisoformat(doc["now"]),
        token=doc["token"],
        owner=doc["owner"],
        backoffs=doc["backoffs"],
        plan=None if doc["plan"] is None else plan_of(doc["plan"]),
        depth={SendClass(int(one)): n for one, n in sorted(doc["depth"].items())},
        switch=stopped_by(switches, sender.channel, sender.id),
        **times,
    )


def _recorded(doc: Mapping[str, Any]) -> Recorded:
    attempt = doc["attempt"]
    return Recorded(
        intent=IntentId(UUID(doc["intent"])),
        step_number=doc["number"],
        decision=decision(doc["decision"]),
        outcome=doc["outcome"],
        through=doc["through"],
        attempt=None if attempt is None else AttemptId(UUID(attempt)),
    )


def _passed(doc: Mapping[str, Any]) -> PassedOn:
    return PassedOn(
        at=datetime.fromisoformat(doc["at"]),
        intent=IntentId(UUID(doc["intent"])),
        sender=SenderId(UUID(doc["sender"])),
        number=doc["number"],
        provider=doc["provider"],
        why=doc["why"],
    )
