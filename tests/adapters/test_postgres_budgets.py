"""Further budgets in PostgreSQL: races, drift that is seen, and rows that stay few."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from tests.adapters.postgres_load import TENANT as LOADED
from tests.adapters.postgres_load import as_admin, fill, lane_id
from tests.adapters.postgres_plans import watched
from tests.contract.postgres_world import TENANT, empty, world_over
from tests.servers import NewDatabase

from outreach.adapters.postgres.pool import Database
from outreach.domain.ids import Incarnation
from outreach.domain.limits import Limits
from outreach.domain.message import NotArmed, Outcome, WhyNotArmed
from outreach.testing.world import GAP, Call, World

WORKERS: Final = 12
LIMIT: Final = 4
ROUNDS: Final = 40
ENDINGS: Final = (Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.RELEASED)
BUDGETS: Final = 20_000


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    empty(postgres_url)
    database = Database(postgres_url, size=16)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def world(database: Database) -> World:
    return world_over(database)


async def apart(database: Database) -> list[dict[str, Any]]:
    return await database.rows("SELECT * FROM budgets_apart()", tenant=TENANT)


async def test_no_budget_is_passed_however_many_workers_arm_and_end_late(
    world: World, database: Database
) -> None:
    rng = random.Random(5)
    limits = Limits(total_per_day=LIMIT, campaign_new_per_day=LIMIT - 1)
    for phone in await world.phones(3, limits=limits):
        await world.line(phone, LIMIT * 2)
    refused: list[NotArmed] = []

    async def work(number: int) -> None:
        who = Incarnation(f"worker/{number}")
        late: list[Call] = []
        for _ in range(ROUNDS):
            for claim in await world.claims(who, limit=1):
                case = claim.cases[0]
                assert case.ledger is not None
                forgot = evolve(case, ledger=evolve(case.ledger, budgets={}))
                call = await world.arm(claim, forgot)
                if not call.armed:
                    assert isinstance(call.verdict, NotArmed)
                    refused.append(call.verdict)
                    continue
                await world.settle(call, Outcome.UNKNOWN, gap=timedelta())
                late.append(call)
            if late and rng.random() < 0.5:
                outcome = rng.choice(ENDINGS)
                call = late.pop(rng.randrange(len(late)))
                await world.settle(call, outcome, gap=timedelta())
            await asyncio.sleep(0.001)

    await asyncio.gather(*(work(number) for number in range(WORKERS)))

    uses = await database.rows("SELECT key, used FROM budget_use", tenant=TENANT)
    assert {refusal.why for refusal in refused} == {WhyNotArmed.BUDGET}
    assert len(uses) == 2 * 3
    for row in uses:
        limit = LIMIT if row["key"].startswith("total:") else LIMIT - 1
        assert 0 < row["used"] <= limit
    assert await apart(database) == []


async def test_a_use_that_drifted_is_seen(world: World, database: Database) -> None:
    await world.phone_with(2, limits=Limits(total_per_day=9))
    first = await world.send()
    await world.advance_engine(GAP)
    await world.send()
    assert await apart(database) == []

    await database.rows("UPDATE budget_use SET used = used + 1", tenant=TENANT)
    (counted,) = await apart(database)
    await database.rows("UPDATE budget_use SET used = used - 1", tenant=TENANT)
    await database.rows(
        "UPDATE attempts SET outcome = 'RELEASED' WHERE id = %s",
        (first.draft.parcel.attempt,),
        tenant=TENANT,
    )
    (unsent,) = await apart(database)

    assert (counted["used"], counted["held"], counted["unsent"]) == (3, 2, 0)
    assert (unsent["used"], unsent["held"], unsent["unsent"]) == (2, 2, 1)


async def test_rows_of_periods_long_past_are_taken_away_by_new_ones(
    world: World, database: Database
) -> None:
    await world.phone_with(20, limits=Limits(company_per_month=1))
    for _ in range(20):
        await world.send()
        await world.advance_engine(GAP)

    async def rows() -> int:
        found = await database.rows("SELECT key FROM budget_use", tenant=TENANT)
        held = await database.rows("SELECT key FROM budget_units", tenant=TENANT)
        assert len(found) == len(held)
        return len(found)

    before = await rows()
    await world.advance_engine(timedelta(days=60))
    numbers = []
    for _ in range(3):
        await world.send()
        await world.advance_engine(GAP)
        numbers.append(await rows())

    assert before == 20
    assert numbers == [20 + 1 - 8, 13 + 1 - 8, 6 + 1 - 4]


def test_budgets_are_probed_by_their_keys(
    new_database: NewDatabase, migrated_template: str
) -> None:
    url = new_database(migrated_template)
    fill(url, leads=200, lanes=2)
    with as_admin(url) as admin:
        admin.execute(
            "UPDATE senders SET total_per_day = 9, unanswered_per_month = 9,"
            " company_per_month = 9, domain_per_day = 9, campaign_new_per_day = 9"
        )
        for table in ("budget_use", "budget_units"):
            admin.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
        admin.execute(
            """
            INSERT INTO budget_use
              (tenant_id, sender_id, key, used, limit_told, ends_at)
            SELECT %s, %s, 'company:' || n || ':2026-03', 1, 9, '2026-04-01'
              FROM generate_series(1, %s) AS n
            """,
            (LOADED, lane_id(1), BUDGETS),
        )
    shares = (
        '[{"key": "total:2026-03-02", "limit": 9, "ends_at": "2026-03-03"},'
        ' {"key": "company:7:2026-03", "limit": 9, "ends_at": "2026-04-01"}]'
    )

    with watched(url) as plans:
        plans.run("SELECT set_config('app.tenant', %s, false)", str(LOADED))
        steps = (
            ("SELECT claim_lanes('w', '{}', 2, '60 s', '65 s')", ()),
            ("SELECT lock_budgets(%s, %s, %s)", (LOADED, lane_id(1), shares)),
            (
                (
                    "SELECT full_budget(p, gen_random_uuid(), %s)"
                    " FROM senders p WHERE id = %s"
                ),
                (shares, lane_id(1)),
            ),
            (
                "SELECT take_budgets(%s, %s, gen_random_uuid(), %s, %s)",
                (LOADED, lane_id(1), lane_id(9), shares),
            ),
            ("SELECT lock_budgets_of(%s)", (lane_id(9),)),
            ("SELECT give_budgets_back(%s)", (lane_id(9),)),
        )
        for query, arguments in steps:
            plans.run(query, *arguments)
            read = {
                node["Relation Name"]: node["Actual Rows"] * node["Actual Loops"]
                for node in plans.nodes()
                if str(node.get("Relation Name", "")).startswith("budget_")
            }
            assert read, query
            assert max(read.values()) <= 8, (query, read)
