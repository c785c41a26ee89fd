"""Sentences about leads over SQL functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import frozen

from outreach.adapters.postgres import facts
from outreach.adapters.postgres.docs import jsonb, times
from outreach.adapters.postgres.introductions import intro, intro_doc
from outreach.adapters.postgres.pool import Database
from outreach.domain.case import Case
from outreach.domain.consent import OPEN, Policy
from outreach.domain.errors import NotFound
from outreach.domain.ids import TenantId
from outreach.domain.intro import Intro, IntroState
from outreach.domain.window import Hours
from outreach.ports.intros import IntroDecision, IntroView, Kept

__all__ = ["PostgresIntros"]

_START_OF_ID: Final = re.compile(r"[0-9a-f-]{1,36}")


@frozen
class PostgresIntros:
    """Implements `outreach.ports.intros.Intros`; see functions/intros.sql.

    Attributes:
        hours: opening hours of every window.
        policy: what a lead must have agreed to.
    """

    database: Database
    hours: Hours = Hours()
    policy: Policy = OPEN

    async def wanted(self, tenant: TenantId, limit: int) -> Sequence[Case]:
        docs = await self.database.values(
            "SELECT wanted_intros(%s)", (limit,), tenant=tenant
        )
        return [facts.case(doc, self.hours, self.policy) for doc in docs]

    async def keep(self, tenant: TenantId, intros: Sequence[Intro]) -> int:
        kept: int = await self.database.value(
            "SELECT keep_intros(%s)",
            (jsonb([intro_doc(one) for one in intros]),),
            tenant=tenant,
        )
        return kept

    async def decide(
        self, tenant: TenantId, decisions: Sequence[IntroDecision]
    ) -> Sequence[Kept]:
        kept = []
        for one in decisions:
            # Each in a transaction of its own: a batch holds up nobody's sends.
            answer = await self.database.value(
                "SELECT decide_intro(%s, %s)",
                (jsonb(intro_doc(one.before)), jsonb(intro_doc(one.after))),
                tenant=tenant,
            )
            kept.append(Kept(answer))
        return kept

    async def list_(
        self, tenant: TenantId, state: IntroState | None, limit: int
    ) -> Sequence[IntroView]:
        docs = await self.database.values(
            """
            SELECT intro_view(n) FROM intros n LEFT JOIN intents i ON i.id = n.intent_id
             WHERE n.tenant_id = %s AND n.state = coalesce(%s, n.state)
               AND (%s OR is_needed(n, i))
             ORDER BY i.due_at NULLS LAST, n.id LIMIT %s
            """,
            (tenant, state, state in {None, IntroState.APPROVED}, limit),
            tenant=tenant,
        )
        return [_view(doc) for doc in docs]

    async def waiting(self, tenant: TenantId) -> Mapping[IntroState, int]:
        rows = await self.database.rows(
            """
            SELECT n.state, count(*) AS many FROM intros n
              JOIN intents i ON i.id = n.intent_id
             WHERE n.tenant_id = %s AND n.state IN ('PROPOSED', 'UNFIT')
               AND is_needed(n, i)
             GROUP BY n.state
            """,
            (tenant,),
            tenant=tenant,
        )
        return {IntroState(row["state"]): row["many"] for row in rows}

    async def get(self, tenant: TenantId, words: str) -> IntroView:
        start = words.lower() if _START_OF_ID.fullmatch(words.lower()) else None
        docs = await self.database.values(
            """
            SELECT intro_view(n) FROM intros n
             WHERE n.tenant_id = %s AND starts_with(n.id::text, %s) LIMIT 2
            """,
            (tenant, start),
            tenant=tenant,
        )
        if len(docs) != 1:
            many = "no intro is" if not docs else "several intros are"
            message = f"{many} meant by {words!r}: give more of its id"
            raise NotFound(message)
        return _view(docs[0])


def _view(doc: Mapping[str, Any]) -> IntroView:
    return IntroView(
        intro=intro(doc["intro"]),
        company=doc["company"],
        contact=doc["contact"],
        template=doc["template"],
        step=doc["step"],
        due_at=times(doc["due_at"]),
    )
