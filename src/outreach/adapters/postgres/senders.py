"""The senders that messages go out from, their accounts and lanes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from attrs import asdict, frozen

from outreach.adapters.postgres import facts
from outreach.adapters.postgres.docs import jsonb
from outreach.adapters.postgres.pool import Database
from outreach.domain.budget import effective_limit
from outreach.domain.channel import Channel
from outreach.domain.errors import NotFound, Refused
from outreach.domain.ids import AccountId, SenderId, TenantId, account_id
from outreach.domain.message import MessageStatus
from outreach.domain.new_sender import NewSender
from outreach.domain.sender import Sender
from outreach.domain.warming import limits_at
from outreach.domain.window import local_day
from outreach.ports.gateway import Status
from outreach.ports.senders import Account, Polled, SenderUse

__all__ = ["LATELY", "PostgresSenders"]

LATELY: Final = timedelta(days=3)
"""How long (engine time) a message's status is worth asking for."""

_START_OF_ID: Final = re.compile(r"[0-9a-f-]{4,36}")


@frozen
class PostgresSenders:
    """Implements `outreach.ports.senders.Senders`; see functions/senders.sql.

    Attributes:
        ids: draws the ids of senders.
    """

    database: Database
    ids: Callable[[], UUID]

    async def import_(
        self, tenant: TenantId, batch: Sequence[NewSender]
    ) -> Sequence[Sender]:
        docs = [self._new_doc(tenant, new) for new in batch]
        try:
            stored = await self.database.values(
                "SELECT import_senders(%s)", (jsonb(docs),), tenant=tenant
            )
        except psycopg.errors.UniqueViolation as error:
            message = f"{error.diag.message_primary}: leave it out or correct it"
            raise Refused(message) from error
        return [facts.sender(doc) for doc in stored]

    async def all(self, tenant: TenantId) -> Sequence[SenderUse]:
        rows = await self.database.rows(
            """
            SELECT sender_doc(p) AS phone, engine_now() AS now, l.wake_at,
                   coalesce(q.used, 0) AS used,
                   coalesce(q.followups_sent, 0) AS followups,
                   coalesce(q.external_new, 0) AS external,
                   (SELECT count(*) FROM intents i
                     WHERE i.lane_id = p.id AND i.status = 'WAITING') AS waiting
              FROM senders p
              JOIN lanes l ON l.id = p.id
              LEFT JOIN wa_quota_usage q ON q.phone_id = p.id
                AND q.usage_date = (engine_now() AT TIME ZONE p.time_zone)::date
             WHERE p.tenant_id = %s
             ORDER BY p.number COLLATE "C"
            """,
            (tenant,),
            tenant=tenant,
        )
        return [_use(row) for row in rows]

    async def channels(self, tenant: TenantId) -> frozenset[Channel]:
        found = await self.database.value(
            "SELECT channels_of(%s)", (tenant,), tenant=tenant
        )
        return frozenset(map(Channel, found))

    async def get(self, tenant: TenantId, words: str) -> Sender:
        start = words.lower() if _START_OF_ID.fullmatch(words.lower()) else None
        docs = await self.database.values(
            """
            SELECT sender_doc(p) FROM senders p
             WHERE p.tenant_id = %s AND (p.number = %s
                OR (p.label = %s AND p.label <> '')
                OR starts_with(p.id::text, %s))
            """,
            (tenant, words, words, start),
            tenant=tenant,
        )
        if len(docs) != 1:
            many = "no sender is" if not docs else f"{len(docs)} senders are"
            message = f"{many} meant by {words!r}: give an id or a number"
            raise NotFound(message)
        return facts.sender(docs[0])

    async def by_id(self, tenant: TenantId, sender: SenderId) -> Sender:
        doc = await self.database.value(
            "SELECT sender_doc(p) FROM senders p WHERE p.id = %s",
            (sender,),
            tenant=tenant,
        )
        if doc is None:
            message = f"no sender has the id {sender}"
            raise NotFound(message)
        return facts.sender(doc)

    async def change(self, before: Sender, after: Sender, *, by: str) -> bool:
        if after.id != before.id:
            return False
        async with self.database.connection(before.tenant) as connection:
            # Lanes before phones, as T2 has it, and no key of the phone changes:
            # T1 refers to it before it locks the lane.
            await connection.execute(
                "SELECT FROM lanes WHERE id = %s FOR UPDATE", (before.id,)
            )
            rows = await connection.execute(
                """
                SELECT sender_doc(p) FROM senders p
                 WHERE p.id = %s FOR NO KEY UPDATE
                """,
                (before.id,),
            )
            found = await rows.fetchone()
            if found is None or facts.sender(found[0]) != before:
                return False
            await connection.execute(
                "SELECT change_sender(%s, %s)", (jsonb(_sender_doc(after)), by)
            )
        return True

    async def accounts(self, tenant: TenantId) -> Sequence[Account]:
        rows = await self.database.rows(
            """
            SELECT id, tenant_id, provider, name FROM provider_accounts
             WHERE tenant_id = %s
            """,
            (tenant,),
            tenant=tenant,
        )
        found = [_account(row) for row in rows]
        return sorted(found, key=lambda one: (one.provider, one.name))

    async def all_accounts(self, provider: str, name: str) -> Sequence[Account]:
        rows = await self.database.rows(
            "SELECT * FROM accounts_named(%s, %s)", (provider, name)
        )
        return [_account(row) for row in rows]

    async def unfinished(self, account: AccountId, limit: int) -> Sequence[Polled]:
        docs = await self.database.values(
            "SELECT unfinished(%s, %s, %s)", (account, limit, LATELY)
        )
        return [
            Polled(
                ref=doc["ref"],
                account=account,
                status=MessageStatus(doc["status"]),
                sender=SenderId(UUID(doc["sender"])),
                number=doc["number"],
            )
            for doc in docs
        ]

    async def told(self, account: AccountId, status: Status, now: datetime) -> None:
        await self.database.rows(
            "SELECT status_told(%s, %s, %s, %s, %s)",
            (account, status.ref, status.status, status.at or now, status.thread),
        )

    def _new_doc(self, tenant: TenantId, new: NewSender) -> dict[str, Any]:
        return {
            "new_id": self.ids(),
            "new_account": account_id(tenant, new.provider, new.provider_account),
            "number": new.number,
            "channel": new.channel,
            "answers": new.answers,
            "provider": new.provider,
            "account": new.provider_account,
            "ref": new.account_ref,
            "label": new.label,
            "time_zone": new.time_zone,
            "limit": new.daily_limit,
            "priority": new.priority,
            "warm_up_days": new.warm_up_days,
            "warm_up_start": new.warm_up_start,
            "limits": asdict(new.limits),
            "gap": new.pacing.gap,
            "jitter": new.pacing.jitter,
        }


