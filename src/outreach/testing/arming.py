"""What every `Intents` owes its callers before and in T1.

Subclass `ArmingContract` in a test module, with a fixture ``world`` that gives a fresh
`World`; `outreach.testing.settling` has the rest of the port. A docstring that is a
promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from attrs import evolve

from outreach.domain.address import AddressKey, AddressKind
from outreach.domain.budget import UnitSlot
from outreach.domain.change import Known
from outreach.domain.journey import Command, Fact, Moved, commanded, happened
from outreach.domain.message import (
    Armed,
    NotArmed,
    WhyNotArmed,
)
from outreach.domain.sender import SenderState
from outreach.domain.suppression import Suppression, SuppressionReason, SwitchScope
from outreach.testing import invented
from outreach.testing.world import GAP, HOUR, B, Call, World

__all__ = ["ArmingContract", "opted_out", "slot_of", "spent", "why"]

LIMIT: Final = 2
MANY: Final = 6
A_MINUTE: Final = timedelta(minutes=1)


def why(call: Call) -> WhyNotArmed | None:
    """Why a draft was not armed."""
    return call.verdict.why if isinstance(call.verdict, NotArmed) else None


def slot_of(call: Call) -> UnitSlot:
    """Where a new contact is counted."""
    assert call.draft.unit is not None
    return call.draft.unit


async def spent(world: World, call: Call) -> bool:
    """Whether the message holds a unit."""
    (units,) = await world.intents.units([slot_of(call)])
    return call.draft.parcel.intent in units.ids


def opted_out(known: Known) -> Moved:
    """The lead said stop."""
    return happened(known.journey, Fact.OPTED_OUT, known.now, by="reply")


def _taken_over(known: Known) -> Moved:
    command = Command.TAKE_OVER
    return commanded(known.journey, command, known.now, by="ana", why="")


class ArmingContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_at_most_one_live_attempt(self, world: World) -> None:
        """An intent has at most one attempt that is calling, accepted, unknown or
        abandoned.
        """
        await world.phone_with()
        claim = await world.claim()
        drafts = [world.draft(claim)]

        answers = await asyncio.gather(
            *(world.intents.arm(claim, drafts) for _ in range(MANY))
        )

        verdicts = [verdict for answer in answers for verdict in answer]
        assert sum(isinstance(verdict, Armed) for verdict in verdicts) == 1

    async def test_what_was_sent_is_taken(self, world: World) -> None:
        phone, _ = await world.phone_with()
        first = await world.send()
        await world.line(phone)
        await world.advance_engine(GAP)
        claim = await world.claim()

        again = evolve(first.draft, lead_version=10)
        (verdict,) = await world.intents.arm(claim, [(again, first.decision)])

        assert isinstance(verdict, NotArmed)
        assert verdict.why is WhyNotArmed.TAKEN
        assert await spent(world, first)

    async def test_an_unknown_message_is_not_armed_again(self, world: World) -> None:
        phone, _ = await world.phone_with()
        doubt = await world.doubt()
        await world.line(phone)
        await world.advance_engine(GAP)
        claim = await world.claim()

        intents = {case.intent.id for case in claim.cases}
        next_try = evolve(doubt.draft, n=2)
        (verdict,) = await world.intents.arm(claim, [(next_try, doubt.decision)])

        assert doubt.draft.parcel.intent not in intents
        assert isinstance(verdict, NotArmed)

    async def test_the_unit_is_taken_in_the_same_commit(self, world: World) -> None:
        """Arming takes the unit in the same commit, and never more than the limit."""
        phone, _ = await world.phone_with(MANY, daily_limit=LIMIT)

        calls: list[Call] = []
        for _ in range(LIMIT):
            calls.append(await world.send())
            await world.advance_engine(GAP)
        left_over = await world.offered()
        (units,) = await world.intents.units([slot_of(calls[0])])

        assert slot_of(calls[0]).sender == phone.id
        assert set(units.ids) == {call.draft.parcel.intent for call in calls}
        assert units.used == units.effective == LIMIT
        assert len(left_over) == 1
        assert await self._over_the_limit(world) is WhyNotArmed.QUOTA
        assert await world.offered() == []

    async def _over_the_limit(self, world: World) -> WhyNotArmed | None:
        """Ask T1 for one more as a worker does that believes there is room."""
        claim = await world.claim()
        case = claim.cases[0]
        assert case.ledger is not None
        wrong = evolve(case, ledger=evolve(case.ledger, used=0))
        return why(await world.arm(claim, wrong))

    async def test_what_people_sent_counts_too(self, world: World) -> None:
        phone, leads = await world.phone_with(2, daily_limit=LIMIT)
        claim = await world.claim()
        slot = UnitSlot(phone.id, claim.now.date())
        for lead in leads:
            known = await world.known(lead)
            await world.commit(world.change(known, external=slot))
        fresh = await world.known(claim.cases[0].intent.lead)

        call = await world.arm(claim, lead_version=fresh.journey.version)

        assert why(call) is WhyNotArmed.QUOTA
        (units,) = await world.intents.units([slot])
        assert (units.used, units.external) == (0, LIMIT)

    async def test_each_reason_takes_nothing(self, world: World) -> None:
        """A draft is refused as STALE, SUPPRESSED, SWITCHED_OFF, LATE, QUOTA, TAKEN,
        FENCED, INBOX_BEHIND or BUDGET, and then nothing is taken.
        """
        await world.phone_with(1, daily_limit=LIMIT)
        (behind,) = [invented.arrival("late", address=None)]

        stale = await world.arm(lead_version=99)
        late = await world.arm(valid_until=await world.now() - A_MINUTE)
        taken = await world.arm(n=2)
        full = await world.arm(limit=0)
        await world.advance_engine(timedelta(days=1))
        await world.inbox.put(behind)
        await world.advance_engine(world.timing.inbox_behind + A_MINUTE)
        inbox = await world.arm()
        (stored,) = await world.inbox.take(B, 1)
        await world.inbox.close(stored.id, "test")
        await world.advance_engine(A_MINUTE)
        fenced = await self._fenced(world)
        off = await self._switched_off(world)
        out = await self._suppressed(world)

        calls = (stale, late, taken, full, inbox, fenced, off, out)
        assert [why(call) for call in calls] == [
            WhyNotArmed.STALE,
            WhyNotArmed.LATE,
            WhyNotArmed.TAKEN,
            WhyNotArmed.QUOTA,
            WhyNotArmed.INBOX_BEHIND,
            WhyNotArmed.FENCED,
            WhyNotArmed.SWITCHED_OFF,
            WhyNotArmed.SUPPRESSED,
        ]
        slots = list({slot_of(call) for call in calls})
        assert [unit.ids for unit in await world.intents.units(slots)] == [()] * 2
        assert await world.intents.give_up(10) == []

    async def _fenced(self, world: World) -> Call:
        claim = await world.claim()
        await world.lanes.free(claim)
        return await world.arm(claim)

    async def _switched_off(self, world: World) -> Call:
        claim = await world.claim()
        tenant = world.tenant
        scope, of = SwitchScope.SENDER, str(claim.lane)
        await world.switches.throw(tenant, scope, of, reason="test", by="ana")
        call = await world.arm(claim)
        await world.switches.lift(tenant, scope, of, reason="test", by="ana")
        return call

    async def _suppressed(self, world: World) -> Call:
        claim = await world.claim()
        (key,) = claim.cases[0].addresses
        at = claim.now
        said = Suppression(key, SuppressionReason.PERSON, "ana", at)
        await world.switches.suppress(world.tenant, [said])
        return await world.arm(claim)

    async def test_a_lane_goes_on_when_nothing_was_armed(self, world: World) -> None:
        await world.phone_with()

        stale = await world.arm(lead_version=99)
        again = await world.arm()

        assert why(stale) is WhyNotArmed.STALE
        assert again.armed

    async def test_an_opt_out_before_it_refuses_the_draft(self, world: World) -> None:
        """An opt-out that was committed before refuses the draft."""
        _, (lead,) = await world.phone_with()
        claim = await world.claim()

        await world.changed(lead, opted_out)
        call = await world.arm(claim)

        assert why(call) is WhyNotArmed.SUPPRESSED
        assert not await spent(world, call)
        known = await world.known(lead)
        assert known.waiting == ()
        assert known.enrolment is None

    async def test_the_global_list_and_domains_refuse_too(self, world: World) -> None:
        (phone,) = await world.phones()
        await world.line(phone, 2, mail=True)
        claim = await world.claim()
        reason, at = SuppressionReason.PERSON, claim.now
        keys = claim.cases[0].addresses
        (domain,) = [key for key in keys if key.kind is AddressKind.DOMAIN]
        said = Suppression(domain, reason, "operator", at, everywhere=True)

        await world.switches.suppress(world.stranger, [said])
        call = await world.arm(claim)
        (other,) = (await world.claim()).cases

        assert why(call) is WhyNotArmed.SUPPRESSED
        assert domain not in other.addresses

    async def test_each_draft_has_its_own_verdict(self, world: World) -> None:
        """Of several drafts each has a verdict of its own."""
        phone, _ = await world.phone_with()
        await world.send()
        await world.line(phone)
        await world.advance_engine(timedelta(days=2))
        claim = await world.claim()
        first, second = claim.cases
        await world.changed(first.intent.lead, opted_out)

        drafts = [world.draft(claim, case) for case in (first, second)]
        verdicts = await world.intents.arm(claim, drafts)

        assert isinstance(verdicts[0], NotArmed)
        assert verdicts[0].why is WhyNotArmed.SUPPRESSED
        assert isinstance(verdicts[1], Armed)

    async def test_a_short_lease_is_fenced(self, world: World) -> None:
        await world.phone_with()
        claim = await world.claim()
        timing = world.timing

        await world.advance_machine(timing.lease - timing.arm_margin / 2)
        call = await world.arm(claim)

        assert why(call) is WhyNotArmed.FENCED

    async def test_a_changed_lead_is_stale(self, world: World) -> None:
        _, (lead,) = await world.phone_with()
        claim = await world.claim()

        await world.changed(lead, _taken_over)
        call = await world.arm(claim)
        claim = await world.claim()
        case = claim.cases[0]
        believed = evolve(case, journey=evolve(case.journey, human_controlled=False))
        unaware = await world.arm(claim, believed)

        assert why(call) is WhyNotArmed.STALE
        assert case.journey.human_controlled
        assert why(unaware) is WhyNotArmed.STALE

    async def test_a_sender_that_may_not_is_switched_off(self, world: World) -> None:
        phone, _ = await world.phone_with()
        claim = await world.claim()

        paused = evolve(phone, state=SenderState.PAUSED)
        await world.senders.change(phone, paused, by="ana")
        call = await world.arm(claim)

        assert why(call) is WhyNotArmed.SWITCHED_OFF

    async def test_a_letter_from_the_lead_holds_its_message(self, world: World) -> None:
        phone, leads = await world.phone_with(2)
        claim = await world.claim()
        case = claim.cases[0]
        (key,) = case.addresses
        await world.inbox.put(invented.arrival("a-letter", address=key))

        held = await world.arm(claim, automatic=False)
        other = await world.offered()
        (stored,) = await world.inbox.take(B, 1)
        await world.inbox.close(stored.id, "test")
        await world.advance_engine(A_MINUTE)
        call = await world.arm()

        assert why(held) is WhyNotArmed.INBOX_BEHIND
        assert other == [lead for lead in leads if lead != case.intent.lead]
        assert call.armed
        assert call.claim.lane == phone.id

    async def test_an_unmatched_letter_holds_its_address(self, world: World) -> None:
        await world.phone_with()
        claim = await world.claim()
        (key,) = claim.cases[0].addresses
        await world.inbox.put(invented.arrival("a-letter", address=key))
        (stored,) = await world.inbox.take(B, 1)

        await world.inbox.park(stored.id, "unmatched", claim.now + HOUR)
        held = await world.arm(claim)
        await world.inbox.park(stored.id, "cannot be read", None)
        await world.advance_engine(A_MINUTE)
        call = await world.arm()

        assert why(held) is WhyNotArmed.INBOX_BEHIND
        assert call.armed

    async def test_parked_letters_stop_nobody_else(self, world: World) -> None:
        await world.phone_with()
        other = AddressKey(AddressKind.PHONE, "+40799999999")
        await world.inbox.put(invented.arrival("a-letter", address=other))
        (stored,) = await world.inbox.take(B, 1)

        far = await world.now() + timedelta(days=1)
        await world.inbox.park(stored.id, "unmatched", far)
        await world.advance_engine(world.timing.inbox_behind + A_MINUTE)

        assert (await world.arm()).armed

    async def test_a_person_is_not_stopped_by_a_slow_inbox(self, world: World) -> None:
        await world.phone_with()
        await world.inbox.put(invented.arrival("a-letter"))
        await world.advance_engine(world.timing.inbox_behind + A_MINUTE)
        claim = await world.claim()

        by_person = await world.arm(claim, automatic=False)

        assert by_person.armed

    async def test_the_phone_stays_with_the_lead(self, world: World) -> None:
        phone, (lead,) = await world.phone_with()
        before = await world.known(lead)

        await world.calling()
        while_calling = await world.known(lead)
        await world.commit(world.change(before))
        after = await world.known(lead)

        assert before.journey.phone is None
        assert while_calling.journey.phone == phone.id
        assert after.journey.phone == phone.id

    async def test_races_never_pass_the_limit(self, world: World) -> None:
        (first, second) = await world.phones(2, daily_limit=1)
        for phone in (first, second):
            await world.line(phone, 3)
        claims = await world.claims()

        calls = await asyncio.gather(*(world.arm(claim) for claim in claims))
        slots = [slot_of(call) for call in calls]

        assert all(call.armed for call in calls)
        assert [unit.used for unit in await world.intents.units(slots)] == [1, 1]
