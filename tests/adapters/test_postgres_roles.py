"""Who may see what: roles of the pools, row security over the whole catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from uuid import uuid4

import psycopg
import pytest
from attrs import evolve
from tests.adapters.postgres_load import as_admin
from tests.contract.postgres_world import STRANGER, TENANT, empty, world_over

from outreach.adapters.postgres.pool import Database, Role
from outreach.domain.address import phone_key
from outreach.domain.allowance import Allowance
from outreach.domain.auditing import Check, Finding
from outreach.domain.breaker import MailFault
from outreach.domain.change import Heard, ReviewChange
from outreach.domain.channel import Channel
from outreach.domain.consent import ConsentKind
from outreach.domain.event import EventType
from outreach.domain.limits import Limits
from outreach.domain.message import Outcome
from outreach.domain.suppression import Suppression, SuppressionReason, SwitchScope
from outreach.testing import invented
from outreach.testing.arming import opted_out
from outreach.testing.introducing import (
    approve,
    now_there,
    proposed,
    save_text,
    wait_for,
)
from outreach.testing.world import GAP, World

IDS_AND_TIMES_ONLY: Final = {
    "account_gates",
    "account_health",
    "lanes",
    "duties",
    "event_keys",
}
"""Tables with a tenant's id that the claim reads before it sets a tenant."""
OWN_POLICY: Final = {"raw_events"}
ROLES: Final[tuple[Role, ...]] = ("outreach_worker", "outreach_web")

TENANT_TABLES: Final = """
    SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relispartition
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
     WHERE c.relnamespace = 'outreach'::regnamespace AND c.relkind IN ('r', 'p')
     ORDER BY c.relname
"""


@pytest.fixture(params=ROLES)
async def database(
    request: pytest.FixtureRequest, postgres_url: str
) -> AsyncIterator[Database]:
    empty(postgres_url)
    database = Database(postgres_url, role=request.param, size=4)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
async def world(postgres_url: str) -> AsyncIterator[World]:
    empty(postgres_url)
    database = Database(postgres_url, size=2)
    await database.open()
    yield world_over(database)
    await database.close()


async def test_every_pooled_connection_has_taken_off_its_rights(
    database: Database,
) -> None:
    query = """
        SELECT pg_backend_pid() AS pid, current_user::text AS name, rolsuper,
               rolbypassrls, rolcreaterole, rolcreatedb, pg_sleep(0.2),
               (SELECT count(*) FROM pg_class WHERE relowner = r.oid) AS owned
          FROM pg_roles r WHERE rolname = current_user
    """

    rows = await asyncio.gather(*(database.rows(query) for _ in range(4)))

    facts = [row for (row,) in rows]
    assert len({fact["pid"] for fact in facts}) == 4
    for fact in facts:
        assert fact["name"] == database.role
        assert fact["owned"] == 0
        rights = ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb")
        assert not any(fact[right] for right in rights)


async def test_a_connection_is_as_poor_after_an_error(database: Database) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        await database.rows("SELECT 1 / 0", tenant=TENANT)

    names = [await database.value("SELECT current_user::text") for _ in range(4)]
    tenants = [await database.value("SELECT current_tenant()") for _ in range(4)]

    assert set(names) == {database.role}
    assert set(tenants) == {None}


