"""Lanes and allocations over SQL functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from attrs import evolve, field, frozen

from outreach.adapters.postgres import facts
from outreach.adapters.postgres.docs import decision_doc, jsonb
from outreach.adapters.postgres.offset import OffsetWatch
from outreach.adapters.postgres.pool import Database
from outreach.domain.allocation import PLENTY, Room
from outreach.domain.budget import effective_limit
from outreach.domain.case import Case
from outreach.domain.channel import Channel
from outreach.domain.consent import OPEN, Policy
from outreach.domain.health import Health, HealthState
from outreach.domain.ids import (
    AccountId,
    Incarnation,
    IntentId,
    LeadId,
    SenderId,
    TenantId,
)
from outreach.domain.limits import room_left
from outreach.domain.relay import account_room
from outreach.domain.sender import SendClass
from outreach.domain.timing import Timing
from outreach.domain.warming import limits_at
from outreach.domain.window import Hours, local_day
from outreach.ports.lanes import ALL_ROOM, ALONE, Claim, PutOff, Waiting

__all__ = ["PostgresAllocations", "PostgresLanes"]


@frozen
class PostgresLanes:
    """Implements `outreach.ports.lanes.Lanes`; see functions/lanes.sql.

    And `outreach.ports.clock.TellsOffset`, from what `next_wake` is answered.
    """

    database: Database
    timing: Timing = Timing()
    hours: Hours = Hours()
    watch: OffsetWatch = field(factory=OffsetWatch)
    policy: Policy = OPEN

    async def claim(
        self,
        who: Incarnation,
        room: Mapping[AccountId, int],
        limit: int,
        after: TenantId | None = None,
        many: Mapping[AccountId, int] = ALONE,
    ) -> Sequence[Claim]:
        timing = self.timing
        docs = await self.database.values(
            "SELECT claim_lanes(%s, %s, %s, %s, %s, %s, %s)",
            (
                who,
                _by_account(room),
                limit,
                timing.lease,
                timing.grace,
                after,
                _by_account(many),
            ),
        )
        return [self._claim(doc) for doc in docs]

    def _claim(self, doc: Mapping[str, Any]) -> Claim:
        cases = [facts.case(case, self.hours, self.policy) for case in doc["cases"]]
        return Claim(
            lane=SenderId(facts.known_id(doc["lane"])),
            tenant=TenantId(facts.known_id(doc["tenant"])),
            account=AccountId(facts.known_id(doc["account"])),
            token=doc["token"],
            now=datetime.fromisoformat(doc["now"]),
            lease_until=datetime.fromisoformat(doc["lease_until"]),
            epoch=doc["epoch"],
            cases=tuple(sorted(cases, key=_served)),
            last_was_new=doc["last_was_new"],
            backoffs=doc["backoffs"],
            speed=doc["speed"],
            many=doc["many"],
        )

    async def put_off(
        self, claim: Claim, puts: Sequence[PutOff], *, keep: bool = False
    ) -> None:
        docs = [
            {
                "intent": put.intent,
                "until": put.until,
                "budget": put.budget,
                "hosted": put.hosted,
                "to_channel": put.to_channel,
                "decision": decision_doc(put.decision),
            }
            for put in puts
        ]
        await self.database.rows(
            "SELECT put_off(%s, %s, %s, %s)",
            (claim.lane, claim.token, jsonb(docs), keep),
        )

    async def free(self, claim: Claim) -> None:
        await self.database.rows("SELECT free_lane(%s, %s)", (claim.lane, claim.token))

    async def next_wake(
        self, room: Mapping[AccountId, int] = ALL_ROOM
    ) -> timedelta | None:
        with self.watch.asking() as tell:
            (row,) = await self.database.rows(
                "SELECT next_wake(%s, %s) AS wait, clock_timestamp() AS at",
                (self.timing.grace, _by_account(room)),
            )
            tell(row["at"])
        return None if row["wait"] is None else timedelta(seconds=row["wait"])

    def offset(self) -> timedelta:
        """See `outreach.ports.clock.TellsOffset`."""
        return self.watch.offset

    async def idle_until(self, at: datetime) -> bool:
        """Nothing is under way, no event waits, and no lane wakes before *at*."""
        idle: bool = await self.database.value(
            """
            SELECT NOT EXISTS (SELECT FROM lanes WHERE wake_at < %s)
               AND NOT EXISTS (SELECT FROM lanes
                                WHERE owner IS NOT NULL OR calling IS NOT NULL)
               AND NOT EXISTS (SELECT FROM event_keys WHERE status = 'WAITING')
            """,
            (at,),
        )
        return idle

    async def forsake(self, dead: Incarnation) -> int:
        pattern = dead.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        if pattern.endswith("*"):
            pattern = pattern[:-1] + "%"
        timing = self.timing
        count: int = await self.database.value(
            "SELECT forsake(%s, %s, %s, %s)",
            (pattern, timing.rest, timing.first_look, timing.give_up),
        )
        return count


@frozen
class PostgresAllocations:
    """Implements `outreach.ports.lanes.Allocations`."""

    database: Database

    async def rooms(self, tenant: TenantId) -> Sequence[Room]:
        rows = await self.database.rows(
            """
            SELECT sender_doc(p) AS phone, engine_now() AS now,
                   budgets_used(p, NULL, NULL, NULL) AS budgets,
                   q.usage_date, coalesce(q.used, 0) AS used,
                   coalesce(q.used + q.external_new, 0) AS taken,
                   (SELECT longest_followups()) AS followups,
                   (SELECT count(*) FROM intents i
                     WHERE i.lane_id = p.id AND i.status = 'WAITING'
                       AND i.send_class = 3) AS waiting,
                   h.state AS health, h.until,
                   CASE WHEN NOT l.shut THEN greatest(lane_opens(l), engine_now()) END
                     AS opens,
                   gone.before
              FROM senders p JOIN lanes l ON l.id = p.id
              LEFT JOIN account_health h ON h.account_id = p.account_id
              LEFT JOIN (
                SELECT o.account_id, count(i.id) + count(DISTINCT o.id)
                         FILTER (WHERE o.calling IS NOT NULL) AS before
                  FROM account_health a JOIN lanes o ON o.account_id = a.account_id
                   AND o.tenant_id = a.tenant_id
                  LEFT JOIN intents i ON i.lane_id = o.id AND i.status = 'WAITING'
                 WHERE a.tenant_id = current_tenant() AND a.state = 'AWAY'
                 GROUP BY o.account_id) AS gone ON gone.account_id = p.account_id
              LEFT JOIN wa_quota_usage q ON q.phone_id = p.id
                AND q.usage_date = (engine_now() AT TIME ZONE p.time_zone)::date
             WHERE p.is_enabled
             ORDER BY p.id
            """,
            tenant=tenant,
        )
        return [_room(row) for row in rows]

    async def waiting(
        self, tenant: TenantId, limit: int, channel: Channel = Channel.WHATSAPP
    ) -> Sequence[Waiting]:
        rows = await self.database.rows(
            """
            SELECT id, due_at, lead_id,
                   CASE channel WHEN 'EMAIL_WARM' THEN relay_doc(i) END AS relay
              FROM intents i
             WHERE tenant_id = %s AND status = 'WAITING' AND lane_id IS NULL
               AND channel = %s AND due_at <= engine_now()
             ORDER BY due_at, id LIMIT %s
            """,
            (tenant, channel, limit),
            tenant=tenant,
        )
        return [_waiting(row) for row in rows]

    async def allocate(
        self, tenant: TenantId, given: Mapping[IntentId, SenderId]
    ) -> int:
        moved: int = await self.database.value(
            "SELECT allocate(%s)",
            (jsonb({str(intent): sender for intent, sender in given.items()}),),
            tenant=tenant,
        )
        return moved

    async def take_back(self, tenant: TenantId, sender: SenderId, limit: int) -> int:
        taken: int = await self.database.value(
            "SELECT take_back(%s, %s)", (sender, limit), tenant=tenant
        )
        return taken


def _by_account(counts: Mapping[AccountId, int]) -> Any:
    return jsonb({str(account): count for account, count in counts.items()})


def _served(case: Case) -> tuple[SendClass, datetime, IntentId]:
    intent = case.intent
    return intent.send_class, intent.due_at, intent.id


def _room(row: Mapping[str, Any]) -> Room:
    sender = facts.sender(row["phone"])
    day = local_day(row["now"], sender.time_zone)
    units = PLENTY
    if sender.channel is Channel.WHATSAPP:
        limit = effective_limit(sender.daily_limit, sender.warm_up, day)
        units = max(0, limit - row["taken"])
    zone = sender.time_zone
    limits = limits_at(sender, row["now"])
    left = room_left(limits, units, row["budgets"], row["now"], zone)
    account = None
    if row["health"] is not None and sender.channel is Channel.EMAIL_WARM:
        known = Health(HealthState(row["health"]), until=row["until"])
        account = account_room(known, row["now"], row["opens"], row["before"] or 0)
    waiting, used, followups = row["waiting"], row["used"], row["followups"]
    return Room(sender, left, waiting, used, followups, account)


def _waiting(row: Mapping[str, Any]) -> Waiting:
    plain = Waiting(IntentId(row["id"]), row["due_at"], LeadId(row["lead_id"]))
    relay = row["relay"]
    if relay is None:
        return plain
    return evolve(
        plain,
        refused={AccountId(UUID(one)): n for one, n in relay["refused"].items()},
        known=tuple([SenderId(UUID(one)) for one in relay["known"]]),
    )
