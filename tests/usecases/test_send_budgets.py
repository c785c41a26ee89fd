"""Further budgets from the decision to the end of a call, guard and ledger alike."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve, frozen
from tests.unit.cases import uid
from tests.usecases.engine import DAY, MINUTE, SECOND, Engine, engine

from outreach.adapters.memory.gateway import Mishap
from outreach.adapters.memory.guard import MemoryGuard
from outreach.adapters.memory.rows import BudgetRow
from outreach.domain.budget import Ask, Budget, Grant, GuardCode, Units, UnitSlot
from outreach.domain.decision import Reason
from outreach.domain.errors import Unavailable
from outreach.domain.ids import AttemptId, IntentId
from outreach.domain.limits import BudgetKind, Limits, kind_of
from outreach.domain.message import NotAccepted, Refusal, Refused
from outreach.domain.sender import Sender
from outreach.domain.usecases.send_next import Step
from outreach.domain.window import next_midnight

ALL: Final = Limits(
    total_per_day=6,
    unanswered_per_month=9,
    company_per_month=2,
    campaign_new_per_day=5,
)


async def agree(here: Engine, phone: Sender) -> None:
    """The guard holds what the ledger holds, of every budget there ever was."""
    for key, row in here.store.budgets.get(phone.id, {}).items():
        held = await here.guard.held(here.slot(phone), key)
        assert held == set(row.ids), key


def used(here: Engine, phone: Sender) -> dict[BudgetKind, int]:
    rows = here.store.budgets.get(phone.id, {})
    return {kind_of(key): len(row.ids) for key, row in rows.items()}


async def test_all_budgets_are_taken_with_one_send() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(limits=ALL)

    assert await here.send() is Step.ACCEPTED

    assert set(used(here, phone)) == set(BudgetKind) - {BudgetKind.DOMAIN}
    assert set(used(here, phone).values()) == {1}
    await agree(here, phone)


async def test_the_smallest_of_all_budgets_wins() -> None:
    here = engine()
    phone, leads = await here.world.phone_with(12, limits=ALL)

    steps = await here.run()

    assert steps.count(Step.ACCEPTED) == ALL.campaign_new_per_day == 5
    assert here.reasons().count(Reason.BUDGET_EXCEEDED) == 1, "and not one per lead"
    assert used(here, phone)[BudgetKind.TOTAL] == 5
    await agree(here, phone)
    assert len(here.gateway.accepted) < len(leads)


async def test_a_full_day_is_one_deferral_of_the_whole_lane() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(12, limits=Limits(total_per_day=4))

    steps = await here.run()

    assert steps.count(Step.ACCEPTED) == 4
    assert steps.count(Step.PUT_OFF) == 1
    until = next_midnight(here.clock.engine, phone.time_zone)
    assert here.lane(phone).budget_gate_at == until
    here.pass_time(DAY)
    assert (await here.run()).count(Step.ACCEPTED) == 4


async def test_follow_ups_count_in_the_day_and_are_moved_by_a_full_month() -> None:
    here = engine()
    limits = Limits(total_per_day=9, unanswered_per_month=3)
    phone, _ = await here.world.phone_with(2, limits=limits)
    await here.run()
    here.pass_time(2 * DAY)

    steps = await here.run()

    assert steps == [Step.ACCEPTED, Step.PUT_OFF]
    assert len(here.gateway.accepted) == 3
    await agree(here, phone)
    here.pass_time(29 * DAY)
    assert await here.run() == [Step.ACCEPTED]


async def test_a_guard_that_is_fuller_than_the_ledger_puts_off_once() -> None:
    here = engine()
    limits = Limits(total_per_day=2)
    phone, _ = await here.world.phone_with(3, limits=limits)
    slot, key = here.slot(phone), f"total:{here.slot(phone).day}"
    await here.guard.rebuild(await here.world.intents.units([slot], [key]))
    for n in (901, 902):
        asked = Ask(IntentId(uid(n)), slot, 0, 200, 1, DAY, (Budget(key, 2, 1, DAY),))
        await here.guard.reserve([asked])

    assert await here.send() is Step.PUT_OFF

    assert here.gateway.arrivals == 0
    assert here.reasons() == [Reason.BUDGET_EXCEEDED]
    assert await here.world.claims() == []


async def test_a_ledger_that_is_fuller_than_the_guard_puts_off_and_rebuilds() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(2, limits=Limits(total_per_day=1))
    claim = await here.world.claim()
    key = f"total:{here.slot(phone).day}"
    row = BudgetRow(next_midnight(here.clock.engine, phone.time_zone))
    row.ids[IntentId(uid(901))] = AttemptId(uid(902))
    await here.guard.rebuild(await here.world.intents.units([here.slot(phone)], [key]))
    here.store.budgets[phone.id] = {key: row}

    step = await here.sends()(claim, here.clock.monotonic())

    assert step is Step.NOT_ARMED
    assert here.gateway.arrivals == 0
    assert here.spent(phone) == frozenset()
    assert await here.world.claims() == []
    await agree(here, phone)


async def test_a_guard_without_budgets_is_rebuilt_before_it_allows_anything() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(9, limits=ALL)
    rng = random.Random(3)

    for _ in range(9):
        here.guard.lose(rng.choice([0.3, 1.0]), rng)
        for claim in await here.world.claims():
            await here.sends()(claim, here.clock.monotonic())
        here.pass_time(3 * MINUTE)

    assert len(here.gateway.accepted) == 5
    assert used(here, phone)[BudgetKind.CAMPAIGN] == 5


@pytest.mark.parametrize("runs", [0, 1])
async def test_an_old_state_of_the_guard_lets_nothing_pass(runs: int) -> None:
    here = engine()
    phone, _ = await here.world.phone_with(9, limits=Limits(total_per_day=4))
    await here.send()
    here.pass_time(3 * MINUTE)
    old = here.guard.save()
    for _ in range(3):
        await here.send()
        here.pass_time(3 * MINUTE)

    here.guard.restore(old)
    for _ in range(runs):
        here.guard.restart()
    await here.run()

    assert len(here.gateway.accepted) == 4
    assert used(here, phone) == {BudgetKind.TOTAL: 4}


async def test_guard_and_ledger_agree_after_every_end_of_a_call() -> None:
    here = engine()
    wide = Limits(total_per_day=90, company_per_month=9, campaign_new_per_day=50)
    phone, _ = await here.world.phone_with(12, limits=wide)
    here.gateway.script(
        NotAccepted(lane=True),
        Refused(Refusal.INVALID_RECIPIENT),
        Mishap.ACCEPTED_THEN_SILENT,
        NotAccepted(lane=False),
        Refused(Refusal.REJECTED),
        Mishap.NOT_CONNECTED,
    )

    await here.run()

    await agree(here, phone)
    sent = used(here, phone)[BudgetKind.TOTAL]
    assert sent == len(here.gateway.accepted)


async def test_a_follow_up_that_did_not_leave_gives_the_guard_its_share_back() -> None:
    here = engine()
    phone, _ = await here.world.phone_with(limits=Limits(total_per_day=5))
    await here.send()
    here.pass_time(2 * DAY)
    here.gateway.script(NotAccepted(lane=True, retry_after=timedelta(minutes=5)))

    assert await here.send() is Step.RELEASED

    key = f"total:{here.slot(phone).day}"
    assert await here.guard.held(here.slot(phone), key) == frozenset()
    here.pass_time(5 * MINUTE)
    assert await here.send() is Step.ACCEPTED
    await agree(here, phone)


async def test_a_raised_limit_lets_the_lane_go_on_the_same_day() -> None:
    here = engine()
    limits = Limits(campaign_new_per_day=2)
    phone, _ = await here.world.phone_with(6, limits=limits)
    await here.run()

    raised = evolve(phone, limits=Limits(campaign_new_per_day=3))
    assert await here.world.senders.change(phone, raised, by="ana")
    steps = await here.run()

    assert steps.count(Step.ACCEPTED) == 1
    assert len(here.gateway.accepted) == 3
    here.pass_time(SECOND)


@frozen
class Flaky:
    """A guard whose server may fail before or after it does what it was asked."""

    inner: MemoryGuard
    rng: random.Random
    granted: set[IntentId]

    async def reserve(self, asks: Sequence[Ask]) -> Sequence[Grant]:
        self._fail()
        grants = await self.inner.reserve(asks)
        self._fail()
        for asked, grant in zip(asks, grants, strict=True):
            if grant.code is GuardCode.OK:
                self.granted.add(asked.rid)
        return grants

    async def release(self, rid: IntentId, slot: UnitSlot) -> None:
        self._fail()
        await self.inner.release(rid, slot)
        self._fail()

    async def rebuild(self, units: Sequence[Units]) -> None:
        self._fail()
        await self.inner.rebuild(units)
        self._fail()

    async def peek(self, slots: Sequence[UnitSlot]) -> Sequence[Grant]:
        return await self.inner.peek(slots)

    def _fail(self) -> None:
        if self.rng.random() < 0.3:
            reason = "the guard is down"
            raise Unavailable(reason)


@pytest.mark.parametrize("seed", range(8))
async def test_a_guard_that_comes_and_goes_lets_nothing_pass_unasked(seed: int) -> None:
    here = engine()
    rng = random.Random(seed)
    phone, _ = await here.world.phone_with(9, limits=Limits(total_per_day=4))
    guard = Flaky(here.guard, rng, set())

    for _ in range(60):
        for claim in await here.world.claims():
            with suppress(Unavailable):
                await evolve(here.sends(), guard=guard)(claim, here.clock.monotonic())
        if rng.random() < 0.2:
            here.guard.lose(0.5, rng)
        here.pass_time(3 * MINUTE)

    sent = {parcel.intent for parcel in here.gateway.accepted}
    assert len(here.gateway.accepted) == len(sent) == 4
    assert sent <= guard.granted
    assert used(here, phone) == {BudgetKind.TOTAL: 4}


async def test_a_mailbox_that_warms_up_sends_a_little_more_each_day() -> None:
    here = engine()
    (phone,) = await here.world.phones()
    (mailbox,) = await here.world.mailboxes(
        limits=Limits(total_per_day=8), warm_up_days=4, warm_up_start=2
    )
    leads = await here.world.line(phone, 30, mail=True, within=DAY * 30)
    for lead in leads:
        await here.world.mail(mailbox, lead)

    sent = []
    for _ in range(5):
        before = len(here.gateway.accepted)
        await here.run()
        sent.append(len(here.gateway.accepted) - before)
        here.pass_time(DAY)

    assert sent == [2, 4, 6, 8, 8]
    assert Reason.BUDGET_EXCEEDED in here.reasons()
    await agree(here, mailbox)
