"""Sequences, templates, and who is enrolled in what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from attrs import evolve, frozen
from psycopg.rows import TupleRow

from outreach.adapters.postgres import docs, facts, texts
from outreach.adapters.postgres.docs import jsonb
from outreach.adapters.postgres.journeys import intent_doc
from outreach.adapters.postgres.leads import lead
from outreach.adapters.postgres.pool import Database
from outreach.domain.breaker import BREAKER_DAYS, MailCounts
from outreach.domain.errors import NotFound
from outreach.domain.ids import CampaignId, LeadId, SequenceId, TenantId
from outreach.domain.sequence import Campaign, MessageTemplate, Override, Step
from outreach.domain.sequence import Sequence as Steps
from outreach.domain.trial import Trial
from outreach.domain.window import Hours, Window
from outreach.ports.campaigns import Enrollable, NewEnrolment

__all__ = ["PostgresCampaigns"]

_Connection = psycopg.AsyncConnection[TupleRow]


@frozen
class PostgresCampaigns:
    """Implements `outreach.ports.campaigns.Campaigns`.

    Attributes:
        ids: draws the id of a campaign.
        hours: opening hours, which name a lead's window.
    """

    database: Database
    ids: Callable[[], UUID]
    hours: Hours = Hours()

    async def save(
        self,
        tenant: TenantId,
        sequence: Steps,
        templates: Sequence[MessageTemplate],
        *,
        name: str,
        override: Override | None = None,
    ) -> Campaign:
        async with self.database.connection(tenant) as connection:
            await connection.execute(
                "SELECT lock_names(ARRAY['sequences:' || current_tenant()])"
            )
            for template in templates:
                await _save_template(connection, template)
            steps = await _save_sequence(connection, sequence)
            rows = await connection.execute(
                """
                INSERT INTO campaigns AS c (id, tenant_id, sequence_id, name,
                                            override_reason, override_by)
                VALUES (%s, current_tenant(), %s, %s, %s, %s)
                ON CONFLICT (tenant_id, name)
                DO UPDATE SET sequence_id = excluded.sequence_id,
                  override_reason = coalesce(excluded.override_reason,
                                             c.override_reason),
                  override_by = coalesce(excluded.override_by, c.override_by)
                RETURNING id, override_reason, override_by
                """,
                (
                    self.ids(),
                    steps.id,
                    name,
                    None if override is None else override.reason,
                    None if override is None else override.by,
                ),
            )
            (campaign, reason, by) = (await rows.fetchall())[0]
        return Campaign(CampaignId(campaign), steps.id, name, _override(reason, by))

    async def named(self, tenant: TenantId, name: str) -> Campaign:
        rows = await self.database.rows(
            """
            SELECT id, sequence_id, name, override_reason, override_by FROM campaigns
             WHERE name = %s OR id::text = %s ORDER BY name = %s DESC LIMIT 1
            """,
            (name, name, name),
            tenant=tenant,
        )
        for row in rows:
            return _campaign(row)
        message = f"no campaign is called {name!r}"
        raise NotFound(message)

    async def all(self, tenant: TenantId) -> Sequence[Campaign]:
        rows = await self.database.rows(
            """
            SELECT id, sequence_id, name, override_reason, override_by FROM campaigns
             ORDER BY name COLLATE "C"
            """,
            tenant=tenant,
        )
        return [_campaign(row) for row in rows]

    async def sequence(
        self, tenant: TenantId, name: str
    ) -> tuple[Steps, Sequence[MessageTemplate]]:
        doc = await self.database.value(
            "SELECT sequence_doc(id, version) FROM outreach_sequences WHERE name = %s",
            (name,),
            tenant=tenant,
        )
        if doc is None:
            message = f"no sequence is called {name!r}"
            raise NotFound(message)
        steps = facts.sequence(doc)
        named = {
            text
            for step in steps.steps
            for text in (step.template, step.fallback_template)
        }
        found = await self.templates(tenant)
        return steps, [text for text in found if text.name in named]

    async def templates(self, tenant: TenantId) -> Sequence[MessageTemplate]:
        docs = await self.database.values(
            """
            SELECT template_doc(t) FROM outreach_templates t
             WHERE t.tenant_id = %s AND t.is_active
            """,
            (tenant,),
            tenant=tenant,
        )
        found = [texts.template(doc) for doc in docs]
        return sorted(found, key=lambda template: template.name)

    async def enrollable(
        self, tenant: TenantId, campaign: Campaign, after: LeadId | None, limit: int
    ) -> Sequence[Enrollable]:
        docs = await self.database.values(
            "SELECT enrollable(%s, %s, %s)", (campaign.id, after, limit), tenant=tenant
        )
        return [_enrollable(doc) for doc in docs]

    async def enroll(
        self, tenant: TenantId, campaign: Campaign, batch: Sequence[NewEnrolment]
    ) -> Sequence[bool]:
        if not batch:
            return []
        done: list[bool] = await self.database.value(
            "SELECT enroll(%s, %s)",
            (campaign.id, jsonb([self._enrolment_doc(one) for one in batch])),
            tenant=tenant,
        )
        return done

    async def mail(self, tenant: TenantId, campaign: CampaignId) -> MailCounts:
        (row,) = await self.database.rows(
            """
            SELECT * FROM mail_counts(%s,
              (engine_now() AT TIME ZONE 'UTC')::date - %s + 1)
            """,
            (campaign, BREAKER_DAYS.days),
            tenant=tenant,
        )
        return MailCounts(**row)

    async def trials(self, tenant: TenantId) -> Sequence[Trial]:
        docs = await self.database.values("SELECT trial_docs()", tenant=tenant)
        return [texts.trial(doc) for doc in docs]

    async def pick(
        self,
        tenant: TenantId,
        template: str,
        label: str,
        *,
        by: str,
        instead: bool = True,
    ) -> bool:
        done: bool | None = await self.database.value(
            "SELECT pick_version(%s, %s, %s, %s)",
            (template, label, by, instead),
            tenant=tenant,
        )
        if done is None:
            message = f"no template {template!r} has a version {label!r}"
            raise NotFound(message)
        return done

    async def now(self) -> datetime:
        at: datetime = await self.database.value("SELECT engine_now()")
        return at

    def _enrolment_doc(self, new: NewEnrolment) -> dict[str, Any]:
        window = Window(new.zones, self.hours, country=new.country)
        return {
            "id": new.id,
            "lead": new.lead,
            "window": window.key,
            "zones": window.zones,
            "country": new.country,
            "why": new.zones_why,
            "first": None if new.first is None else intent_doc(new.first),
            "skipped": new.skipped,
        }


def _campaign(row: Mapping[str, Any]) -> Campaign:
    return Campaign(
        CampaignId(row["id"]),
        SequenceId(row["sequence_id"]),
        row["name"],
        _override(row["override_reason"], row["override_by"]),
    )


def _override(reason: str | None, by: str | None) -> Override | None:
    return None if reason is None or by is None else Override(reason, by)


async def _save_template(connection: _Connection, template: MessageTemplate) -> None:
    rows = await connection.execute(
        """
        SELECT template_doc(t) FROM outreach_templates t
         WHERE t.tenant_id = current_tenant() AND t.name = %s
        """,
        (template.name,),
    )
    found = await rows.fetchone()
    known = None if found is None else texts.template(found[0])
    stored = template.after(known)
    if stored != known:
        await connection.execute(
            "SELECT keep_template(%s)", (jsonb(texts.template_doc(stored)),)
        )


async def _save_sequence(connection: _Connection, sequence: Steps) -> Steps:
    rows = await connection.execute(
        """
        SELECT sequence_doc(id, version) FROM outreach_sequences
         WHERE tenant_id = current_tenant() AND name = %s
        """,
        (sequence.name,),
    )
    found = await rows.fetchone()
    if found is not None:
        known = facts.sequence(found[0])
        steps = _with_kept_ids(sequence.steps, known.steps)
        sequence = evolve(sequence, id=known.id, version=known.version, steps=steps)
        if sequence == known:
            return sequence
        sequence = evolve(sequence, version=known.version + 1)
    await connection.execute(
        "SELECT keep_sequence(%s)", (jsonb(_sequence_doc(sequence)),)
    )
    return sequence


def _with_kept_ids(
    steps: tuple[Step, ...], known: tuple[Step, ...]
) -> tuple[Step, ...]:
    """Steps under the ids they had: by number and text, else text, else number."""
    left = {step.id: step for step in known}
    kept: dict[int, Step] = {}
    for same in (_same_place_and_text, _same_text, _same_place):
        for step in steps:
            if step.number in kept:
                continue
            old = next((one for one in left.values() if same(step, one)), None)
            if old is not None:
                del left[old.id]
                kept[step.number] = evolve(step, id=old.id)
    return tuple([kept.get(step.number, step) for step in steps])


def _same_text(step: Step, known: Step) -> bool:
    return step.template == known.template


def _same_place(step: Step, known: Step) -> bool:
    return step.number == known.number


def _same_place_and_text(step: Step, known: Step) -> bool:
    return _same_place(step, known) and _same_text(step, known)


def _sequence_doc(sequence: Steps) -> dict[str, Any]:
    return {
        "id": sequence.id,
        "name": sequence.name,
        "description": sequence.description,
        "primary": sequence.primary_channel,
        "fallback": sequence.fallback_channel,
        "respect_hours": sequence.respect_hours,
        "time_zone": sequence.time_zone,
        "stop_on_reply": sequence.stop_on_reply,
        "stop_on_bounce": sequence.stop_on_bounce,
        "max_attempts": sequence.max_attempts,
        "silence": sequence.silence,
        "version": sequence.version,
        "steps": [_step_doc(step) for step in sequence.steps],
    }


def _step_doc(step: Step) -> dict[str, Any]:
    minutes, rest = divmod(step.delay, timedelta(minutes=1))
    return {
        "id": step.id,
        "number": step.number,
        "channel": step.channel,
        "hours": minutes // 60,
        "minutes": minutes % 60,
        "seconds": rest,
        "template": step.template,
        "fallback": step.fallback_template,
        "skip_replied": step.skip_if_replied,
        "skip_opened": step.skip_if_opened,
    }


def _enrollable(doc: Mapping[str, Any]) -> Enrollable:
    known, journey = lead(doc), facts.journey(doc["journey"])
    return Enrollable(
        lead=known.id,
        state=journey.state,
        phone=known.phone,
        email=known.email,
        fields=known.variables,
        country=known.country,
        time_zone=known.time_zone or None,
        phone_zones=known.phones[0].zones if known.phones else (),
        country_zones=known.zones,
        preferred_channel=journey.preferred_channel,
        last_channel=journey.last_channel,
        closed_channels=journey.closed_channels,
        opted_out=journey.opted_out,
        suppressed=doc["suppressed"],
        human_controlled=journey.human_controlled,
        addresses=known.addresses,
        legal_basis=known.legal_basis,
        consents=tuple(map(docs.consent, doc["consents"])),
    )