def _sender_doc(sender: Sender) -> dict[str, Any]:
    warm_up = sender.warm_up
    return {
        "id": sender.id,
        "state": sender.state,
        "before": sender.state_before,
        "reason": sender.state_reason,
        "until": sender.until,
        "enabled": sender.enabled,
        "label": sender.label,
        "zone": sender.time_zone,
        "ref": sender.account_ref,
        "limit": sender.daily_limit,
        "priority": sender.priority,
        "warm_began": None if warm_up is None else warm_up.began,
        "warm_days": 0 if warm_up is None else warm_up.days,
        "warm_start": 0 if warm_up is None else warm_up.start,
        "gap": sender.pacing.gap,
        "jitter": sender.pacing.jitter,
        "limits": asdict(sender.limits),
    }


def _account(row: Mapping[str, Any]) -> Account:
    return Account(
        AccountId(row["id"]), TenantId(row["tenant_id"]), row["provider"], row["name"]
    )


def _use(row: Mapping[str, Any]) -> SenderUse:
    sender = facts.sender(row["phone"])
    day = local_day(row["now"], sender.time_zone)
    return SenderUse(
        sender=sender,
        day_new=row["used"],
        day_followups=row["followups"],
        external=row["external"],
        limit=effective_limit(sender.daily_limit, sender.warm_up, day),
        total=limits_at(sender, row["now"]).total_per_day,
        waiting=row["waiting"],
        next_wake=row["wake_at"],
    )
