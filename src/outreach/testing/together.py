"""What a ledger of sends owes to several messages that leave in one call.

Subclass this in a test module, with a fixture ``world`` that gives a fresh `World`.
"""

from __future__ import annotations

from datetime import timedelta

from outreach.domain.case import Case
from outreach.domain.ids import IntentId
from outreach.domain.message import NotArmed, Outcome, WhyNotArmed
from outreach.testing.world import GAP, HOUR, A, B, Call, World

__all__ = ["TogetherContract"]


class TogetherContract:
    """Several messages in one call: one T1, one T2, one call for every rule."""

    async def _calling(self, world: World, many: int = 3) -> list[Call]:
        (phone,) = await world.phones()
        # One more than leaves, which waits in the lane.
        leads = await world.line(phone, many + 1, mail=True, within=8 * HOUR)
        intents = [await world.mail(phone, lead) for lead in leads]
        claim = await world.claim()
        cases = await self._cases(world, intents[:many])
        drafts = [world.draft(claim, case) for case in cases]
        verdicts = await world.intents.arm(claim, drafts)
        return [
            Call(claim, case, draft, made, verdict)
            for case, (draft, made), verdict in zip(
                cases, drafts, verdicts, strict=True
            )
        ]

    async def _cases(self, world: World, intents: list[IntentId]) -> list[Case]:
        """What a claim would hold of each, by id."""
        waiting = await world.decisions.waiting(world.tenant, None, 100)
        found = {case.intent.id: case for case in waiting}
        return [found[intent] for intent in intents]

    async def test_all_that_may_go_are_armed_together(self, world: World) -> None:
        calls = await self._calling(world)

        again = await world.intents.arm(
            calls[0].claim, [(call.draft, call.decision) for call in calls]
        )

        assert [call.armed for call in calls] == [True] * 3
        fenced = [one.why for one in again if isinstance(one, NotArmed)]
        assert fenced == [WhyNotArmed.FENCED] * 3

    async def test_the_lane_goes_on_when_each_has_its_outcome(
        self, world: World
    ) -> None:
        first, second, third = await self._calling(world)
        await world.settle(first, Outcome.ACCEPTED)
        await world.settle(second, Outcome.UNKNOWN)
        await world.advance_engine(GAP)
        before = await world.claims()

        await world.settle(third, Outcome.RELEASED)
        await world.advance_engine(GAP)
        after = await world.claims()

        assert before == []
        assert [claim.lane for claim in after] == [first.claim.lane]
        assert after[0].token > first.claim.token

    async def test_each_outcome_is_its_own(self, world: World) -> None:
        calls = await self._calling(world)
        outcomes = [Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.REFUSED]

        lefts = await world.intents.settle(
            [call.ended(one) for call, one in zip(calls, outcomes, strict=True)]
        )

        assert [left.outcome for left in lefts] == outcomes
        assert [left.intent for left in lefts] == [
            call.draft.parcel.intent for call in calls
        ]

    async def test_a_refusal_for_now_of_all_is_one_refusal(self, world: World) -> None:
        calls = await self._calling(world)

        await world.intents.settle(
            [call.ended(Outcome.RELEASED, lane_refused=True) for call in calls]
        )
        await world.advance_engine(GAP)
        claim = await world.claim()

        assert claim.backoffs == 1

    async def test_a_call_whose_end_is_not_heard_of_is_in_doubt_for_all(
        self, world: World
    ) -> None:
        calls = await self._calling(world)

        await world.advance_machine(world.timing.doubtful + timedelta(seconds=1))
        lefts = await world.intents.give_up(10)
        await world.advance_engine(world.timing.rest)

        assert {left.intent for left in lefts} == {
            call.draft.parcel.intent for call in calls
        }
        assert {left.outcome for left in lefts} == {Outcome.UNKNOWN}
        assert len(await world.claims()) == 1

    async def test_the_calls_of_the_dead_are_in_doubt_at_once(
        self, world: World
    ) -> None:
        calls = await self._calling(world)

        ended = await world.lanes.forsake(A)
        lefts = await world.intents.settle(
            [call.ended(Outcome.UNKNOWN) for call in calls]
        )
        await world.advance_engine(world.timing.first_look)
        doubts = await world.intents.doubtful(B, 10)

        assert ended == 1
        assert {left.outcome for left in lefts} == {Outcome.UNKNOWN}
        assert len(doubts) == len(calls)
