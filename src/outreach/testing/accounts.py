"""What every `Accounts` owes its callers, and the claims and T1 that go by it.

Subclass `AccountsContract` in a test module, with a fixture ``world`` that gives a
fresh `World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from outreach.domain.allowance import Allowance, Period, Use
from outreach.domain.change import Duty, DutyKind
from outreach.domain.decision import Reason, decide
from outreach.domain.ids import Incarnation
from outreach.domain.lane import obstacles
from outreach.domain.message import NotArmed, Outcome, WhyNotArmed
from outreach.domain.sender import Sender
from outreach.ports.accounts import AccountView
from outreach.testing.arming import why
from outreach.testing.world import GAP, HOUR, A, B, Call, World

__all__ = ["AccountsContract"]

LANES: Final = 5
PLENTY: Final = 1_000
SECOND: Final = timedelta(seconds=1)
A_DAY: Final = timedelta(days=1)
SLOW: Final = 0.1
"""Calls a second: one in ten seconds."""
ONE: Final = timedelta(seconds=10)
TWO: Final = 2
THREE: Final = 3
FIVE: Final = 5


async def _phones(
    world: World, allowance: Allowance, lanes: int = LANES, each: int = 3
) -> list[Sender]:
    """Phones of one bounded account, each with messages that are due."""
    phones = await world.phones(lanes)
    for phone in phones:
        await world.line(phone, each)
    await world.accounts.allow(world.tenant, phones[0].account, allowance)
    await world.quiet()
    return phones


async def _view(world: World, phone: Sender) -> AccountView:
    return await world.accounts.view(world.tenant, phone.account)


async def _plans(world: World) -> list[Duty]:
    taken = await world.duties.take(A, PLENTY)
    for duty in taken:
        await world.duties.done(duty, None)
    return [duty for duty in taken if duty.kind is DutyKind.PLAN]


async def _sent(world: World, outcome: Outcome = Outcome.ACCEPTED) -> Call:
    """One message of whatever lane comes first."""
    (claim,) = await world.claims(limit=1)
    call = await world.arm(claim)
    assert call.armed, f"not armed: {call.verdict}"
    await world.settle(call, outcome)
    return call


class AccountsContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_claims_take_calls_from_the_bucket(self, world: World) -> None:
        """Of an account no more lanes are claimed than its bucket holds calls, whoever
        asks.
        """
        await _phones(world, Allowance(rate=SLOW, burst=TWO))
        workers = [Incarnation(f"worker/{n}") for n in range(LANES)]

        answers = await asyncio.gather(
            *(world.lanes.claim(who, {}, LANES) for who in workers)
        )
        more = await world.claims(limit=LANES)
        await world.advance_machine(ONE + SECOND)
        later = await world.claims(limit=LANES)

        assert sum(map(len, answers)) + len(more) == TWO
        assert len(later) == 1

    async def test_an_empty_account_wakes_in_time(self, world: World) -> None:
        """An account that is empty wakes its lanes when there is room again, and not
        before.
        """
        phones = await _phones(world, Allowance(rate=SLOW))
        before = await world.lanes.next_wake()
        await world.claims(limit=1)

        wait = await world.lanes.next_wake()
        with_room = await world.lanes.next_wake({phones[0].account: 1})
        await world.advance_machine(ONE - SECOND)
        early = await world.claims()
        await world.advance_machine(SECOND * 1.5)

        assert before == timedelta()
        assert wait is not None
        assert with_room is not None
        assert ONE - SECOND < wait <= ONE
        assert ONE - SECOND < with_room <= ONE
        assert early == []
        assert await world.lanes.next_wake() == timedelta()
        assert len(await world.claims()) == 1

    async def test_what_makes_no_call_costs_none(self, world: World) -> None:
        """A claim that makes no call gives its call back, once."""
        await _phones(world, Allowance(rate=SLOW / PLENTY, burst=TWO))

        for _ in range(3):
            first, second = await world.claims()
            await world.lanes.free(first)
            await world.lanes.free(first)
            await world.put_off(second, second.cases[0], second.now + timedelta(days=9))
            await world.put_off(second, second.cases[0], second.now + timedelta(days=9))
        third, fourth = await world.claims()
        late = await world.arm(third, valid_until=third.now)
        await world.lanes.free(third)
        kept = await world.claims()

        assert why(late) is WhyNotArmed.LATE
        assert len(kept) == 1
        assert await world.claims() == []
        assert fourth.token > 0

    async def test_a_call_of_many_is_one_call(self, world: World) -> None:
        """Many messages in one call are one call of the bucket."""
        (phone, _) = await _phones(world, Allowance(rate=SLOW, burst=TWO), 2, 4)

        first = await world.claims(limit=1, many={phone.account: 4})
        second = await world.claims(many={phone.account: 4})
        third = await world.claims(many={phone.account: 4})

        assert [len(one.cases) for one in (*first, *second)] == [4, 4]
        assert third == []

    async def test_a_plan_bounds_what_is_armed(self, world: World) -> None:
        """No more messages are armed than a plan has left, whoever asks."""
        phones = await _phones(world, Allowance(per_day=3, per_month=PLENTY))
        claims = await world.claims()

        calls = await asyncio.gather(*(world.arm(claim) for claim in claims))

        view = await _view(world, phones[0])
        refused = [call for call in calls if not call.armed]
        assert len(calls) - len(refused) == THREE
        assert {why(call) for call in refused} == {WhyNotArmed.BUDGET}
        day, month = view.plans
        assert (day.used, day.limit, day.is_full) == (3, 3, True)
        assert (month.used, month.limit, month.is_full) == (3, PLENTY, False)
        for call in refused:
            assert isinstance(call.verdict, NotArmed)
            assert call.verdict.detail == day.key

    async def test_a_plan_bounds_a_call_of_many(self, world: World) -> None:
        (phone,) = await _phones(world, Allowance(per_month=TWO), 1, 5)
        (claim,) = await world.claims(many={phone.account: 5})
        drafts = [world.draft(claim, case) for case in claim.cases]

        verdicts = await world.intents.arm(claim, drafts)

        refused = [one for one in verdicts if isinstance(one, NotArmed)]
        assert [isinstance(one, NotArmed) for one in verdicts] == [False] * TWO + [
            True
        ] * 3
        assert {one.why for one in refused} == {WhyNotArmed.BUDGET}

    async def test_a_full_plan_closes_its_account(self, world: World) -> None:
        """A full plan closes all lanes of its account until its period ends."""
        phones = await _phones(world, Allowance(per_day=TWO))
        (other,) = await world.phones(provider_account="second")
        await world.line(other)
        await world.accounts.allow(world.tenant, other.account, Allowance(per_day=9))
        claims = await world.claims()
        for claim in claims:
            await world.arm(claim)

        closed = await world.claims()
        wait = await world.lanes.next_wake({phones[0].account: 9})
        view = await _view(world, phones[0])
        (full,) = view.plans
        (lane,) = await world.decisions.lanes(world.tenant, phones[-1].id)
        await world.advance_engine(full.ends_at - view.now - SECOND)
        before = await world.claims()
        await world.advance_engine(SECOND * 2)
        after = await world.claims()

        assert len(claims) == LANES + 1
        assert closed == before == []
        assert wait is not None
        assert lane.plan == full
        assert Reason.BUDGET_EXCEEDED in [one.reason for one in obstacles(lane)]
        assert {claim.account for claim in after} == {phones[0].account}
        assert (await _view(world, phones[0])).plans[0].used == 0

    async def test_what_was_not_sent_is_not_counted(self, world: World) -> None:
        """What was not sent gives its place in the plan back."""
        phones = await _phones(world, Allowance(per_day=1, per_month=1), 2)
        await _sent(world, Outcome.RELEASED)
        released = (await _view(world, phones[0])).plans

        await _sent(world, Outcome.UNKNOWN)
        unknown = (await _view(world, phones[0])).plans

        assert [plan.used for plan in released] == [0, 0]
        assert [plan.used for plan in unknown] == [1, 1]
        assert await world.claims() == []

    async def test_a_message_that_was_not_sent_opens_the_account(
        self, world: World
    ) -> None:
        await _phones(world, Allowance(per_day=1), 2)
        first, second = await world.claims()
        call = await world.arm(first)
        full = await world.arm(second)

        await world.settle(call, Outcome.RELEASED, retry_in=HOUR)
        await world.advance_engine(GAP + SECOND)

        assert why(full) is WhyNotArmed.BUDGET
        assert (await world.arm((await world.claims())[0])).armed

    async def test_the_vendor_knows_more(self, world: World) -> None:
        """What the vendor tells of its use counts where it is more than ours."""
        (phone,) = await _phones(world, Allowance(per_day=9), 1, 5)
        tell = world.accounts.told
        await _sent(world)
        await world.advance_engine(GAP + SECOND)

        await tell(world.tenant, phone.account, [Use(Period.DAY, 6, 8)])
        told = await _view(world, phone)
        await _sent(world)
        await world.advance_engine(GAP + SECOND)
        since = await _view(world, phone)
        await _sent(world)
        await world.advance_engine(GAP + SECOND)
        full = await world.claims()
        await tell(world.tenant, phone.account, [Use(Period.DAY, 0, None)])
        less = await _view(world, phone)

        assert [(plan.used, plan.limit) for plan in told.plans] == [(6, 8)]
        assert [(plan.used, plan.limit) for plan in since.plans] == [(7, 8)]
        assert full == []
        assert [(plan.used, plan.limit) for plan in less.plans] == [(3, 9)]
        assert (await world.arm()).armed

    async def test_the_vendor_alone_bounds_too(self, world: World) -> None:
        (phone,) = await world.phones()
        await world.line(phone)

        used = [Use(Period.MONTH, FIVE, FIVE), Use(Period.DAY, 1)]
        await world.accounts.told(world.tenant, phone.account, used)

        (plan,) = (await _view(world, phone)).plans
        assert (plan.used, plan.limit, plan.is_full) == (FIVE, FIVE, True)
        assert await world.claims() == []

    async def test_people_are_told_in_time(self, world: World) -> None:
        """A plan of which 80 % are used leaves a duty, once per period."""
        (phone,) = await _phones(world, Allowance(per_day=FIVE), 1, 9)
        due: list[int] = []

        for _ in range(FIVE):
            await _sent(world)
            await world.advance_engine(GAP + SECOND)
            due.append(len(await _plans(world)))
        await world.advance_engine(A_DAY)
        for _ in range(4):
            await _sent(world)
            await world.advance_engine(GAP + SECOND)
            due.append(len(await _plans(world)))

        assert due == [0, 0, 0, 1, 0, 0, 0, 0, 1]
        assert (await _view(world, phone)).plans[0].is_nearly_full

    async def test_what_is_not_bounded_is_not_kept(self, world: World) -> None:
        """An account without bounds costs no write."""
        (phone, _) = await _phones(world, Allowance(), 2)

        await _sent(world)

        view = await _view(world, phone)
        assert (view.allowance, view.room_at, view.plans) == (Allowance(), None, ())

    async def test_the_bounds_are_told_as_they_were_set(self, world: World) -> None:
        allowance = Allowance(rate=SLOW, burst=1, per_day=7, per_month=70)
        (phone,) = await _phones(world, allowance, 1)
        await world.claims()

        view = await _view(world, phone)
        foreign = await world.accounts.view(world.stranger, phone.account)
        (lane,) = await world.decisions.lanes(world.tenant, phone.id)

        assert view.allowance == allowance
        assert view.room_at is not None
        assert ONE - SECOND < view.room_at - view.now <= ONE
        assert [plan.limit for plan in view.plans] == [7, 70]
        assert (foreign.allowance, foreign.plans) == (Allowance(), ())
        assert lane.room_at is not None

    async def test_bounds_that_are_set_again_give_nothing_away(
        self, world: World
    ) -> None:
        allowance = Allowance(rate=SLOW / PLENTY, burst=TWO)
        (phone, *_) = await _phones(world, allowance)
        taken = await world.claims()

        await world.accounts.allow(world.tenant, phone.account, allowance)
        again = await world.claims()
        wider = Allowance(rate=SLOW / PLENTY, burst=FIVE)
        await world.accounts.allow(world.tenant, phone.account, wider)
        raised = await world.claims()
        await world.accounts.allow(world.tenant, phone.account, Allowance())
        free = await world.claims()

        assert [len(one) for one in (taken, again, raised)] == [TWO, 0, 0]
        assert len(free) == LANES - TWO

    async def test_a_message_tells_that_the_plan_is_full(self, world: World) -> None:
        (phone,) = await world.phones()
        (lead,) = await world.line(phone)
        await world.accounts.allow(world.tenant, phone.account, Allowance(per_day=1))

        used = [Use(Period.DAY, FIVE)]
        await world.accounts.told(world.tenant, phone.account, used)
        (case,) = (await world.decisions.explain(world.tenant, lead)).cases

        now = await world.now()
        made = decide(case, now, margin=world.timing.call_budget)
        assert made.binding is Reason.BUDGET_EXCEEDED
        assert dict(made.block.inputs)["used"] == str(FIVE)
        assert made.earliest is not None
        assert made.earliest > now + HOUR

    async def test_a_message_tells_that_there_is_no_call(self, world: World) -> None:
        (phone, other) = await world.phones(2)
        (lead,) = await world.line(phone)
        await world.line(other)
        await world.accounts.allow(world.tenant, phone.account, Allowance(rate=SLOW))

        first = await world.claims(limit=1)
        second = await world.claims()
        (case,) = (await world.decisions.explain(world.tenant, lead)).cases

        now = await world.now()
        made = decide(case, now, margin=world.timing.call_budget)
        assert (len(first), second) == (1, [])
        assert Reason.PROVIDER_BACKOFF in [block.reason for block in made.blocks]

    async def test_a_plan_that_is_raised_opens_the_account(self, world: World) -> None:
        (phone, _) = await _phones(world, Allowance(per_day=1), 2)
        await _sent(world)
        full = await world.claims()

        await world.accounts.allow(world.tenant, phone.account, Allowance(per_day=2))

        assert full == []
        assert (await world.arm((await world.claims(B))[0])).armed
