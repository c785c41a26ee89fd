"""Plans over 100,000 waiting messages: no scan, no sort, under row security."""

from __future__ import annotations

import time
from collections.abc import Iterator
from json import dumps
from typing import Any, Final
from uuid import uuid4

import pytest
from tests.adapters.postgres_load import TENANT, as_admin, fill, lane_id
from tests.adapters.postgres_plans import Plans, nodes, watched
from tests.contract.postgres_world import world_over
from tests.servers import NewDatabase

from outreach.adapters.postgres.docs import jsonb
from outreach.adapters.postgres.pool import Database
from outreach.domain.message import Outcome

LEADS: Final = 100_000
LANES: Final = 5_000
FEWER_LANES: Final = 2_000
FEW: Final = 20_000
BIG: Final = {
    "attempts",
    "contact_points",
    "conversations",
    "duties",
    "gold_lead_journey",
    "intents",
    "lane_windows",
    "lanes",
    "leads",
    "sequence_enrollments",
    "senders",
}
CLAIM: Final = "SELECT claim_lanes('worker', '{}', 100, '60 s', '65 s')"


@pytest.fixture(scope="module")
def loaded_url(new_database: NewDatabase, migrated_template: str) -> str:
    url = new_database(migrated_template)
    fill(url, leads=LEADS, lanes=LANES)
    return url


@pytest.fixture(scope="module")
def unknown_url(new_database: NewDatabase, migrated_template: str) -> str:
    """Filled a moment ago: the planner has no statistics yet."""
    url = new_database(migrated_template)
    with as_admin(url) as admin:
        for table in sorted(BIG):
            admin.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
    fill(url, leads=FEW, lanes=FEWER_LANES, analyse=False)
    return url


@pytest.fixture
def blind_plans(unknown_url: str) -> Iterator[Plans]:
    with watched(unknown_url) as plans:
        plans.run("SELECT set_config('app.tenant', %s, false)", str(TENANT))
        yield plans


@pytest.fixture
def plans(loaded_url: str) -> Iterator[Plans]:
    with watched(loaded_url) as plans:
        plans.run("SELECT set_config('app.tenant', %s, false)", str(TENANT))
        yield plans


def scanned(plans: Plans) -> set[str]:
    """Big tables that were read from front to back (and were not empty)."""
    return {
        node["Relation Name"]
        for node in plans.nodes()
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG
        if node["Plan Rows"] > 1
    }


def shape(plan: Any) -> list[tuple[str, str]]:
    return [(node["Node Type"], node.get("Index Name", "")) for node in nodes(plan)]


def test_a_claim_takes_lanes_by_their_wake_time(plans: Plans) -> None:
    claims = plans.run(CLAIM)

    picked = shape(plans.of("l.account_id, l.wake_at LIMIT least("))
    assert len(claims) == 100
    assert picked == [("Limit", ""), ("LockRows", ""), ("Index Scan", "lanes_turn")]
    assert scanned(plans) == set()


def test_a_candidate_is_the_head_of_an_index(plans: Plans) -> None:
    claims = plans.run(CLAIM)

    found = shape(plans.of("FROM lane_windows w CROSS JOIN generate_series(0, 3)"))
    assert all(len(claim["cases"]) == 1 for claim in claims)
    assert ("Index Scan", "intents_lane") in found
    assert not {"Sort", "Incremental Sort", "Seq Scan"} & {kind for kind, _ in found}


def test_a_claim_for_a_call_of_many_looks_at_that_many(plans: Plans) -> None:
    query = "SELECT claim_lanes('worker', '{}', 1, '60 s', '65 s', NULL, %s)"

    (claim,) = plans.run(query, jsonb({str(TENANT): 15}))

    found = shape(plans.of("AND i.send_class = v_first.send_class"))
    assert len(claim["cases"]) == 15
    assert ("Index Scan", "intents_lane") in found
    assert not {"Sort", "Incremental Sort", "Seq Scan"} & {kind for kind, _ in found}
    assert plans.touched() <= 15
    assert scanned(plans) == set()


def test_the_next_wake_is_the_heads_of_indexes(plans: Plans) -> None:
    (wait,) = plans.run("SELECT next_wake('65 s')")

    assert wait == 0
    assert scanned(plans) == set()


@pytest.mark.parametrize("left", [0, 1])
def test_the_room_of_accounts_costs_a_probe_each_however_many_lanes(
    plans: Plans, left: int
) -> None:
    (wait,) = plans.run("SELECT next_wake('65 s', %s)", jsonb({str(TENANT): left}))

    found = shape(plans.of("WITH RECURSIVE heads"))
    assert (wait == 0) is (left == 1)
    assert ("Index Only Scan", "lanes_turn") in found
    assert scanned(plans) == set()
    assert plans.touched() <= 2


