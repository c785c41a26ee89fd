"""What PostgreSQL holds after a run, as the judge reads it: past every policy."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from tests.faults.chaos.servers import rows

__all__ = ["ATTEMPTS", "loose_ends", "read", "undone"]

ATTEMPTS: Final = """
    SELECT a.id, a.external_ref AS uid, a.outcome, a.called_at, a.called_on,
           a.sender_id, a.token, a.unit_day, a.unit_held, a.give_up_at, a.payload_hash,
           a.lead_id, p.phone_number AS phone, g.recipient,
           g.content_rendered AS text, i.id AS intent, i.step_number AS step,
           i.enrollment_id AS enrolment
      FROM attempts a
      JOIN wa_phone_numbers p ON p.id = a.sender_id
      JOIN intents i ON i.id = a.intent_id
      JOIN gold_communication_log g ON g.id = a.id AND g.created_at = a.called_at
     ORDER BY a.called_on
"""

UNITS: Final = """
    SELECT q.phone_id, p.phone_number AS phone, q.usage_date AS day, q.used,
           q.new_contacts_sent + q.followups_sent AS accepted, q.external_new,
           (SELECT count(*) FROM attempts a WHERE a.sender_id = q.phone_id
              AND a.unit_day = q.usage_date AND a.unit_held) AS held,
           (SELECT count(*) FROM attempts a WHERE a.sender_id = q.phone_id
              AND coalesce(a.unit_day, (a.called_at AT TIME ZONE p.time_zone)::date)
                  = q.usage_date AND a.outcome = 'ACCEPTED') AS outcomes
      FROM wa_quota_usage q JOIN wa_phone_numbers p ON p.id = q.phone_id
     ORDER BY p.phone_number, q.usage_date
"""

MAILS: Final = """
    SELECT a.id::text, a.outcome, a.called_at, a.called_on, a.sender_id, a.token,
           a.payload_hash, a.lead_id, a.channel, a.lead_state, s.number AS sender,
           g.recipient, i.id AS intent, i.step_number AS step,
           e.campaign_id AS campaign
      FROM attempts a
      JOIN senders s ON s.id = a.sender_id
      JOIN intents i ON i.id = a.intent_id
      JOIN gold_communication_log g ON g.id = a.id AND g.created_at = a.called_at
      LEFT JOIN sequence_enrollments e ON e.id = i.enrollment_id
     WHERE a.channel <> 'WHATSAPP'
     ORDER BY a.called_on
"""

BREAKERS: Final = """
    SELECT s.covers::uuid AS campaign, s.created_at,
           ARRAY(SELECT h.ref FROM provider_campaigns h
                  WHERE h.campaign_id = s.covers::uuid AND h.ref <> '') AS refs
      FROM switches s WHERE s.scope = 'CAMPAIGN'
"""

STOPS: Final = """
    SELECT s.id, s.kind, s.about::text, s.cause, s.confirmed_at, s.alerted_at,
           s.caused_at < engine_now() - interval '25 minutes' AS old,
           coalesce(g.recipient, '') AS recipient, coalesce(h.ref, '') AS ref,
           CASE WHEN a.channel = 'EMAIL_COLD' THEN 'instantly' ELSE '' END AS wire
      FROM stops s
      LEFT JOIN attempts a ON a.id = s.about
      LEFT JOIN gold_communication_log g ON g.id = a.id AND g.created_at = a.called_at
      LEFT JOIN provider_campaigns h ON h.id = s.about
"""

OPT_OUTS: Final = """
    SELECT s.kind, s.value AS number, s.created_at FROM suppressions s
     WHERE s.kind IN ('phone', 'email')
"""

SWITCHES: Final = """
    SELECT s.scope, s.covers, s.created_at, s.id FROM switches s
"""

EVENTS: Final = """
    SELECT k.id, k.key, k.type, k.status, k.tries, k.why, k.lead_id,
           k.received_at < engine_now() - interval '10 minutes' AS old,
           (SELECT count(*) FROM applied_changes c WHERE c.key = 'event/' || k.id) AS
             applied,
           (SELECT count(*) FROM gold_communication_log g
             WHERE g.id = k.id AND g.direction = 'INBOUND') AS heard,
           (SELECT count(*) FROM applied_changes c WHERE c.key = 'parked/' || k.id) AS
             asked,
           (SELECT count(*) FROM raw_events r WHERE r.id = k.id) AS raw
      FROM event_keys k ORDER BY k.received_at
"""

REPLIES: Final = """
    SELECT j.id AS lead, j.reply_count AS told,
           (SELECT count(*) FROM event_keys k WHERE k.lead_id = j.id
              AND k.type = 'REPLY' AND k.status = 'APPLIED') AS events
      FROM gold_lead_journey j
