"""What the ledger and the lanes owe where one call carries many messages.

Subclass `BulkContract` in a test module, with a fixture ``world`` that gives a fresh
`World`. A docstring that is a promise of a port says so word by word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from attrs import evolve

from outreach.domain.change import DutyKind
from outreach.domain.channel import Channel
from outreach.domain.decision import Verdict
from outreach.domain.ids import AccountId
from outreach.domain.message import Armed, NotArmed, Outcome, WhyNotArmed
from outreach.domain.sender import SendClass, Sender
from outreach.ports.lanes import Claim
from outreach.testing import invented
from outreach.testing.arming import opted_out, slot_of
from outreach.testing.world import GAP, HOUR, A, B, Call, World

__all__ = ["BulkContract"]

MANY: Final = 3
TWO: Final = 2
SOON: Final = timedelta(seconds=5)
WAIT: Final = timedelta(minutes=10)


def _many(phone: Sender, count: int = MANY) -> Mapping[AccountId, int]:
    return {phone.account: count}


async def _together(world: World, claim: Claim) -> list[Call]:
    """T1 of all that a claim offers, in one call of the port."""
    drafts = [world.draft(claim, case) for case in claim.cases]
    verdicts = await world.intents.arm(claim, drafts)
    return [
        Call(claim, case, draft, made, verdict)
        for case, (draft, made), verdict in zip(
            claim.cases, drafts, verdicts, strict=True
        )
    ]


async def _one_call(world: World, count: int = MANY, **facts: int) -> list[Call]:
    """So many new contacts, armed for one call; one more waits behind them."""
    phone, _ = await world.phone_with(count + 1, **facts)
    calls = await _together(world, await world.claim(many=_many(phone, count)))
    assert [call.armed for call in calls] == [True] * count
    return calls


async def _due(world: World) -> list[DutyKind]:
    return [duty.kind for duty in await world.duties.take(A, 100)]


class BulkContract:
    """One test per promise of the ports, and what else a caller relies on."""

    async def test_as_many_of_each_class_as_a_call_takes(self, world: World) -> None:
        """Where one call takes many messages, a claim offers as many of each class,
        from the window that is first in it, but replies one by one.
        """
        phone, leads = await world.phone_with(MANY + 2)
        for _ in range(2):
            await world.send()
            await world.advance_engine(GAP)
        await world.advance_engine(timedelta(days=2))
        new = await world.line(phone, MANY)
        known = [await world.known(lead) for lead in new[:2]]
        replies = [
            await world.mail(
                phone,
                one.journey.lead,
                send_class=SendClass.APPROVED,
                channel=Channel.WHATSAPP,
            )
            for one in known
        ]

        claim = await world.claim(many=_many(phone, TWO))

        offered = [case.intent.send_class for case in claim.cases]
        assert claim.many == TWO
        assert offered == [
            SendClass.APPROVED,
            *[SendClass.FOLLOWUP] * TWO,
            *[SendClass.NEW] * TWO,
        ]
        assert claim.cases[0].intent.id in replies
        dues = [case.intent.due_at for case in claim.cases[1:]]
        assert dues[:2] == sorted(dues[:2])
        assert dues[2:] == sorted(dues[2:])
        assert {case.intent.lead for case in claim.cases[3:]} <= set(leads)

    async def test_other_windows_show_their_first_as_ever(self, world: World) -> None:
        (phone,) = await world.phones()
        _, sequence = await world.campaign()
        campaign, _ = await world.campaign()
        due = await world.now() - HOUR
        here, there = await world.new_leads(2), await world.new_leads(2)
        runs = [invented.enrolment(world.tenant, one, sequence, due) for one in here]
        runs += [
            evolve(
                invented.enrolment(world.tenant, one, sequence, due + SOON),
                zones=("Europe/Athens",),
            )
            for one in there
        ]
        await world.campaigns.enroll(world.tenant, campaign, runs)
        given = {run.first.id: phone.id for run in runs if run.first is not None}
        await world.allocations.allocate(world.tenant, given)

        claim = await world.claim(many=_many(phone, 10))

        offered = [case.intent.lead for case in claim.cases]
        assert set(offered[:2]) == set(here)
        assert [lead in there for lead in offered] == [False, False, True]

    async def test_an_account_that_is_not_named_takes_one(self, world: World) -> None:
        await world.phone_with(MANY)

        claim = await world.claim()

        assert (claim.many, len(claim.cases)) == (1, 1)

    async def test_what_is_put_off_beside_them_leaves_the_claim(
        self, world: World
    ) -> None:
        """What is put off in a lane that is kept leaves the claim as it is."""
        phone, leads = await world.phone_with(MANY)
        claim = await world.claim(many=_many(phone))
        first, *others = claim.cases
        busy = evolve(first, journey=evolve(first.journey, human_controlled=True))

        made = await world.put_off(claim, busy, claim.now, keep=True)
        taken = await world.claims(B)
        calls = await _together(world, evolve(claim, cases=tuple(others)))
        for call in calls:
            await world.settle(call, Outcome.ACCEPTED)
        await world.advance_engine(GAP + SOON)
        before = await world.offered()
        await world.advance_engine(HOUR)

        assert made.verdict is Verdict.HOLD
        assert taken == before == []
        assert [call.armed for call in calls] == [True] * len(others)
        assert await world.offered() == [first.intent.lead]
        assert first.intent.lead in leads

    async def test_outcomes_of_one_call(self, world: World) -> None:
        """Messages of one call have an outcome each, and free their lane together."""
        first, second, third = calls = await _one_call(world)

        left = await world.intents.settle(
            [
                first.ended(Outcome.ACCEPTED),
                second.ended(Outcome.RELEASED, retry_in=HOUR),
                third.ended(Outcome.UNKNOWN),
            ]
        )
        in_the_gap = await world.offered()
        await world.advance_engine(GAP + SOON)
        following = await world.offered()
        (units,) = await world.intents.units([slot_of(first)])

        assert [one.outcome for one in left] == [
            Outcome.ACCEPTED,
            Outcome.RELEASED,
            Outcome.UNKNOWN,
        ]
        assert [one.spent for one in left] == [True, False, True]
        assert set(units.ids) == {first.draft.parcel.intent, third.draft.parcel.intent}
        assert in_the_gap == []
        assert len(following) == 1
        assert following[0] not in {call.draft.lead for call in calls}

    async def test_the_lane_is_busy_until_the_last_outcome(self, world: World) -> None:
        first, *others = await _one_call(world)
        await world.settle(first, Outcome.ACCEPTED)
        await world.advance_engine(GAP + SOON)

        meanwhile = await world.claims(B)
        again = await world.intents.arm(
            first.claim, [(others[0].draft, others[0].decision)]
        )
        await world.intents.settle([one.ended(Outcome.ACCEPTED) for one in others])
        await world.advance_engine(GAP + SOON)

        assert meanwhile == []
        assert isinstance(again[0], NotArmed)
        assert len(await world.claims(B)) == 1

    async def test_the_longest_wait_of_a_call_holds(self, world: World) -> None:
        first, second, third = await _one_call(world)

        await world.intents.settle(
            [
                first.ended(Outcome.RELEASED, lane_refused=True, rest=WAIT),
                second.ended(Outcome.RELEASED, lane_refused=True, rest=WAIT / 2),
                third.ended(Outcome.ACCEPTED),
            ]
        )
        await world.advance_engine(WAIT - SOON)
        before = await world.claims()
        await world.advance_engine(SOON * 2)

        assert before == []
        assert len(await world.claims()) == 1

    async def test_a_lost_call_of_many(self, world: World) -> None:
        """Of a call of many that was lost each message becomes UNKNOWN."""
        calls = await _one_call(world)

        await world.advance_machine(world.timing.doubtful * 1.1)
        lost = await world.intents.give_up(100)
        again = await world.intents.give_up(100)
        await world.advance_engine(max(world.timing.rest, world.timing.first_look))
        doubts = await world.intents.doubtful(B, 100)
        late = await world.intents.settle(
            [one.ended(Outcome.ACCEPTED) for one in calls]
        )

        attempts = {call.draft.parcel.attempt for call in calls}
        assert {one.attempt for one in lost} == attempts
        assert {one.outcome for one in lost} == {Outcome.UNKNOWN}
        assert again == []
        assert {doubt.parcel.attempt for doubt in doubts} == attempts
        assert {one.outcome for one in late} == {Outcome.ACCEPTED}
        assert len(await world.claims(B)) == 1

    async def test_a_lost_call_of_many_is_one_lost_call(self, world: World) -> None:
        calls = await _one_call(world)
        sender = calls[0].draft.parcel.sender

        await world.advance_machine(world.timing.doubtful * 1.1)
        lost = [*await world.intents.give_up(1), *await world.intents.give_up(100)]
        signs = await world.watch.signs(world.tenant, sender)

        assert len(lost) == len(calls)
        assert (signs.calls, signs.pauses) == ("U", 0)
        assert DutyKind.DOUBT not in await _due(world)

    async def test_the_dead_leave_each_of_a_call_unknown(self, world: World) -> None:
        calls = await _one_call(world)

        ended = await world.lanes.forsake(A)

        (units,) = await world.intents.units([slot_of(calls[0])])
        await world.advance_engine(world.timing.first_look + SOON)
        doubts = await world.intents.doubtful(B, 100)
        assert ended == 1
        assert units.used == len(calls)
        assert len(doubts) == len(calls)

    async def test_a_doubt_knows_the_providers_campaign(self, world: World) -> None:
        await world.phone_with()
        claim = await world.claim()
        draft, made = world.draft(claim)
        sent = evolve(draft, parcel=evolve(draft.parcel, campaign="their-17"))

        await world.intents.arm(claim, [(sent, made)])
        call = Call(claim, claim.cases[0], sent, made, Armed(sent.parcel.attempt))
        await world.settle(call, Outcome.UNKNOWN)
        await world.advance_engine(world.timing.first_look)
        (doubt,) = await world.intents.doubtful(B, 1)

        assert doubt.parcel.campaign == "their-17"

    async def test_a_late_end_of_a_call_touches_no_newer_claim(
        self, world: World
    ) -> None:
        calls = await _one_call(world)
        await world.advance_machine(world.timing.doubtful * 1.1)
        await world.intents.give_up(100)
        await world.advance_engine(world.timing.rest + SOON)
        newer = await world.claim(B)

        late = await world.intents.settle(
            [one.ended(Outcome.ACCEPTED) for one in calls]
        )

        assert {one.outcome for one in late} == {Outcome.ACCEPTED}
        assert (await world.arm(newer)).armed

    async def test_a_stale_claim_arms_none_of_them(self, world: World) -> None:
        phone, _ = await world.phone_with(MANY)
        stale = await world.claim(many=_many(phone))
        await world.lanes.free(stale)
        held = await world.claim(B, _many(phone))

        refused = await _together(world, stale)
        calls = await _together(world, held)

        assert {_why(call) for call in refused} == {WhyNotArmed.FENCED}
        assert [call.armed for call in calls] == [True] * MANY

    async def test_units_are_taken_for_as_many_as_there_are(self, world: World) -> None:
        phone, _ = await world.phone_with(MANY + 1, daily_limit=TWO)
        claim = await world.claim(many=_many(phone, MANY + 1))

        calls = await _together(world, claim)

        (units,) = await world.intents.units([slot_of(calls[0])])
        assert [_why(call) for call in calls] == [
            None,
            None,
            WhyNotArmed.QUOTA,
            WhyNotArmed.QUOTA,
        ]
        assert units.used == TWO

    async def test_one_that_opted_out_takes_no_other_with_it(
        self, world: World
    ) -> None:
        phone, _ = await world.phone_with(MANY)
        claim = await world.claim(many=_many(phone))
        await world.changed(claim.cases[1].intent.lead, opted_out)

        calls = await _together(world, claim)

        assert [_why(call) for call in calls] == [None, WhyNotArmed.SUPPRESSED, None]
        armed = [call for call in calls if isinstance(call.verdict, Armed)]
        await world.intents.settle([call.ended(Outcome.ACCEPTED) for call in armed])
        await world.advance_engine(GAP + SOON)
        assert await world.claims() == []

    async def test_calls_of_many_lanes_at_once(self, world: World) -> None:
        phones = await world.phones(3)
        for phone in phones:
            await world.line(phone, MANY)
        claims = await world.claims(many=_many(phones[0]))

        several = await asyncio.gather(*(_together(world, one) for one in claims))
        lefts = await asyncio.gather(
            *(
                world.intents.settle([one.ended(Outcome.ACCEPTED) for one in calls])
                for calls in several
            )
        )

        assert [len(calls) for calls in several] == [MANY] * 3
        outcomes = [one.outcome for lefts_of_one in lefts for one in lefts_of_one]
        assert outcomes == [Outcome.ACCEPTED] * MANY * 3

    async def test_many_messages_are_one_call(self, world: World) -> None:
        """Many messages in one call count as one, and as lost if any of them is."""
        seen = []
        phone, _ = await world.phone_with(MANY * 7)
        for outcomes in (
            [Outcome.UNKNOWN] * MANY,
            [Outcome.ACCEPTED] * MANY,
            [Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.ACCEPTED],
            [Outcome.UNKNOWN] * MANY,
            [Outcome.UNKNOWN] * MANY,
        ):
            await self._call_of(world, phone, outcomes)
            seen.append((await world.watch.signs(world.tenant, phone.id)).calls)
        before = await _due(world)
        await self._call_of(world, phone, [Outcome.UNKNOWN] * MANY)
        after = await _due(world)
        signs = await world.watch.signs(world.tenant, phone.id)

        assert seen == ["U", "U.", "U.U", "U.UU", "U.UUU"]
        assert DutyKind.DOUBT not in before
        assert DutyKind.DOUBT in after
        assert (signs.calls, signs.pauses) == ("", 1)

    async def _call_of(
        self, world: World, phone: Sender, outcomes: list[Outcome]
    ) -> None:
        calls = await _together(world, await world.claim(many=_many(phone)))
        ended = zip(calls, outcomes, strict=True)
        await world.intents.settle([call.ended(outcome) for call, outcome in ended])
        await world.advance_engine(GAP + SOON)


def _why(call: Call) -> WhyNotArmed | None:
    return call.verdict.why if isinstance(call.verdict, NotArmed) else None