def test_a_claim_without_room_looks_at_no_lane(plans: Plans) -> None:
    claim = "SELECT claim_lanes('worker', %s, 100, '60 s', '65 s')"

    claims = plans.run(claim, jsonb({str(TENANT): 0}))

    assert claims == []
    assert scanned(plans) == set()
    assert plans.touched() <= 2


TAKINGS: Final = {
    "duties": "SELECT count(*) FROM take_duties('worker', 20, '60 s')",
    "doubts": "SELECT count(*) FROM doubtful('worker', 20, '60 s')",
    "events": "SELECT count(*) FROM take_events('worker', 50, '60 s')",
}


@pytest.mark.parametrize("taking", list(TAKINGS))
def test_what_is_not_due_yet_is_not_looked_at(
    plans: Plans, loaded_url: str, taking: str
) -> None:
    with as_admin(loaded_url) as admin:
        admin.execute(
            """
            INSERT INTO duties (kind, key, tenant_id, due_at)
            SELECT kind, n::text, %(tenant)s, engine_now() + n * interval '1 minute'
              FROM generate_series(1, 20000) AS n,
                   unnest(ARRAY['SEQUENCE_END', 'LOOK']) AS kind
            ON CONFLICT DO NOTHING;
            """,
            {"tenant": TENANT},
        )
        admin.execute(
            """
            INSERT INTO event_keys (id, provider, account, key, type, received_at,
                                    due_at, status)
            SELECT gen_random_uuid(), 'p', 'a', n::text, 'REPLY', engine_now(),
                   engine_now() + n * interval '1 minute', 'PARKED'
              FROM generate_series(1, 20000) AS n
            ON CONFLICT DO NOTHING
            """
        )
        admin.execute("ANALYZE duties, event_keys")

    (taken,) = plans.run(TAKINGS[taking])

    assert taken == 0
    assert scanned(plans) == set()
    assert plans.touched() < 20


async def test_a_whole_send_among_thousands_of_lanes_scans_no_table(
    loaded_url: str,
) -> None:
    database = Database(loaded_url, size=2)
    await database.open()
    world = world_over(database)
    before = scans(loaded_url)

    for _ in range(3):
        (claim,) = await world.claims(limit=1)
        call = await world.arm(claim)
        await world.settle(call, Outcome.ACCEPTED)
        (put,) = await world.claims(limit=1)
        await world.lanes.free(put)
        assert call.armed
    await database.close()

    # Counts are flushed when a session ends.
    until_flushed(loaded_url, 3)
    assert scans(loaded_url) == before


def scans(url: str) -> dict[str, int]:
    """How often each table that is filled was read from front to back."""
    with as_admin(url) as admin:
        rows = admin.execute(
            "SELECT relname, seq_scan FROM pg_stat_user_tables"
            " WHERE relname = ANY (%s)",
            (sorted(BIG - {"attempts", "conversations", "duties"}),),
        ).fetchall()
    return dict(rows)


def until_flushed(url: str, least: int) -> None:
    end = time.monotonic() + 10
    with as_admin(url) as admin:
        while time.monotonic() < end:
            row = admin.execute(
                "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'attempts'"
            ).fetchone()
            if row is not None and row[0] >= least:
                return
            time.sleep(0.05)
    message = "the server's counts were not flushed"
    raise AssertionError(message)


def test_the_earliest_due_time_is_the_heads_of_indexes(plans: Plans) -> None:
    plans.run("SELECT earliest_due()")

    assert scanned(plans) == set()


def test_a_lane_is_refreshed_by_the_heads_of_its_line(plans: Plans) -> None:
    plans.run("SELECT refresh_lane(%s)", lane_id(7))

    found = shape(plans.of("UPDATE lanes l SET wake_at"))
    assert ("Index Scan", "intents_lane") in found
    assert scanned(plans) == set()


def test_a_page_of_leads_to_enrol_is_a_range_of_ids(plans: Plans) -> None:
    nobody, (campaign,) = uuid4(), plans.run("SELECT id FROM campaigns")

    everybody = plans.run("SELECT enrollable(%s, NULL, 500)", campaign)
    probed = shape(plans.of("FROM leads x WHERE x.tenant_id = current_tenant()"))
    page = plans.run("SELECT enrollable(%s, NULL, 500)", nobody)
    ids = [one["id"] for one in page]

    assert everybody == []
    assert ids == sorted(ids)
    assert len(ids) == 500
    assert scanned(plans) == set()
    assert {"leads_pkey", "leads_tenant_id_id_key"} & {index for _, index in probed}


