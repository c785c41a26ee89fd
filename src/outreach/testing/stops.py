"""What every `Stops` owes its callers.

Subclass `StopsContract` in a test module, with a fixture ``world`` that gives a fresh
`World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from attrs import evolve

from outreach.domain.address import AddressKey
from outreach.domain.change import Done, DutyKind, StatusChange
from outreach.domain.ids import LeadId, StopId
from outreach.domain.message import MessageStatus, Outcome
from outreach.domain.sender import Sender
from outreach.domain.sequence import EnrolmentStatus
from outreach.domain.stop import Stop, StopKind
from outreach.domain.suppression import Suppression, SuppressionReason, SwitchScope
from outreach.ports.intents import Resolution
from outreach.testing.arming import opted_out
from outreach.testing.world import GAP, A, Call, World

__all__ = ["StopsContract"]

WITHDRAW, BLOCK, PAUSE = StopKind.WITHDRAW, StopKind.BLOCK, StopKind.PAUSE


async def _calling(world: World, phone: Sender | None = None, **facts: Any) -> Call:
    """A mail on its way to its provider, of a lead that is in a run."""
    if phone is None:
        (phone,) = await world.phones()
    (lead,) = await world.line(phone, mail=True)
    return await world.call_for(await world.mail(phone, lead, **facts))


async def _mailed(world: World, phone: Sender | None = None, **facts: Any) -> Call:
    """A mail that its provider has accepted, and may hold."""
    call = await _calling(world, phone, **facts)
    await world.settle(call, Outcome.ACCEPTED)
    await world.advance_engine(GAP)
    return call


async def _run_stops(world: World, lead: LeadId, why: str = "REPLIED") -> Done:
    known = await world.known(lead)
    assert known.enrolment is not None
    ends = (known.enrolment.id, EnrolmentStatus.STOPPED, why)
    return await world.commit(world.change(known, enrolment=ends))


async def _listed(world: World) -> list[Stop]:
    return list(await world.stops.unconfirmed(world.tenant))


async def _kinds(world: World) -> list[tuple[StopKind, str, str]]:
    return sorted((one.kind, one.about, one.cause) for one in await _listed(world))


async def _due(world: World) -> set[str]:
    duties = await world.duties.take(A, 100)
    return {duty.key for duty in duties if duty.kind is DutyKind.STOP}


class StopsContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_an_opt_out_withdraws_and_blocks(self, world: World) -> None:
        """An opt-out withdraws all mail that a provider may hold and blocks its
        addresses.
        """
        call = await _mailed(world)
        parcel, lead = call.draft.parcel, call.draft.lead
        now = await world.now()

        await world.changed(lead, opted_out)

        block, withdraw = sorted(await _listed(world), key=lambda one: one.kind)
        assert (block.kind, withdraw.kind) == (BLOCK, WITHDRAW)
        for stop in (block, withdraw):
            assert stop.about == str(parcel.attempt)
            assert (stop.tenant, stop.account) == (world.tenant, parcel.account)
            assert (stop.cause, stop.at, stop.lead) == ("OPTED_OUT", now, lead)
            assert (stop.to, stop.ref) == (parcel.to, f"ref-{parcel.attempt}")
            assert (stop.tries, stop.alerted, stop.in_doubt) == (0, False, False)

    async def test_a_run_that_stops_withdraws_its_mail(self, world: World) -> None:
        """Whatever stops a run withdraws the run's mail."""
        call = await _mailed(world)
        lead = call.draft.lead
        phone = call.case.sender
        assert phone is not None
        reply = await world.mail(phone, lead, enrolment=None, step=None, step_number=0)
        await world.settle(await world.call_for(reply), Outcome.ACCEPTED)

        await _run_stops(world, lead)

        assert await _kinds(world) == [
            (WITHDRAW, str(call.draft.parcel.attempt), "REPLIED")
        ]

    async def test_a_suppressed_address_withdraws(self, world: World) -> None:
        """A suppressed address withdraws what its lead was sent."""
        call = await _mailed(world)
        now = await world.now()
        key = AddressKey.of(f"email:{call.draft.parcel.to}")
        said = Suppression(key, SuppressionReason.BOUNCE, "provider", now)

        await world.switches.suppress(world.tenant, [said])

        about = str(call.draft.parcel.attempt)
        assert await _kinds(world) == [
            (BLOCK, about, "SUPPRESSED"),
            (WITHDRAW, about, "SUPPRESSED"),
        ]

    async def test_a_call_under_way_is_in_doubt(self, world: World) -> None:
        """A call under way is in doubt until it has ended."""
        for outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN):
            call = await _calling(world)
            await world.changed(call.draft.lead, opted_out)
            stops = {one.kind: one.id for one in await _listed(world)}
            stop = stops[WITHDRAW]

            before = await world.stops.get(world.tenant, stop)
            await world.settle(call, outcome)
            after = await world.stops.get(world.tenant, stop)

            assert before is not None
            assert after is not None
            assert before.in_doubt
            assert after.in_doubt is (outcome is Outcome.UNKNOWN)
            for one in await _listed(world):
                await world.stops.confirm(one, "")

    async def test_a_doubt_ends_with_the_outcome_and_the_stop_does_not(
        self, world: World
    ) -> None:
        for outcome, ref in (
            (Outcome.ACCEPTED, "found-1"),
            (Outcome.NOT_SENT, ""),
            (Outcome.ABANDONED, ""),
        ):
            call = await _calling(world)
            await world.settle(call, Outcome.UNKNOWN)
            await world.changed(call.draft.lead, opted_out)
            withdraw = [one for one in await _listed(world) if one.kind is WITHDRAW]
            await world.advance_engine(world.timing.first_look + GAP)
            (doubt,) = await world.intents.doubtful(A, 10)

            await world.intents.resolve([Resolution(doubt, outcome, ref=ref)])
            (stop,) = [one for one in await _listed(world) if one.kind is WITHDRAW]

            (before,) = withdraw
            assert (before.in_doubt, before.ref) == (True, "")
            assert (stop.id, stop.in_doubt, stop.ref) == (before.id, False, ref)
            assert stop.about == str(call.draft.parcel.attempt)
            assert (await world.known(call.draft.lead)).waiting == ()
            for one in await _listed(world):
                await world.stops.confirm(one, "")

    async def test_what_is_not_there_makes_no_stop(self, world: World) -> None:
        """What has left its provider, or never reached one, makes no stop."""
        (phone,) = await world.phones()
        left = await _mailed(world, phone)
        known = await world.known(left.draft.lead)
        told = StatusChange(left.draft.parcel.attempt, MessageStatus.SENT, known.now)
        await world.commit(world.change(known, statuses=(told,)))
        refused = await _calling(world, phone)
        await world.settle(refused, Outcome.REFUSED)

        await _run_stops(world, left.draft.lead)
        await world.changed(refused.draft.lead, opted_out)

        assert await _listed(world) == []

    async def test_an_address_is_blocked_though_its_mail_has_left(
        self, world: World
    ) -> None:
        call = await _mailed(world)
        known = await world.known(call.draft.lead)
        told = StatusChange(call.draft.parcel.attempt, MessageStatus.SENT, known.now)
        await world.commit(world.change(known, statuses=(told,)))

        await world.changed(call.draft.lead, opted_out)

        assert [one.kind for one in await _listed(world)] == [BLOCK]

    async def test_a_channel_that_holds_nothing(self, world: World) -> None:
        """A channel that holds nothing makes no stop."""
        _, (lead,) = await world.phone_with()
        await world.send()

        await world.changed(lead, opted_out)

        assert await _listed(world) == []
        assert await _due(world) == set()

    async def test_an_open_breaker_pauses_its_campaign(self, world: World) -> None:
        """An open breaker pauses its campaign at every account it was sent from."""
        first = await _mailed(world)
        (other,) = await world.phones(provider_account="second")
        second = await _mailed(world, other)
        campaign = first.case.campaign
        scope, of = SwitchScope.CAMPAIGN, str(campaign)

        for _ in range(2):
            await world.switches.throw(
                world.tenant, scope, of, reason="bounces", by="engine"
            )
        stops = await _listed(world)
        await world.switches.lift(world.tenant, scope, of, reason="ok", by="ana")

        assert second.case.campaign == campaign
        assert {one.account for one in stops} == {
            call.draft.parcel.account for call in (first, second)
        }
        for stop in stops:
            assert (stop.kind, stop.about) == (PAUSE, of)
            assert (stop.cause, stop.lead, stop.to) == ("BREAKER_OPEN", None, "")
        # Nobody is told to pause what a person let go on.
        assert await _listed(world) == []

    async def test_a_breaker_that_opens_again_pauses_again(self, world: World) -> None:
        call = await _mailed(world)
        scope, of = SwitchScope.CAMPAIGN, str(call.case.campaign)
        confirmed = []

        for _ in range(2):
            await world.switches.throw(world.tenant, scope, of, reason="x", by="engine")
            (stop,) = await _listed(world)
            await world.stops.confirm(stop, "")
            confirmed.append(stop.id)
            await world.switches.lift(world.tenant, scope, of, reason="ok", by="ana")

        assert confirmed[0] != confirmed[1]

    async def test_the_same_cause_again(self, world: World) -> None:
        """The same cause again makes no second stop."""
        call = await _mailed(world)
        await world.changed(call.draft.lead, opted_out)
        first = await _listed(world)

        await world.advance_engine(GAP)
        await world.changed(call.draft.lead, opted_out)
        now = await world.now()
        again = await _listed(world)

        assert [evolve(one, now=now) for one in first] == again

    async def test_what_is_not_committed_stops_nothing(self, world: World) -> None:
        """A change that is not committed makes no stop."""
        call = await _mailed(world)
        known = await world.known(call.draft.lead)
        assert known.enrolment is not None
        ends = (known.enrolment.id, EnrolmentStatus.STOPPED, "REPLIED")
        stale = world.change(known, enrolment=ends, expected=known.journey.version - 1)

        done = await world.commit(stale)

        assert done is Done.CONFLICT
        assert await _listed(world) == []
        assert await _due(world) == set()

    async def test_due_at_once_and_listed(self, world: World) -> None:
        """A stop is due at once, and it is listed until it is confirmed."""
        call = await _mailed(world)
        await _run_stops(world, call.draft.lead)
        (stop,) = await _listed(world)

        due = await _due(world)
        tried = evolve(stop, tries=3, alerted=True, detail="no answer")
        await world.stops.tried(tried)
        (after,) = await _listed(world)
        of_lead = await world.stops.unconfirmed(world.tenant, call.draft.lead)
        of_other = await world.stops.unconfirmed(world.tenant, LeadId(UUID(int=9)))
        await world.stops.confirm(after, "gone")

        assert due == {str(stop.id)}
        assert evolve(after, now=stop.now) == tried
        assert list(of_lead) == [after]
        assert list(of_other) == []
        assert await _listed(world) == []

    async def test_confirmed_stays_confirmed(self, world: World) -> None:
        """What is confirmed stays confirmed."""
        call = await _mailed(world)
        await world.changed(call.draft.lead, opted_out)
        stops = await _listed(world)
        for stop in stops:
            await world.stops.confirm(stop, "")

        for stop in stops:
            await world.stops.tried(evolve(stop, tries=9))
        await world.changed(call.draft.lead, opted_out)

        assert {one.kind for one in stops} == {BLOCK, WITHDRAW}
        assert await _listed(world) == []
        found = [await world.stops.get(world.tenant, stop.id) for stop in stops]
        assert found == [None, None]

    async def test_other_tenants_see_none(self, world: World) -> None:
        """The stops of another tenant are never seen."""
        call = await _mailed(world)
        await _run_stops(world, call.draft.lead)
        (stop,) = await _listed(world)
        theirs = evolve(stop, tenant=world.stranger)

        await world.stops.confirm(theirs, "not theirs to confirm")

        assert await world.stops.get(world.stranger, stop.id) is None
        assert list(await world.stops.unconfirmed(world.stranger)) == []
        assert [one.id for one in await _listed(world)] == [stop.id]

    async def test_nobody_knows_an_invented_stop(self, world: World) -> None:
        assert await world.stops.get(world.tenant, StopId(UUID(int=7))) is None
