"""What every `Lanes` owes its callers.

Subclass `LanesContract` in a test module, with a fixture ``world`` that gives a fresh
`World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from attrs import evolve

from outreach.domain.address import phone_key
from outreach.domain.budget import HARD_LIMIT
from outreach.domain.case import Ledger
from outreach.domain.decision import Decision, Reason, Verdict
from outreach.domain.ids import Incarnation, LeadId
from outreach.domain.message import Outcome
from outreach.domain.sender import Sender, SenderSignal, SenderState, signalled
from outreach.domain.suppression import SwitchScope
from outreach.ports.lanes import Claim
from outreach.testing import invented
from outreach.testing.world import GAP, HOUR, A, B, World

__all__ = ["LanesContract"]

MANY: Final = 5
SOON: Final = timedelta(seconds=5)
NIGHT: Final = timedelta(hours=12)
"""From the start of a test to an hour when the window is closed."""


async def _quarantine(world: World, phone: Sender) -> None:
    moved = signalled(phone, SenderSignal.SILENT, await world.now(), why="silent")
    assert await world.senders.change(phone, moved.sender, by="test")


async def _at_night(world: World, claim: Claim) -> Decision:
    """Put the first case off because its window is closed."""
    made = await world.put_off(claim, claim.cases[0], claim.now + NIGHT)
    assert made.binding is Reason.OUTSIDE_WINDOW
    return made


async def _followed_up(world: World) -> tuple[Sender, LeadId]:
    """A phone whose only message is a follow-up that is due."""
    phone, (lead,) = await world.phone_with()
    await world.send()
    await world.advance_engine(timedelta(days=2))
    return phone, lead


class LanesContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_one_worker_at_a_time(self, world: World) -> None:
        """A lane is claimed by one worker at a time."""
        for phone in await world.phones(MANY):
            await world.line(phone, 2)
        workers = [Incarnation(f"worker/{n}") for n in range(MANY * 2)]

        answers = await asyncio.gather(
            *(world.lanes.claim(who, {}, 1) for who in workers)
        )

        lanes = [claim.lane for claims in answers for claim in claims]
        assert len(set(lanes)) == len(lanes)
        lanes += [claim.lane for claim in await world.claims(B)]
        assert len(set(lanes)) == len(lanes) == MANY

    async def test_a_higher_token_each_time(self, world: World) -> None:
        """Every claim of a lane has a higher token than the one before."""
        await world.phone_with()

        tokens: list[int] = []
        for _ in range(MANY):
            claim = await world.claim()
            tokens.append(claim.token)
            await world.lanes.free(claim)

        assert tokens == sorted(set(tokens))

    async def test_only_after_the_grace(self, world: World) -> None:
        """A lane whose lease ran out is claimed again only after the grace."""
        await world.phone_with()
        first = await world.claim(A)
        timing = world.timing

        await world.advance_machine(timing.lease + timing.grace / 2)
        early = await world.claims(B)
        await world.advance_machine(timing.grace / 2 + timing.grace / 10)
        (second,) = await world.claims(B)

        assert early == []
        assert second.lane == first.lane
        assert second.token > first.token

    async def test_never_while_a_call_is_under_way(self, world: World) -> None:
        """A lane with a call under way is never claimed."""
        await world.phone_with(2)
        await world.calling()
        timing = world.timing

        await world.advance_engine(timedelta(days=1))
        at_once = await world.claims(B)
        await world.advance_machine(timing.lease + timing.grace + timing.grace / 10)
        after_the_grace = await world.claims(B)

        assert at_once == after_the_grace == []

    async def test_at_most_the_room_of_each_account(self, world: World) -> None:
        """A claim takes at most the room that is left of each provider account."""
        narrow = await world.phones(3)
        wide = await world.phones(3, provider_account="second")
        for phone in (*narrow, *wide):
            await world.line(phone)
        account, other = narrow[0].account, wide[0].account

        none = await world.claims(room={account: 0, other: 0})
        some = await world.claims(room={account: 2})
        rest = await world.claims(room={account: 5, other: 5})

        assert none == []
        taken = [claim.account for claim in some].count(account)
        assert taken == len(narrow) - 1
        assert {claim.lane for claim in some} >= {phone.id for phone in wide}
        assert [claim.account for claim in rest] == [account]

    async def test_at_most_as_many_as_asked_for(self, world: World) -> None:
        for phone in await world.phones(3):
            await world.line(phone)

        first = await world.claims(limit=2)
        second = await world.claims(limit=2)

        assert [len(first), len(second)] == [2, 1]

    async def test_one_tenant_only(self, world: World) -> None:
        """A claim holds messages of one tenant only."""
        ours = await world.phones(2)
        theirs = await world.phones(2, tenant=world.stranger)
        for phone in (*ours, *theirs):
            await world.line(phone)

        first = await world.claims()
        second = await world.claims()

        assert {len(first), len(second)} == {2}
        of = [{claim.tenant for claim in claims} for claims in (first, second)]
        assert sorted(map(len, of)) == [1, 1]
        assert set.union(*of) == {world.tenant, world.stranger}
        for claim in (*first, *second):
            tenants = {case.intent.tenant for case in claim.cases}
            assert tenants == {claim.tenant}

    async def test_only_what_may_go_is_offered(self, world: World) -> None:
        """Only messages that are due, in an open window and an open class, are
        offered.
        """
        phone, (due,) = await world.phone_with()
        await world.line(phone, within=HOUR)

        offered = await world.offered()
        await _at_night(world, await world.claim())
        window_shut = await world.offered()
        await world.advance_engine(timedelta(days=1))
        next_day = await world.offered()
        await _quarantine(world, phone)
        class_shut = await world.offered()

        assert offered == [due]
        assert window_shut == class_shut == []
        assert due in next_day

    async def test_the_best_comes_first(self, world: World) -> None:
        phone, lead = await _followed_up(world)
        (new,) = await world.line(phone)

        (claim,) = await world.claims()

        assert [case.intent.lead for case in claim.cases] == [lead, new]
        assert [case.contacted for case in claim.cases] == [True, False]

    async def test_a_claim_tells_the_times_and_the_facts(self, world: World) -> None:
        phone, (lead,) = await world.phone_with()

        claim = await world.claim()

        (case,) = claim.cases
        assert invented.START <= claim.now <= await world.now()
        assert (claim.lane, claim.account) == (phone.id, phone.account)
        assert claim.speed == 1
        assert case.sender == phone
        assert case.journey.lead == lead
        assert case.addresses == (phone_key(case.to),)
        assert case.is_new
        assert world.decide(case, claim).verdict is Verdict.SEND

    async def test_what_is_put_off_comes_back_at_its_time(self, world: World) -> None:
        """What is put off comes back at its time, not before."""
        _, (lead,) = await world.phone_with()
        claim = await world.claim()
        case = claim.cases[0]
        busy = evolve(case, journey=evolve(case.journey, human_controlled=True))

        made = await world.put_off(claim, busy, claim.now)
        at_once = await world.offered()
        await world.advance_engine(HOUR - SOON)
        before = await world.offered()
        await world.advance_engine(SOON)
        at_its_time = await world.offered()

        assert made.verdict is Verdict.HOLD
        assert at_once == before == []
        assert at_its_time == [lead]

    async def test_a_closed_window_closes_for_all_in_it(self, world: World) -> None:
        await world.phone_with(3)
        claim = await world.claim()

        await _at_night(world, claim)
        await world.advance_engine(timedelta(hours=22))
        before = await world.offered()
        await world.advance_engine(HOUR)
        next_day = await world.offered()

        assert before == []
        assert len(next_day) == 1

    async def test_a_full_quota_closes_one_class_of_one_lane(
        self, world: World
    ) -> None:
        phone, lead = await _followed_up(world)
        await world.line(phone, 2)
        claim = await world.claim()
        first, second = claim.cases

        assert second.ledger is not None
        full = evolve(second, ledger=Ledger(second.ledger.day, HARD_LIMIT))
        await world.put_off(claim, full, claim.now)
        same_day = await world.offered()
        await world.advance_engine(timedelta(hours=23))
        next_day = await world.offered()

        assert first.intent.lead == lead
        assert same_day == [lead]
        assert len(next_day) == len([first, second])

    async def test_a_stopped_message_is_gone_and_its_run_with_it(
        self, world: World
    ) -> None:
        _, (lead,) = await world.phone_with()
        claim = await world.claim()
        case = claim.cases[0]
        out = evolve(case, journey=evolve(case.journey, opted_out=True))

        made = await world.put_off(claim, out, claim.now)
        await world.advance_engine(timedelta(days=1))

        assert made.verdict is Verdict.STOP
        assert await world.offered() == []
        known = await world.known(lead)
        assert known.waiting == ()
        assert known.enrolment is None

    async def test_a_stale_token_changes_nothing(self, world: World) -> None:
        """A stale token changes nothing."""
        await world.phone_with()
        stale = await world.claim(A)
        await world.lanes.free(stale)
        held = await world.claim(B)

        await _at_night(world, stale)
        await world.lanes.free(stale)
        still_held = await world.claims(A)
        call = await world.arm(held)
        refused = await world.arm(stale)

        assert still_held == []
        assert call.armed
        assert not refused.armed

    async def test_the_earliest_time_anything_is_due(self, world: World) -> None:
        """The next wake is the earliest time anything is due."""
        await world.quiet()
        nothing = await world.lanes.next_wake()
        (phone,) = await world.phones()
        await world.line(phone, within=HOUR)
        timing = world.timing

        in_an_hour = await world.lanes.next_wake()
        await world.advance_engine(HOUR)
        await world.quiet()
        now = await world.lanes.next_wake()
        call = await world.calling()
        calling = await world.lanes.next_wake()
        await world.settle(call, Outcome.ACCEPTED)
        following = await world.lanes.next_wake()
        await world.line(phone)
        await world.quiet()
        paced = await world.lanes.next_wake()

        assert nothing is None
        assert in_an_hour is not None
        assert HOUR - SOON <= in_an_hour <= HOUR
        assert now == timedelta()
        assert calling is not None
        assert timing.doubtful / 2 < calling <= timing.doubtful
        assert following is not None
        assert timedelta(days=2) - SOON <= following <= timedelta(days=2)
        assert paced is not None
        assert GAP - SOON <= paced <= GAP

    async def test_a_lease_that_runs_out_wakes_too(self, world: World) -> None:
        await world.phone_with()
        await world.quiet()
        await world.claim()
        longest = world.timing.lease + world.timing.grace

        wait = await world.lanes.next_wake()

        assert wait is not None
        assert longest / 2 < wait <= longest

    async def test_events_and_doubts_wake_too(self, world: World) -> None:
        await world.phone_with()
        await world.quiet()
        await world.doubt()
        look = world.timing.first_look

        doubt = await world.lanes.next_wake()
        await world.inbox.put(invented.arrival("wakes"))
        event = await world.lanes.next_wake()

        assert doubt is not None
        assert timedelta() <= doubt <= look
        assert event == timedelta()

    async def test_what_is_shut_never_wakes(self, world: World) -> None:
        """A lane that is switched off or whose sender may send nothing never wakes."""
        (phone,) = await world.phones()
        await world.line(phone)
        await world.quiet()
        reason, by = "test", "ana"

        scope = SwitchScope.CHANNEL
        await world.switches.throw(
            world.tenant, scope, "WHATSAPP", reason=reason, by=by
        )
        switched_off = await world.lanes.next_wake(), await world.claims()
        await world.switches.lift(world.tenant, scope, "WHATSAPP", reason=reason, by=by)
        paused = evolve(phone, state=SenderState.PAUSED)
        assert await world.senders.change(phone, paused, by=by)
        silent = await world.lanes.next_wake(), await world.claims()
        assert await world.senders.change(paused, phone, by=by)

        assert switched_off == silent == (None, [])
        assert await world.lanes.next_wake() == timedelta()
        assert len(await world.offered()) == 1

    async def test_the_dead_hold_nothing(self, world: World) -> None:
        for phone in await world.phones(3):
            await world.line(phone, 2)
        dead = Incarnation("worker/dead/1")
        claims = await world.claims(dead, limit=2)
        lost = await world.arm(claims[0])
        (alive,) = await world.claims(Incarnation("worker/alive/1"))

        ended = await world.lanes.forsake(Incarnation("worker/dead/*"))
        at_once = await world.claims()
        left = await world.settle(lost, Outcome.ACCEPTED)
        await world.advance_engine(max(world.timing.rest, GAP) + SOON)
        rested = await world.claims()

        assert ended == len(claims)
        assert at_once == []
        assert left.outcome is Outcome.ACCEPTED
        assert {claim.lane for claim in rested} == {claim.lane for claim in claims}
        assert alive.lane not in {claim.lane for claim in rested}
