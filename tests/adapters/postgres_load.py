"""Fills a migrated database with many leads that wait in lanes, by plain SQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import psycopg

from outreach.domain.ids import TenantId

__all__ = ["TENANT", "as_admin", "fill", "lane_id"]

TENANT: Final = TenantId(UUID(int=0xA))
_NOON: Final = datetime(2026, 3, 2, 10, tzinfo=UTC)

_WORLD: Final = """
INSERT INTO tenants VALUES (%(tenant)s, 'load', 'Europe/Bucharest', 'RO', 'ro');
INSERT INTO provider_accounts VALUES (%(tenant)s, %(tenant)s, 'timelinesai', 'default');
INSERT INTO wa_phone_numbers (id, tenant_id, account_id, phone_number, provider,
                              time_zone)
SELECT name(1, n), %(tenant)s, %(tenant)s, '+4074' || lpad(n::text, 7, '0'),
       'timelinesai', 'Europe/Bucharest' FROM generate_series(1, %(lanes)s) AS n;
INSERT INTO lanes (id, tenant_id, account_id)
SELECT name(1, n), %(tenant)s, %(tenant)s FROM generate_series(1, %(lanes)s) AS n;
INSERT INTO send_windows (tenant_id, key, zones, country)
VALUES (%(tenant)s, 'w', '{Europe/Bucharest}', 'RO');
INSERT INTO lane_windows (lane_id, window_key)
SELECT name(1, n), 'w' FROM generate_series(1, %(lanes)s) AS n;
INSERT INTO outreach_sequences (id, tenant_id, name, primary_channel, silence)
VALUES (name(2, 1), %(tenant)s, 'agri', 'WHATSAPP', '7 days');
INSERT INTO outreach_templates (id, tenant_id, name, channel, content)
VALUES (name(2, 2), %(tenant)s, 'agri-1', 'WHATSAPP', 'Salut');
INSERT INTO outreach_sequence_steps (tenant_id, sequence_id, version, step_number,
  step_id, delay_hours, delay_minutes, channel, template_name)
VALUES (%(tenant)s, name(2, 1), 1, 1, name(2, 3), 0, 0, 'WHATSAPP', 'agri-1');
INSERT INTO campaigns (id, tenant_id, sequence_id, name)
VALUES (name(2, 4), %(tenant)s, name(2, 1), 'agri')
"""
_LEADS: Final = """
INSERT INTO leads (id, tenant_id, company_name, country, time_zone)
SELECT name(3, n), %(tenant)s, 'Agro ' || n, 'RO', 'Europe/Bucharest'
  FROM generate_series(1, %(leads)s) AS n;
INSERT INTO contact_points (tenant_id, kind, value, lead_id)
SELECT %(tenant)s, 'phone', '+4072' || lpad(n::text, 7, '0'), name(3, n)
  FROM generate_series(1, %(leads)s) AS n;
INSERT INTO gold_lead_journey (id, tenant_id, lead_id)
SELECT name(3, n), %(tenant)s, name(3, n) FROM generate_series(1, %(leads)s) AS n;
INSERT INTO sequence_enrollments (id, tenant_id, lead_journey_id, sequence_id,
  sequence_version, campaign_id, window_key, total_steps, status, enrolled_at)
SELECT name(4, n), %(tenant)s, name(3, n), name(2, 1), 1, name(2, 4), 'w', 1, 'ACTIVE',
       %(at)s FROM generate_series(1, %(leads)s) AS n;
INSERT INTO intents (id, tenant_id, lead_id, enrollment_id, step_id, step_number,
                     send_class, channel, lane_id, window_key, due_at)
SELECT name(5, n), %(tenant)s, name(3, n), name(4, n), name(2, 3), 1, 3, 'WHATSAPP',
       name(1, 1 + n %% %(lanes)s), 'w', %(at)s - n * interval '1 ms'
  FROM generate_series(1, %(leads)s) AS n;
UPDATE lanes SET wake_at = %(at)s - interval '1 hour';
UPDATE engine_clock SET position = %(at)s
"""


def as_admin(url: str, *, schema: str = "outreach") -> psycopg.Connection:
    """A connection past all row security, for arranging and looking."""
    options = f"-c search_path={schema},public"
    return psycopg.connect(url, autocommit=True, options=options)


def lane_id(number: int) -> UUID:
    """The id of a lane, from 1."""
    return UUID(int=(1 << 64) + number)


def fill(url: str, *, leads: int, lanes: int, analyse: bool = True) -> None:
    """Make *leads* whose first messages are due in *lanes*, at noon of a Monday."""
    facts = {"tenant": TENANT, "leads": leads, "lanes": lanes, "at": _NOON}
    with as_admin(url) as admin:
        admin.execute("SET session_replication_role = replica")  # no foreign keys
        admin.execute(
            """
            CREATE FUNCTION pg_temp.name(kind bigint, n bigint) RETURNS uuid
            LANGUAGE sql IMMUTABLE AS $$
              SELECT (lpad(to_hex(kind), 16, '0') || lpad(to_hex(n), 16, '0'))::uuid $$
            """
        )
        script = (_WORLD + ";" + _LEADS).replace("name(", "pg_temp.name(")
        for statement in script.split(";"):
            admin.execute(statement.encode(), facts)
        if analyse:
            admin.execute("VACUUM ANALYZE")