async def test_the_tenant_ends_with_its_transaction(database: Database) -> None:
    inside = await database.value("SELECT current_tenant()", tenant=TENANT)
    after = await database.value("SELECT current_tenant()")

    assert (inside, after) == (TENANT, None)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE leads DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON leads",
        "CREATE TABLE mine (id int)",
        "DELETE FROM leads",
        "TRUNCATE attempts",
        "UPDATE transition_log SET why = ''",
        "UPDATE decisions SET verdict = ''",
        "ALTER TABLE wa_quota_usage DROP CONSTRAINT wa_quota_usage_check",
    ],
)
async def test_what_the_roles_must_not_do_they_cannot(
    database: Database, statement: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await database.rows(statement, tenant=TENANT)


def test_every_tenant_table_has_forced_row_security_and_a_policy(
    postgres_url: str,
) -> None:
    with as_admin(postgres_url) as admin:
        tables = admin.execute(TENANT_TABLES).fetchall()
        policies = admin.execute(
            """
            SELECT tablename, policyname, coalesce(qual, '') || ' ' ||
                   coalesce(with_check, '') FROM pg_policies
             WHERE schemaname = 'outreach'
            """
        ).fetchall()

    guarded = {name: rules for name, _, rules in policies}
    names = {row[0] for row in tables}
    assert names >= IDS_AND_TIMES_ONLY | OWN_POLICY
    assert len(names) > 25
    for name, enabled, forced, partition in tables:
        if name in IDS_AND_TIMES_ONLY:
            assert not enabled, name
            continue
        assert (enabled, forced) == (True, True), name
        if name in OWN_POLICY or (partition and name.startswith("raw_events_")):
            continue  # a partition of raw events is closed to whoever names it
        assert guarded[name].count("current_tenant()") >= 2, name


def test_every_function_has_its_own_search_path_or_needs_none(
    postgres_url: str,
) -> None:
    with as_admin(postgres_url) as admin:
        bare = admin.execute(
            """
            SELECT p.proname FROM pg_proc p
             WHERE p.pronamespace = 'outreach'::regnamespace
               AND p.prosqlbody IS NULL AND p.provolatile <> 'i'
               AND NOT coalesce(p.proconfig::text, '') LIKE '%search_path=%'
            """
        ).fetchall()
        powerful = admin.execute(
            """
            SELECT p.proname, p.proconfig::text, r.rolsuper FROM pg_proc p
              JOIN pg_roles r ON r.oid = p.proowner
             WHERE p.pronamespace = 'outreach'::regnamespace AND p.prosecdef
            """
        ).fetchall()
        views = admin.execute(
            """
            SELECT relname FROM pg_class
             WHERE relnamespace = 'outreach'::regnamespace AND relkind IN ('v', 'm')
               AND NOT coalesce(reloptions::text, '') LIKE '%security_invoker%'
            """
        ).fetchall()

    assert bare == []
    assert views == []
    assert [name for name, _, _ in powerful] == ["ensure_partitions"]
    assert all("pg_temp" in config and not mighty for _, config, mighty in powerful)


async def _busy(world: World) -> None:
    """Something in every tenant table."""
    phone, _ = await world.phone_with(3, limits=Limits(total_per_day=9))
    bounds = Allowance(per_day=9)
    await world.accounts.allow(phone.tenant, phone.account, bounds)
    await world.send()
    (lead, *_) = await world.line(phone)
    known = await world.known(lead)
    item = invented.item(world.tenant, known.journey.lead, known.now)
    said = Heard(EventType.REPLY, Channel.WHATSAPP, known.now, content="da")
    await world.commit(
        world.change(known, heard=said, review=ReviewChange(item, "OPENED", "engine"))
    )
    known = await world.known(lead)
    (other,) = await world.phones()
    journey = evolve(known.journey, phone=phone.id)
    await world.commit(evolve(world.change(known), journey=journey))
    known = await world.known(lead)
    journey = evolve(known.journey, phone=other.id)
    await world.commit(evolve(world.change(known), journey=journey))
    found = [Finding(Check.TOO_SOON, "1")]
    await world.audit.record(world.tenant, found, found, by="ana")
    await world.advance_engine(GAP)
    (mailed,) = await world.line(phone, mail=True)
    mail = await world.call_for(await world.mail(phone, mailed))
    await world.settle(mail, Outcome.ACCEPTED)
    fault = (mail.draft.parcel.attempt, MailFault.COMPLAINED)
    await world.changed(mailed, opted_out, faults=(fault,))
    await world.consents.add(
        world.tenant,
        mailed,
        Channel.EMAIL_COLD,
        ConsentKind.PROVEN,
        text="Da.",
        source="form",
        by="ana",
    )
    await world.switches.throw(
        world.tenant, SwitchScope.TENANT, "", reason="test", by="ana"
    )
    stop = Suppression(
        phone_key(known.number), SuppressionReason.PERSON, "ana", known.now
    )
    await world.switches.suppress(world.tenant, [stop])
    after = evolve(phone, label="moved")
    assert await world.senders.change(phone, after, by="ana")


async def test_without_a_tenant_or_with_another_one_nothing_is_seen(
    world: World, postgres_url: str
) -> None:
    await _busy(world)
    nobody = Database(postgres_url, size=1)
    await nobody.open()
    with as_admin(postgres_url) as admin:
        admin.execute(
            "INSERT INTO outreach_daily_stats (tenant_id, stat_date) VALUES (%s, %s)",
            (TENANT, invented.START.date()),
        )
        admin.execute(
            """
            WITH hosted AS (
              INSERT INTO provider_campaigns (tenant_id, account_id, campaign_id,
                                              step_id, window_key)
              SELECT tenant_id, gen_random_uuid(), id, gen_random_uuid(), 'RO'
                FROM campaigns LIMIT 1 RETURNING tenant_id, id)
            INSERT INTO provider_counts SELECT tenant_id, id, now(), 1, 0 FROM hosted
            """
        )
        admin.execute(
            "INSERT INTO model_calls (tenant_id, minute_began, day_began) "
            "VALUES (%s, now(), now())",
            (TENANT,),
        )
        admin.execute(
            "INSERT INTO mailbox_places VALUES (%s, 'a@example.com', 'sent', 1, 1)",
            (TENANT,),
        )
        admin.execute(
            "INSERT INTO mailbox_logins (sender_id, tenant_id, sealed) "
            "SELECT id, tenant_id, '' FROM senders LIMIT 1"
        )
        admin.execute("UPDATE raw_events SET tenant_id = %s", (TENANT,))
        admin.execute(
            """
            INSERT INTO mail_moves (tenant_id, lead_id, intent_id, sender_id,
                                    account_id, at, why)
            SELECT tenant_id, id, id, id, id, now(), '' FROM campaigns LIMIT 1
            """
        )
        admin.execute(
            """
            INSERT INTO intros (id, tenant_id, lead_id, intent_id, template_id,
                                version_number, state, made_at)
            SELECT id, tenant_id, id, id, id, 1, 'PROPOSED', now() FROM leads LIMIT 1
            """
        )
        admin.execute(
            """
            WITH one AS (
              INSERT INTO provider_campaigns (tenant_id, account_id, campaign_id,
                                              step_id, window_key)
              SELECT tenant_id, id, id, id, '' FROM campaigns LIMIT 1
              RETURNING tenant_id, id)
            INSERT INTO provider_counts SELECT tenant_id, id, %s, 1, 0 FROM one
            """,
            (invented.START.date(),),
        )
        tables = [
            name
            for name, _, _, partition in admin.execute(TENANT_TABLES).fetchall()
            if name not in IDS_AND_TIMES_ONLY | OWN_POLICY and not partition
        ]
        full = {
            name: admin.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0]
            for name in tables
        }
    seen: dict[str, tuple[int, int, int]] = {}
    for name in tables:
        query = f"SELECT count(*) FROM {name}"
        seen[name] = (
            await nobody.value(query),
            await nobody.value(query, tenant=STRANGER),
            await nobody.value(query, tenant=TENANT),
        )
    await nobody.close()

    assert min(full.values()) > 0, full
    assert seen == {name: (0, 0, full[name]) for name in tables}


