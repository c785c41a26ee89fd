"""What every ledger and its lanes owe about the further budgets of a sender.

Subclass `BudgetsContract` in a test module, with a fixture ``world`` that gives a
fresh `World`; its promises are those of `Intents` and of `Lanes`. A docstring that is
a promise of a port says so word by word.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import evolve

from outreach.domain.case import Case
from outreach.domain.decision import Decision, Reason, Verdict
from outreach.domain.ids import IntentId, LeadId
from outreach.domain.lead import NewLead
from outreach.domain.lead_file import ImportId
from outreach.domain.limits import BudgetKind, Limits
from outreach.domain.message import NotArmed, Outcome, WhyNotArmed
from outreach.domain.sender import SendClass
from outreach.domain.window import next_midnight
from outreach.ports.intents import Resolution
from outreach.ports.lanes import Claim, PutOff
from outreach.testing import invented
from outreach.testing.arming import slot_of, why
from outreach.testing.world import GAP, A, Call, World

__all__ = ["BudgetsContract"]

TWO_DAYS: Final = timedelta(days=2)
SECOND: Final = timedelta(seconds=1)
MANY: Final = 5
ODD_NAMES: Final = ("ȚARA Mea: SRL", 'a "b"\\c % _', "2026-03")


def key_of(call: Call, kind: BudgetKind) -> str:
    """The key of the budget that a message takes part in."""
    share = call.case.share(kind, call.claim.now)
    assert share is not None, f"no part in {kind}"
    return share.key


def believing(case: Case) -> Case:
    """As a worker sees it that knows of no use."""
    assert case.ledger is not None
    return evolve(case, ledger=evolve(case.ledger, budgets={}))


async def held(world: World, call: Call, *keys: str) -> list[tuple[IntentId, ...]]:
    """Who counts in each budget of a call's phone."""
    assert call.draft.slot is not None
    (units,) = await world.intents.units([call.draft.slot], keys)
    found = dict(units.budgets)
    return [found[key] for key in keys]


async def full(world: World, claim: Claim, case: Case) -> Decision:
    """Put a message off by what the ledger's own figures say of it."""
    made = world.decide(case, claim)
    assert made.binding is Reason.BUDGET_EXCEEDED, made
    assert made.verdict is Verdict.DEFER
    key = dict(made.block.inputs)["budget"]
    put = PutOff(case.intent.id, made, made.block.until, key)
    await world.lanes.put_off(claim, [put])
    return made


