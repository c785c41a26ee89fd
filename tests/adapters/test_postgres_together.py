"""Calls of T1 and T2 that come together travel in one commit, and fail alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

import psycopg
import pytest
from attrs import define, field
from tests.adapters.postgres_load import as_admin
from tests.contract.postgres_world import empty, world_over

from outreach.adapters.postgres.pool import Database
from outreach.adapters.postgres.together import GROUP, Together
from outreach.domain.errors import AnswerLost
from outreach.domain.message import Outcome
from outreach.testing.world import Call, World

MANY: Final = 5
A_MOMENT: Final = 0.3


# --- what travels together


@define
class Commits:
    """Answers each number by itself, and keeps what came in which commit."""

    refuses: frozenset[int] = frozenset()
    lost: bool = False
    kept: list[Sequence[int]] = field(factory=list)
    open: asyncio.Event = field(factory=asyncio.Event)

    async def many(self, asked: Sequence[int]) -> Sequence[int | None]:
        self.kept.append(tuple(asked))
        await self.open.wait()
        if self.lost:
            message = "the answer was lost"
            raise AnswerLost(message)
        if self.refuses.intersection(asked):
            raise psycopg.DataError
        return [None if one < 0 else one for one in asked]

    async def alone(self, asked: int) -> int:
        self.kept.append((asked,))
        await self.open.wait()
        if asked in self.refuses:
            raise psycopg.DataError
        return asked

    def together(self) -> Together[int, int]:
        """Numbers of one parity are of one kind."""
        return Together(self.many, self.alone, lambda one: one % 2)


async def test_what_comes_in_one_turn_goes_in_one_commit() -> None:
    commits = Commits()
    commits.open.set()
    together = commits.together()

    answers = await asyncio.gather(*map(together.ask, (0, 2, 4)))

    assert answers == [0, 2, 4]
    assert commits.kept == [(0, 2, 4)]


async def test_what_comes_during_a_commit_goes_into_the_next_one() -> None:
    commits = Commits()
    together = commits.together()

    first = asyncio.create_task(together.ask(0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(together.ask(one)) for one in (2, 4)]
    await asyncio.sleep(0)
    commits.open.set()
    answers = await asyncio.gather(first, *others)

    assert answers == [0, 2, 4]
    assert commits.kept == [(0,), (2, 4)]


async def test_a_commit_carries_one_kind_and_no_more_than_a_group() -> None:
    commits = Commits()
    commits.open.set()
    together = commits.together()

    answers = await asyncio.gather(*map(together.ask, range(2 * GROUP + 3)))

    assert answers == list(range(2 * GROUP + 3))
    assert [len(group) for group in commits.kept] == [GROUP, GROUP, 1 + 1, 1]
    assert all(len({one % 2 for one in group}) == 1 for group in commits.kept)


async def test_a_bad_call_fails_alone() -> None:
    commits = Commits(refuses=frozenset({2}))
    commits.open.set()
    together = commits.together()

    answers = await asyncio.gather(
        *map(together.ask, (0, 2, 4)), return_exceptions=True
    )

    assert answers[::2] == [0, 4]
    assert isinstance(answers[1], psycopg.DataError)


async def test_what_could_not_go_along_is_asked_alone() -> None:
    commits = Commits()
    commits.open.set()
    together = commits.together()

    answers = await asyncio.gather(*map(together.ask, (0, -2, 4)))

    assert answers == [0, -2, 4]
    assert commits.kept == [(0, -2, 4), (-2,)]


async def test_a_lost_answer_is_lost_for_all_of_its_commit() -> None:
    commits = Commits(lost=True)
    commits.open.set()
    together = commits.together()

    answers = await asyncio.gather(*map(together.ask, (0, 2)), return_exceptions=True)

    assert [type(answer) for answer in answers] == [AnswerLost, AnswerLost]
    assert commits.kept == [(0, 2)]


async def test_who_was_cancelled_before_is_not_asked_for() -> None:
    commits = Commits()
    commits.open.set()
    together = commits.together()

    gone = asyncio.create_task(together.ask(0))
    stays = asyncio.create_task(together.ask(2))
    await asyncio.sleep(0)
    gone.cancel()
    answer = await stays

    assert answer == 2
    assert commits.kept == [(2,)]


# --- over PostgreSQL


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    empty(postgres_url)
    database = Database(postgres_url, size=4)
    await database.open()
    yield database
    await database.close()


@pytest.fixture
def world(database: Database) -> World:
    return world_over(database)


async def _armed(world: World) -> list[Call]:
    """One call under way in each of MANY lanes; all were armed together."""
    for _ in range(MANY):
        await world.phone_with()
    claims = await world.claims()
    return list(await asyncio.gather(*(world.arm(claim) for claim in claims)))


async def test_each_lane_is_armed_and_settled_once(
    world: World, postgres_url: str
) -> None:
    calls = await _armed(world)

    lefts = await asyncio.gather(
        *(world.settle(call, Outcome.ACCEPTED) for call in calls)
    )

    assert all(call.armed for call in calls)
    assert [left.attempt for left in lefts] == [c.draft.parcel.attempt for c in calls]
    with as_admin(postgres_url) as admin:
        stamps = admin.execute("SELECT DISTINCT xmin::text FROM attempts").fetchall()
        counts = admin.execute(
            "SELECT count(*), sum(used)::integer FROM wa_quota_usage"
        ).fetchone()
    assert len(stamps) == 1, "T2 of all was not one commit"
    assert counts == (MANY, MANY)


async def test_a_locked_lead_holds_up_no_other_lane(
    world: World, postgres_url: str
) -> None:
    for _ in range(MANY):
        await world.phone_with()
    held, *others = await world.claims()

    with as_admin(postgres_url) as admin, admin.transaction():
        admin.execute(
            "SELECT FROM gold_lead_journey WHERE id = %s FOR UPDATE",
            (held.cases[0].intent.lead,),
        )
        arming = [asyncio.create_task(world.arm(one)) for one in (held, *others)]
        done, waiting = await asyncio.wait(arming, timeout=A_MOMENT)
        calls = [task.result() for task in done]
    late = await arming[0]

    assert waiting == {arming[0]}
    assert len(calls) == len(others)
    assert all(call.armed for call in (late, *calls))


async def test_a_locked_lead_holds_up_no_other_outcome(
    world: World, postgres_url: str
) -> None:
    calls = await _armed(world)

    with as_admin(postgres_url) as admin, admin.transaction():
        admin.execute(
            "SELECT FROM gold_lead_journey WHERE id = %s FOR UPDATE",
            (calls[0].draft.lead,),
        )
        settling = [
            asyncio.create_task(world.settle(call, Outcome.ACCEPTED)) for call in calls
        ]
        _, waiting = await asyncio.wait(settling, timeout=A_MOMENT)
    lefts = await asyncio.gather(*settling)

    assert waiting == {settling[0]}
    assert {left.outcome for left in lefts} == {Outcome.ACCEPTED}


async def test_an_outcome_that_cannot_be_stored_fails_alone(world: World) -> None:
    calls = await _armed(world)
    # The provider gave two messages one id.
    refs = ["same", "same", *map(str, range(2, MANY))]

    answers = await asyncio.gather(
        *(
            world.settle(call, Outcome.ACCEPTED, ref=ref)
            for call, ref in zip(calls, refs, strict=True)
        ),
        return_exceptions=True,
    )

    failed = [one for one in answers if isinstance(one, BaseException)]
    assert [type(one) for one in failed] == [psycopg.errors.UniqueViolation]