async def test_nobody_writes_for_another_tenant(database: Database) -> None:
    statement = """
        INSERT INTO campaigns (id, tenant_id, sequence_id, name)
        VALUES (%s, %s, %s, 'x')
    """
    arguments = (uuid4(), STRANGER, uuid4())

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await database.rows(statement, arguments, tenant=TENANT)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await database.rows(statement, arguments)


async def test_raw_events_are_the_workers_until_they_are_somebodys(
    world: World, postgres_url: str
) -> None:
    await world.inbox.put(invented.arrival("one"))
    worker = Database(postgres_url, size=1)
    web = Database(postgres_url, role="outreach_web", size=1)
    await worker.open()
    await web.open()
    count = "SELECT count(*) FROM raw_events"

    before = await worker.value(count), await web.value(count, tenant=TENANT)
    await worker.rows("UPDATE raw_events SET tenant_id = %s", (TENANT,))
    after = (
        await web.value(count),
        await web.value(count, tenant=TENANT),
        await web.value(count, tenant=STRANGER),
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await web.rows(
            "INSERT INTO raw_events (id, received_at, tenant_id, raw) "
            "VALUES (%s, %s, %s, '')",
            (uuid4(), invented.START, TENANT),
            tenant=TENANT,
        )
    aside = await worker.value("SELECT count(*) FROM raw_events_default")

    await worker.close()
    await web.close()
    assert before == (1, 0)
    assert after == (0, 1, 0)
    assert aside == 0


async def test_an_approved_intro_is_changed_by_nobody(
    world: World, postgres_url: str
) -> None:
    await save_text(world)
    await wait_for(world)
    intro = await proposed(world)
    await approve(world, intro)
    worker = Database(postgres_url, size=1)
    await worker.open()

    changed = await worker.rows(
        "UPDATE intros SET text = 'x', state = 'PROPOSED' RETURNING id", tenant=TENANT
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await worker.rows("DELETE FROM intros", tenant=TENANT)

    await worker.close()
    assert list(changed) == []
    assert (await now_there(world, intro)).said == intro.text