class BudgetsContract:
    """One test per promise, and what else a caller relies on."""

    async def test_all_budgets_or_none(self, world: World) -> None:
        """It takes of all further budgets or of none, and never more than their
        limits.
        """
        limits = Limits(total_per_day=4, campaign_new_per_day=2)
        await world.phone_with(MANY, limits=limits)
        calls: list[Call] = []
        for _ in range(2):
            calls.append(await world.send())
            await world.advance_engine(GAP)
        claim = await world.claim()

        third = await world.arm(claim, believing(claim.cases[0]))

        keys = [key_of(third, kind) for kind in (BudgetKind.CAMPAIGN, BudgetKind.TOTAL)]
        sent = {call.draft.parcel.intent for call in calls}
        assert third.verdict == NotArmed(WhyNotArmed.BUDGET, keys[0])
        assert [set(ids) for ids in await held(world, third, *keys)] == [sent, sent]
        (units,) = await world.intents.units([slot_of(third)])
        assert set(units.ids) == sent

    async def test_the_smallest_limit_wins_also_a_later_one(self, world: World) -> None:
        (phone, _) = await world.phone_with(3, limits=Limits(total_per_day=3))
        await world.send()
        await world.advance_engine(GAP)
        claim = await world.claim()
        lower = evolve(phone, limits=Limits(total_per_day=1))

        assert await world.senders.change(phone, lower, by="ana")
        call = await world.arm(claim)

        assert why(call) is WhyNotArmed.BUDGET

    async def test_what_counts_as_sent_counts(self, world: World) -> None:
        """What counts as sent counts in its budgets, and what was not sent gives back
        what it took of them, once.
        """
        await world.phone_with(limits=Limits(total_per_day=1, company_per_month=1))
        kinds = (BudgetKind.COMPANY, BudgetKind.TOTAL)

        released = await world.calling()
        keys = [key_of(released, kind) for kind in kinds]
        intent = released.draft.parcel.intent
        calling = await held(world, released, *keys)
        for _ in range(2):
            left = await world.settle(released, Outcome.RELEASED, retry_in=GAP)
            assert (left.spent, left.slot) == (False, slot_of(released))
        given_back = await held(world, released, *keys)
        await world.advance_engine(GAP)
        doubt = await world.doubt()
        late = await world.settle(released, Outcome.RELEASED)
        unknown = await held(world, doubt, *keys)
        await world.advance_engine(world.timing.first_look)
        (look,) = await world.intents.doubtful(A, 1)
        (left,) = await world.intents.resolve([Resolution(look, Outcome.NOT_SENT)])
        not_sent = await held(world, doubt, *keys)

        assert calling == unknown == [(intent,), (intent,)]
        assert given_back == not_sent == [(), ()]
        assert late.outcome is Outcome.RELEASED
        assert (left.spent, left.slot) == (False, slot_of(doubt))

    async def test_a_call_that_is_given_up_goes_on_counting(self, world: World) -> None:
        await world.phone_with(limits=Limits(total_per_day=1))
        call = await world.calling()
        key = key_of(call, BudgetKind.TOTAL)

        await world.advance_machine(world.timing.doubtful + GAP)
        (left,) = await world.intents.give_up(5)

        assert (left.outcome, left.spent) == (Outcome.UNKNOWN, True)
        assert await held(world, call, key) == [(call.draft.parcel.intent,)]

    async def test_a_refusal_that_keeps_its_unit_keeps_all(self, world: World) -> None:
        await world.phone_with(limits=Limits(total_per_day=1))
        call = await world.calling()
        key = key_of(call, BudgetKind.TOTAL)

        left = await world.settle(call, Outcome.REFUSED, keep_unit=True)

        assert left.spent
        assert await held(world, call, key) == [(call.draft.parcel.intent,)]

    async def test_a_follow_up_counts_where_the_guard_counts_it(
        self, world: World
    ) -> None:
        await world.phone_with(limits=Limits(total_per_day=9))
        first = await world.send()
        await world.advance_engine(TWO_DAYS)

        call = await world.calling()
        key = key_of(call, BudgetKind.TOTAL)
        counted = await held(world, call, key)
        left = await world.settle(call, Outcome.RELEASED)

        assert call.draft.unit is None
        assert counted == [(call.draft.parcel.intent,)]
        assert left.slot == call.draft.slot != slot_of(first)
        assert not left.spent
        assert await held(world, call, key) == [()]

    async def test_the_units_are_those_who_hold_one(self, world: World) -> None:
        """The units of a slot are the ids of the intents that hold one, and so is the
        use of each further budget.
        """
        await world.phone_with(3, limits=Limits(total_per_day=9))
        first = await world.send()
        await world.advance_engine(GAP)
        second = await world.send()

        slot = slot_of(first)
        tomorrow = evolve(slot, day=slot.day + timedelta(days=1))
        key, other = key_of(first, BudgetKind.TOTAL), f"total:{tomorrow.day}"
        units, next_day = await world.intents.units([slot, tomorrow], [key, other])

        ids = {call.draft.parcel.intent for call in (first, second)}
        assert set(units.ids) == set(dict(units.budgets)[key]) == ids
        assert dict(units.budgets)[other] == ()
        assert (next_day.slot, next_day.ids) == (tomorrow, ())
        assert (units.external, units.effective, units.epoch) == (0, 200, 1)

    async def test_a_case_tells_what_is_used(self, world: World) -> None:
        phone, _ = await world.phone_with(2, limits=Limits(total_per_day=1))
        first = await world.send()
        await world.advance_engine(GAP)

        claim = await world.claim()
        (case,) = claim.cases
        made = world.decide(case, claim)

        assert case.ledger is not None
        assert case.ledger.budgets[key_of(first, BudgetKind.TOTAL)] == 1
        assert case.campaign is not None
        assert dict(made.block.inputs) == {
            "budget": key_of(first, BudgetKind.TOTAL),
            "phone": phone.number,
            "used": "1",
            "limit": "1",
        }

    async def test_a_company_is_known_by_any_name(self, world: World) -> None:
        (phone,) = await world.phones(limits=Limits(company_per_month=1))
        rows = [
            evolve(invented.new_lead(900 + n), company_name=name)
            for n, name in enumerate(ODD_NAMES)
        ]
        rows += [
            evolve(invented.new_lead(950), company_name="Unu", cui="123"),
            evolve(invented.new_lead(951), company_name="Altul", cui="124"),
        ]
        leads = await self._stored(world, rows)
        intents = await world.enrolled(leads)
        await world.allocations.allocate(world.tenant, dict.fromkeys(intents, phone.id))

        for _ in leads:
            call = await world.send()
            key = key_of(call, BudgetKind.COMPANY)
            claims = await world.claims()
            assert claims == [], "it rests"
            await world.advance_engine(GAP)
            again = await world.decisions.explain(world.tenant, call.draft.lead)
            used = [case.ledger.budgets for case in again.cases if case.ledger]
            assert used == [{key: 1}]
        twin = evolve(
            invented.new_lead(960), company_name=ODD_NAMES[0].replace("M", "m")
        )
        (lead,) = await self._stored(world, [twin])
        (intent,) = await world.enrolled([lead])
        await world.allocations.allocate(world.tenant, {intent: phone.id})
        claim = await world.claim()

        assert world.decide(claim.cases[0], claim).binding is Reason.BUDGET_EXCEEDED

    async def _stored(self, world: World, rows: list[NewLead]) -> list[LeadId]:
        run = ImportId(invented.sequence().id)
        return [
            one.lead for one in await world.leads.store(world.tenant, rows, run=run)
        ]

    # --- lanes

    async def test_a_full_budget_puts_off_all_it_stops(self, world: World) -> None:
        """A full budget puts off at once all in the lane that it stops."""
        limits = Limits(campaign_new_per_day=1)
        phone, leads = await world.phone_with(MANY, limits=limits)
        call = await world.send()
        await world.advance_engine(GAP)
        claim = await world.claim()
        await full(world, claim, claim.cases[0])
        midnight = next_midnight(claim.now, phone.time_zone)

        nothing = await world.offered()
        await world.advance_engine(midnight - claim.now - SECOND)
        before = await world.offered()
        await world.advance_engine(2 * SECOND)
        first = await world.offered()
        waits = [
            (one.due_at, lead)
            for lead in leads
            if lead != call.draft.lead
            for one in (await world.known(lead)).waiting
        ]

        assert (nothing, before) == ([], [])
        assert first == [min(waits)[1]]
        assert len({due for due, _ in waits}) == MANY - 1, "they keep an order"
        assert all(midnight <= due < midnight + SECOND for due, _ in waits)

    async def test_a_full_day_closes_the_whole_lane(self, world: World) -> None:
        phone, leads = await world.phone_with(3, limits=Limits(total_per_day=1))
        await world.send()
        await world.advance_engine(GAP)
        claim = await world.claim()
        dues = [await self._dues(world, lead) for lead in leads]

        await full(world, claim, claim.cases[0])
        midnight = next_midnight(claim.now, phone.time_zone)
        await world.advance_engine(midnight - claim.now - SECOND)
        before = await world.offered()
        await world.advance_engine(2 * SECOND)
        after = await world.offered()

        assert before == []
        assert len(after) == 1
        assert [await self._dues(world, lead) for lead in leads] == dues

    async def _dues(self, world: World, lead: LeadId) -> list[datetime]:
        return [one.due_at for one in (await world.known(lead)).waiting]

    async def test_a_full_company_moves_its_own_message(self, world: World) -> None:
        phone, _ = await world.phone_with(limits=Limits(company_per_month=1))
        await world.send()
        others = await world.line(phone, 2)
        await world.advance_engine(TWO_DAYS)
        claim = await world.claim()
        (case,) = [
            one for one in claim.cases if one.intent.send_class is SendClass.FOLLOWUP
        ]

        made = await full(world, claim, case)
        offered = await world.offered()

        until = made.block.until
        assert until is not None
        assert until.day in {31, 1}
        assert await self._dues(world, case.intent.lead) == [until]
        assert len(offered) == 1
        assert offered[0] in others

    async def test_who_has_answered_is_not_stopped(self, world: World) -> None:
        limits = Limits(unanswered_per_month=1)
        phone, (lead,) = await world.phone_with(limits=limits)
        await world.send()
        others = await world.line(phone, 2)
        await world.advance_engine(GAP)
        claim = await world.claim()
        (case,) = claim.cases

        made = await full(world, claim, case)
        dues = [await self._dues(world, one) for one in (*others, lead)]

        until = made.block.until
        assert until is not None
        assert [[due >= until for due in found] for found in dues] == [[True]] * 3
        answered = evolve(case, journey=evolve(case.journey, reply_count=1))
        assert world.decide(answered, claim).verdict is Verdict.SEND

    async def test_a_raised_limit_lets_what_it_stopped_go(self, world: World) -> None:
        for limits, more in (
            (Limits(total_per_day=1), Limits(total_per_day=2)),
            (Limits(campaign_new_per_day=1), Limits(campaign_new_per_day=2)),
            (Limits(unanswered_per_month=1), Limits()),
        ):
            phone, leads = await world.phone_with(3, limits=limits)
            await world.send()
            await world.advance_engine(GAP)
            claim = await world.claim()
            await full(world, claim, claim.cases[0])
            closed = await world.offered()

            raised = evolve(phone, limits=more)
            assert await world.senders.change(phone, raised, by="ana")
            opened = await world.offered()

            assert closed == []
            assert len(opened) == 1
            assert opened[0] in leads
            retired = evolve(raised, enabled=False)
            assert await world.senders.change(raised, retired, by="ana")

    async def test_a_phone_has_room_for_what_its_budgets_leave(
        self, world: World
    ) -> None:
        limits = Limits(total_per_day=3, unanswered_per_month=9)
        phone, _ = await world.phone_with(2, limits=limits)
        await world.send()

        (room,) = await world.allocations.rooms(world.tenant)

        assert (room.sender.id, room.units, room.waiting) == (phone.id, 2, 1)

    async def test_limits_are_stored_with_their_phone(self, world: World) -> None:
        limits = Limits(
            total_per_day=5,
            unanswered_per_month=4,
            company_per_month=3,
            domain_per_day=2,
            campaign_new_per_day=1,
        )
        (phone,) = await world.phones(limits=limits)

        found = await world.senders.by_id(world.tenant, phone.id)
        changed = evolve(found, limits=Limits(total_per_day=7))
        assert await world.senders.change(found, changed, by="ana")

        assert phone.limits == found.limits == limits
        assert (await world.senders.by_id(world.tenant, phone.id)) == changed

    async def test_nothing_is_used_where_nothing_is_set(self, world: World) -> None:
        await world.phone_with()

        call = await world.send()

        assert call.draft.shares == ()
        assert call.case.ledger is not None
        assert call.case.ledger.budgets == {}