def test_an_answer_finds_its_mail_by_an_index(plans: Plans, loaded_url: str) -> None:
    with as_admin(loaded_url) as admin:
        admin.execute(
            """
            SET session_replication_role = replica;
            INSERT INTO attempts (id, tenant_id, intent_id, n, lead_id, channel,
              account_id, sender_id, token, send_class, payload_hash, outcome,
              called_at, thread)
            SELECT gen_random_uuid(), t.id, gen_random_uuid(), 1, gen_random_uuid(),
                   'EMAIL_WARM', t.id, t.id, 1, 3, n::text, 'REFUSED', now(),
                   '<' || n || '@mail.example>'
              FROM tenants t, generate_series(1, 5000) AS n
            """
        )
        admin.execute("ANALYZE attempts")
    event: dict[str, Any] = {
        "ref": "",
        "hash": "",
        "thread": "",
        "address": "",
        "sender": "nobody",
    }
    event |= {"answers": [str(uuid4())], "references": ["<x@firma.ro>", "<y@firma.ro>"]}

    plans.run("SELECT match_event('timelinesai', 'default', %s::jsonb)", dumps(event))

    by_mark = shape(plans.of("FROM attempts a WHERE a.id = v_said::uuid"))
    by_id = shape(plans.of("FROM attempts a WHERE a.thread = v_said"))
    with as_admin(loaded_url) as admin:
        admin.execute("DELETE FROM attempts")
        admin.execute("ANALYZE attempts")
    assert ("Index Scan", "attempts_pkey") in by_mark
    assert "attempts_mail" in {index for _, index in by_id}


def test_looking_leads_up_by_their_keys_scans_nothing(plans: Plans) -> None:
    kinds = ["phone"] * 3
    values = ["+40720000001", "+40720000002", "+40799999999"]

    found = plans.run("SELECT leads_with(%s, %s)", kinds, values)

    assert len(found) == 2
    assert scanned(plans) == set()


PROBES: Final = {
    "a claim": CLAIM,
    "the next wake": "SELECT next_wake('65 s')",
    "a look-up by keys": "SELECT leads_with(ARRAY['phone'], ARRAY['+40720000007'])",
    "what is known of a lead": "SELECT known_doc(id, NULL, NULL) FROM chosen",
    "an explanation": "SELECT explain_doc(id) FROM chosen",
    "a suppression": """
        SELECT suppress(jsonb_build_array(jsonb_build_object('key',
          'phone:+40720000009', 'reason', 'OPT_OUT', 'by', 'ana', 'at', now(),
          'everywhere', false)))
        """,
    "stopping a lead": "SELECT stop_lead(id, 'TEST') FROM chosen",
}


@pytest.mark.parametrize("probe", list(PROBES))
def test_a_table_without_statistics_is_probed_all_the_same(
    blind_plans: Plans, probe: str
) -> None:
    blind_plans.run("SELECT set_config('app.chosen', max(id::text), false) FROM leads")
    chosen = "(SELECT current_setting('app.chosen')::uuid AS id) AS chosen"

    blind_plans.run(PROBES[probe].replace("FROM chosen", f"FROM {chosen}"))

    assert blind_plans.touched() < FEW / 4


def test_a_campaign_that_is_through_costs_a_probe_however_many_it_had(
    blind_plans: Plans, unknown_url: str
) -> None:
    with as_admin(unknown_url) as admin:
        admin.execute(
            """
            INSERT INTO campaigns (id, tenant_id, sequence_id, name)
            SELECT gen_random_uuid(), tenant_id, sequence_id, 'over' FROM campaigns
            """
        )
        admin.execute(
            """
            INSERT INTO sequence_enrollments (id, tenant_id, lead_journey_id,
              sequence_id, sequence_version, campaign_id, total_steps, current_step,
              status, enrolled_at)
            SELECT gen_random_uuid(), e.tenant_id, e.lead_journey_id, e.sequence_id, 1,
                   c.id, 1, 1, 'COMPLETED', e.enrolled_at
              FROM sequence_enrollments e JOIN campaigns c ON c.name = 'over'
            """
        )

    followups = blind_plans.run("SELECT longest_followups()")

    found = shape(blind_plans.of("FROM campaigns c JOIN outreach_sequences q"))
    assert followups == [0]
    assert any(index == "enrollment_fresh" for _, index in found)
    assert blind_plans.touched() <= 2