"""

LATE: Final = """
    SELECT 'lane ' || id AS what, wake_at::text AS at FROM lanes
     WHERE wake_at < engine_now() - %(late)s
    UNION ALL
    SELECT 'lane of the dead ' || id, lease_until::text FROM lanes
     WHERE owner IS NOT NULL AND calling IS NULL
       AND lease_until + %(grace)s < clock_timestamp() - %(machine)s
    UNION ALL
    SELECT 'calls ' || calling::text, call_deadline::text FROM lanes
     WHERE calling IS NOT NULL AND call_deadline < clock_timestamp() - %(machine)s
    UNION ALL
    SELECT 'duty ' || kind || ' ' || key, due_at::text FROM duties
     WHERE due_at < engine_now() - %(late)s
    UNION ALL
    SELECT 'event ' || key, due_at::text FROM event_keys
     WHERE status IN ('WAITING', 'PARKED') AND due_at < engine_now() - %(late)s
    UNION ALL
    SELECT 'unknown ' || id, give_up_at::text FROM attempts
     WHERE outcome = 'UNKNOWN' AND give_up_at < engine_now() - %(late)s
"""
"""What is due for longer than *late* of engine time, or *machine* of the machine's."""

LOOSE: Final = """
    SELECT 'call without an end ' || id AS what FROM attempts WHERE outcome = 'CALLING'
    UNION ALL
    SELECT 'unknown without a look ' || a.id FROM attempts a
     WHERE a.outcome = 'UNKNOWN' AND (a.give_up_at IS NULL OR NOT EXISTS (
       SELECT FROM duties d WHERE d.kind = 'LOOK' AND d.key = a.id::text))
    UNION ALL
    SELECT 'open message without an attempt ' || i.id FROM intents i
     WHERE i.status = 'OPEN' AND NOT EXISTS (
       SELECT FROM attempts a WHERE a.intent_id = i.id
          AND a.outcome IN ('CALLING', 'UNKNOWN'))
    UNION ALL
    SELECT 'live enrolment with nothing to come ' || e.id
      FROM sequence_enrollments e WHERE e.status = 'ACTIVE'
       AND NOT EXISTS (SELECT FROM intents i WHERE i.enrollment_id = e.id
             AND i.status IN ('WAITING', 'HELD', 'OPEN'))
       AND NOT EXISTS (SELECT FROM duties d
             WHERE d.kind = 'SEQUENCE_END' AND d.key = e.id::text)
       AND NOT EXISTS (SELECT FROM human_review_queue r
             WHERE r.lead_journey_id = e.lead_journey_id AND r.status <> 'RESOLVED')
    UNION ALL
    SELECT 'review without a deadline ' || r.id FROM human_review_queue r
     WHERE r.status <> 'RESOLVED' AND NOT r.sla_breached AND NOT EXISTS (
       SELECT FROM duties d WHERE d.kind = 'SLA' AND d.key = r.id::text)
    UNION ALL
    SELECT 'stop that nobody carries out ' || s.id FROM stops s
     WHERE s.confirmed_at IS NULL AND NOT EXISTS (
       SELECT FROM duties d WHERE d.kind = 'STOP' AND d.key = s.id::text)
    UNION ALL
    SELECT 'message that waits in no lane and for no dispatch ' || i.id FROM intents i
     WHERE i.status = 'WAITING' AND i.lane_id IS NULL AND NOT EXISTS (
       SELECT FROM duties d WHERE d.kind = 'DISPATCH' AND d.key = i.tenant_id::text)
"""


def read(connection: psycopg.Connection[Any], query: str) -> list[dict[str, Any]]:
    """Rows by name."""
    return rows(connection, query)


def undone(
    connection: psycopg.Connection[Any], **limits: Any
) -> list[tuple[str, object]]:
    """What is overdue; *late*, *machine* and *grace* as in LATE."""
    return [(row[0], row[1]) for row in connection.execute(LATE, limits).fetchall()]


def loose_ends(connection: psycopg.Connection[Any]) -> list[str]:
    """What hangs on nothing: lost, unless somebody happens to look."""
    found = [row[0] for row in connection.execute(LOOSE).fetchall()]
    return found + _lanes_asleep(connection)


def _lanes_asleep(connection: psycopg.Connection[Any]) -> list[str]:
    """Lanes that would wake at another time than they are to."""
    query = (
        "SELECT id, wake_at::text FROM lanes WHERE owner IS NULL AND calling IS NULL"
    )
    with connection.transaction(force_rollback=True):
        before = dict(connection.execute(query).fetchall())
        connection.execute("SELECT refresh_lane(id) FROM lanes")
        after = dict(connection.execute(query).fetchall())
    return [
        f"lane {lane} wakes at {before[lane]}, and should at {after.get(lane)}"
        for lane in before
        if before[lane] != after.get(lane)
    ]
