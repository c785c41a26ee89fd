"""An audit reads what is recent, however long the log is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
from tests.adapters.postgres_load import TENANT, as_admin, fill
from tests.adapters.postgres_plans import Plans, watched
from tests.servers import NewDatabase

SENT: Final = 20_000
RECENT: Final = 300
SINCE: Final = "'2026-03-01 00:00+00'::timestamptz"

_HISTORY: Final = """
INSERT INTO attempts (id, tenant_id, intent_id, n, lead_id, channel, account_id,
  sender_id, token, send_class, payload_hash, outcome, called_at, called_on, settled_at)
SELECT md5('a' || i.n)::uuid, i.tenant_id, i.id, 1, i.lead_id, 'WHATSAPP', i.tenant_id,
       i.lane_id, i.n, 3, '', 'ACCEPTED', i.at, i.at, i.at
  FROM (SELECT x.*, row_number() OVER (ORDER BY x.id) AS n,
               CASE WHEN row_number() OVER (ORDER BY x.id) <= 300
                    THEN '2026-03-02 07:00+00'::timestamptz
                    ELSE '2026-01-02 07:00+00'::timestamptz END
               + row_number() OVER (ORDER BY x.id) * interval '1 second' AS at
          FROM intents x) AS i;
INSERT INTO gold_communication_log (id, created_at, tenant_id, lead_journey_id, channel,
  direction, content_rendered, subject, recipient, status, phone_id, phone_number)
SELECT id, called_at, tenant_id, lead_id, channel, 'OUTBOUND', repeat('x', 300), '',
       '+4072', 'SENT', sender_id, '+4074' FROM attempts ORDER BY called_at;
INSERT INTO transition_log (tenant_id, lead_id, state_before, state_after, at,
  caused_by, why)
SELECT tenant_id, lead_id, 'COLD', 'CONTACTED_WA', called_at, 'x', 'sent'
  FROM attempts ORDER BY called_at;
INSERT INTO event_keys (id, provider, account, key, type, received_at, status, due_at,
  tenant_id, lead_id)
SELECT id, 'timelinesai', 'default', id::text, 'REPLY', called_at, 'APPLIED', called_at,
       tenant_id, lead_id FROM attempts ORDER BY called_at;
UPDATE intents SET status = 'DONE';
INSERT INTO switches (tenant_id, scope, covers, reason, thrown_by, thrown_at, lifted_at)
SELECT e.tenant_id, 'CAMPAIGN', e.campaign_id, 'x', 'x', '2026-03-02 06:00+00',
       '2026-03-02 06:30+00' FROM sequence_enrollments e LIMIT 1;
INSERT INTO budget_use (tenant_id, sender_id, key, used, limit_told, ends_at)
SELECT tenant_id, lane_id, 'total:' || id, 1, 9,
       CASE WHEN row_number() OVER (ORDER BY id) <= 300
            THEN '2026-03-02 22:00+00'::timestamptz
            ELSE '2026-01-02 22:00+00'::timestamptz END FROM intents;
INSERT INTO budget_units (tenant_id, sender_id, key, intent_id, attempt_id)
SELECT tenant_id, lane_id, 'total:' || id, id, id FROM intents;
INSERT INTO stops (id, tenant_id, account_id, kind, about, cause, caused_at,
                   confirmed_at)
SELECT id, tenant_id, account_id, 'WITHDRAW', id, 'x', called_at,
       CASE WHEN called_at < '2026-03-01' THEN called_at END
  FROM attempts ORDER BY called_at
"""


@pytest.fixture(scope="module")
def sent_url(new_database: NewDatabase, migrated_template: str) -> str:
    url = new_database(migrated_template)
    fill(url, leads=SENT, lanes=100)
    with as_admin(url) as admin:
        admin.execute("SET session_replication_role = replica")
        for statement in _HISTORY.split(";"):
            admin.execute(statement.encode())
        admin.execute("VACUUM ANALYZE")
    return url


@pytest.fixture
def plans(sent_url: str) -> Iterator[Plans]:
    with watched(sent_url) as plans:
        plans.run("SELECT set_config('app.tenant', %s, false)", str(TENANT))
        yield plans


BOUNDED: Final = (
    "message_twice",
    "step_twice",
    "over_limit",
    "too_soon",
    "after_opt_out",
    "reply_unheard",
    "wrong_channel",
    "log_without_attempt",
    "attempt_without_log",
    "other_payload",
    "budgets_differ",
    "after_breaker",
    "fence_back",
    "other_phone",
    "journey_differs",
)


@pytest.mark.parametrize("check", BOUNDED)
def test_a_check_touches_what_is_recent(plans: Plans, check: str) -> None:
    plans.run(f"SELECT audit_{check}({SINCE})")

    assert 0 < plans.touched() < SENT / 4


def test_a_page_of_sends_is_a_range_of_an_index(plans: Plans) -> None:
    page = plans.run(f"SELECT audit_sends({SINCE}, NULL, NULL, 100)")
    at = "'2026-03-02 07:01:40+00'::timestamptz"
    more = plans.run(
        f"SELECT audit_sends({SINCE}, {at}, '{page[-1]['attempt']}', 1000)"
    )

    assert len(page) == 100
    assert len(more) == RECENT - len(page)
    assert plans.touched() < SENT / 4


def test_what_is_late_is_the_head_of_an_index(plans: Plans) -> None:
    for query in (
        f"SELECT audit_lost_call({SINCE}, {SINCE})",
        f"SELECT audit_late_answer({SINCE}, {SINCE})",
        f"SELECT audit_late_duty({SINCE})",
        f"SELECT audit_late_event({SINCE})",
        "SELECT audit_stop_untold('2026-03-02 07:02+00')",
        "SELECT audit_stop_lost()",
    ):
        plans.run(query)
        assert plans.touched() < SENT / 4
