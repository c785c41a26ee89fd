"""What every `Decisions` owes its callers.

Subclass `DecisionsContract` in a test module, with a fixture ``world`` that gives a
fresh `World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from attrs import evolve

from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.domain.case import Case
from outreach.domain.change import Heard, ReviewChange
from outreach.domain.channel import Channel
from outreach.domain.decision import Decision, Reason, Verdict
from outreach.domain.errors import NotFound
from outreach.domain.event import EventType
from outreach.domain.grounds import again, let_go
from outreach.domain.ids import IntentId, LeadId, SenderId, attempt_id
from outreach.domain.lane import LaneView
from outreach.domain.message import Outcome
from outreach.domain.review import Priority
from outreach.domain.sender import SendClass
from outreach.domain.suppression import Suppression, SuppressionReason, SwitchScope
from outreach.ports.decisions import Explained
from outreach.ports.lanes import Claim
from outreach.testing import invented
from outreach.testing.errors import raised
from outreach.testing.world import GAP, HOUR, A, World

__all__ = ["DecisionsContract"]

NIGHT: Final = timedelta(hours=12)


def _taken_over(case: Case) -> Case:
    return evolve(case, journey=evolve(case.journey, human_controlled=True))


async def _explained(world: World, lead: LeadId) -> Explained:
    return await world.decisions.explain(world.tenant, lead)


class DecisionsContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_the_facts_are_those_of_a_claim(self, world: World) -> None:
        """The facts of a case are those a claim would carry."""
        (phone,) = await world.phones()
        (lead,) = await world.line(phone, mail=True)
        await world.send()
        await world.advance_engine(timedelta(days=2))
        scope, of = SwitchScope.CHANNEL, "EMAIL_COLD"
        await world.switches.throw(world.tenant, scope, of, reason="x", by="ana")
        known = await world.known(lead)
        item = invented.item(world.tenant, lead, known.now)
        opened = ReviewChange(item, "OPENED", "engine")
        await world.commit(world.change(known, review=opened))

        (claimed,) = (await world.claim()).cases
        (waiting,) = await world.decisions.waiting(world.tenant, None, 10)
        (explained,) = (await _explained(world, lead)).cases

        assert claimed == waiting == explained
        assert claimed.review_open
        assert claimed.switches
        assert claimed.sequence is not None
        assert claimed.template is not None
        assert claimed.template.name == "agri-2"

    async def test_facts_of_what_nobody_has_yet(self, world: World) -> None:
        (lead,) = await world.new_leads()
        await world.enrolled([lead], within=HOUR)

        (case,) = await world.decisions.waiting(world.tenant, None, 10)

        assert (case.sender, case.lane, case.ledger) == (None, None, None)
        assert case.journey.lead == lead
        assert case.is_new

    async def test_a_text_belongs_to_its_channel(self, world: World) -> None:
        (phone,) = await world.phones()
        await world.line(phone, mail=True)
        call = await world.calling()

        to_mail = Channel.EMAIL_COLD
        await world.settle(call, Outcome.REFUSED, fall_back_to=to_mail)
        (case,) = await world.decisions.waiting(world.tenant, None, 10)

        assert call.case.template is not None
        assert case.intent.channel is Channel.EMAIL_COLD
        assert case.template is None
        assert "@" in case.to

    async def test_what_is_recorded_is_decided_again(self, world: World) -> None:
        """A recorded decision has facts from which the same is decided again."""
        phone, (lead,) = await world.phone_with()
        claim = await world.claim()
        await world.put_off(claim, _taken_over(claim.cases[0]), claim.now)
        await world.advance_engine(HOUR)
        await world.send()

        recorded = (await _explained(world, lead)).recorded

        assert [one.decision.verdict for one in recorded] == [
            Verdict.HOLD,
            Verdict.SEND,
        ]
        for one in recorded:
            found = again(one.decision)
            assert found is not None
            assert found.decision == one.decision
            assert found.differs == ()
        told = dict(let_go(recorded[-1].decision, phone.time_zone))
        assert told["sender"] == f"{phone.number} is ACTIVE"
        assert told["quota"].startswith("a new contact; 0 of ")

    async def test_a_lead_behind_a_message_and_an_attempt(self, world: World) -> None:
        """A lead is found by its messages and attempts, too."""
        _, (lead,) = await world.phone_with()
        call = await world.send()
        intent = call.case.intent.id
        attempt = attempt_id(intent, 1)

        for one in (attempt, intent):
            for start in (str(one), one.hex[:12], str(one)[:13].upper()):
                found = await world.decisions.behind(world.tenant, start)
                assert list(found) == [lead]
        assert not await world.decisions.behind(world.tenant, attempt.hex[:3])
        assert not await world.decisions.behind(world.tenant, str(uuid4()))
        assert not await world.decisions.behind(world.stranger, str(attempt))

    async def test_each_send_and_each_change_of_reason(self, world: World) -> None:
        """A decision is recorded per send, per refusal and per change of reason."""
        _, (lead,) = await world.phone_with()

        made: list[Decision] = []
        for _ in range(2):
            claim = await world.claim()
            busy = _taken_over(claim.cases[0])
            made.append(await world.put_off(claim, busy, claim.now))
            await world.advance_engine(HOUR)
        claim = await world.claim()
        case = claim.cases[0]
        made.append(await world.put_off(claim, case, claim.now + NIGHT))
        await world.advance_engine(timedelta(days=1))
        call = await world.send()
        recorded = (await _explained(world, lead)).recorded

        bindings = [one.decision.binding for one in recorded]
        assert bindings == [Reason.HUMAN_CONTROL, Reason.OUTSIDE_WINDOW, Reason.OK]
        assert {one.intent for one in recorded} == {case.intent.id}
        assert recorded[-1].decision == call.decision
        assert recorded[-1].outcome == Outcome.ACCEPTED
        assert dict(await world.decisions.deferred(world.tenant)) == {
            Reason.HUMAN_CONTROL: 1,
            Reason.OUTSIDE_WINDOW: 1,
        }

    async def test_a_refusal_is_recorded(self, world: World) -> None:
        _, (lead,) = await world.phone_with()
        claim = await world.claim()
        case = claim.cases[0]
        out = evolve(case, journey=evolve(case.journey, opted_out=True))

        await world.put_off(claim, out, claim.now)
        explained = await _explained(world, lead)

        (recorded,) = explained.recorded
        assert recorded.decision.verdict is Verdict.STOP
        assert recorded.decision.binding is Reason.SUPPRESSED
        assert explained.cases == ()
        assert "SUPPRESSED" in explained.ended

    async def test_a_provider_that_refuses_is_counted(self, world: World) -> None:
        await world.phone_with()
        call = await world.calling()

        await world.settle(call, Outcome.RELEASED, lane_refused=True, rest=GAP)

        deferred = dict(await world.decisions.deferred(world.tenant))
        assert deferred == {Reason.PROVIDER_BACKOFF: 1}

    async def test_a_decision_reads_back_as_it_was_made(self, world: World) -> None:
        """A recorded decision reads back as it was made."""
        _, (lead,) = await world.phone_with()
        claim = await world.claim()
        busy = _taken_over(claim.cases[0])
        shut = evolve(busy, review_open=True, template=None)

        made = await world.put_off(claim, shut, claim.now + NIGHT)
        (recorded,) = (await _explained(world, lead)).recorded

        assert len(made.blocks) >= len(["human", "review", "text", "window"])
        assert recorded.decision.blocks == made.blocks
        assert recorded.decision.flips == made.flips
        assert recorded.decision == made

    async def test_why_nothing_waits(self, world: World) -> None:
        never, skipped = await world.new_leads(2)
        campaign, steps = await world.campaign()
        due = await world.now()
        run = invented.enrolment(world.tenant, skipped, steps, due)
        left_out = evolve(run, first=None, skipped="NO_CHANNEL")
        await world.campaigns.enroll(world.tenant, campaign, [left_out])

        first = await _explained(world, never)
        second = await _explained(world, skipped)

        assert first.ended == "never enrolled"
        assert second.ended == "NO_CHANNEL"
        assert first.state == second.state == "COLD"
        assert first.name.startswith("Agro")

    async def test_a_lead_that_is_not_there(self, world: World) -> None:
        (theirs,) = await world.new_leads(tenant=world.stranger)

        await raised(NotFound, _explained(world, theirs))
        await raised(NotFound, _explained(world, LeadId(uuid4())))

    async def test_pages_of_what_waits(self, world: World) -> None:
        _, leads = await world.phone_with(3)
        unallocated = await world.enrolled(await world.new_leads(2))
        (theirs,) = await world.phones(tenant=world.stranger)
        await world.line(theirs)

        seen: list[IntentId] = []
        after: IntentId | None = None
        while page := await world.decisions.waiting(world.tenant, after, 2):
            seen += [case.intent.id for case in page]
            after = seen[-1]

        assert seen == sorted(set(seen))
        assert len(seen) == len(leads) + len(unallocated)

    async def test_the_summary_counts(self, world: World) -> None:
        phone, leads = await world.phone_with(3)
        await world.send()
        await world.advance_engine(GAP)
        await world.doubt()
        await self._heard(world, leads[0])

        summary = await world.decisions.summary(world.tenant)
        days = await world.decisions.days(world.tenant)

        assert [(one.phone, one.new, one.followups) for one in days] == [
            (phone.number, 1, 0)
        ]
        assert (summary.imported, summary.enrolled) == (3, 3)
        assert dict(summary.sent) == {"WHATSAPP": 1}
        assert summary.unknown == 1
        assert dict(summary.events) == {"REPLY": 1}
        assert dict(summary.replies) == {"QUESTION": 1}
        assert dict(summary.reviews) == {"HIGH": 1}
        assert summary.suppressed == 1
        assert summary.phones == ((phone.number, 1, 0, phone.daily_limit),)

    async def _heard(self, world: World, lead: LeadId) -> None:
        """A question came in, a review item opened, an address was suppressed."""
        await world.inbox.put(invented.arrival("e-1"))
        (arrived,) = await world.inbox.take(A, 10)
        known = await world.known(lead)
        analysis = Analysis(ReplyIntent.QUESTION, 20, 0.9, "ro", (), "test/1")
        heard = Heard(
            EventType.REPLY,
            Channel.WHATSAPP,
            known.now,
            content="Cât costă?",
            analysis=analysis,
        )
        item = invented.item(world.tenant, lead, known.now, Priority.HIGH)
        change = world.change(
            known,
            event=arrived.id,
            heard=heard,
            review=ReviewChange(item, "OPENED", "engine"),
        )
        await world.commit(change)
        key = next(iter((await self._case(world, lead)).addresses))
        said = Suppression(key, SuppressionReason.PERSON, "ana", known.now)
        await world.switches.suppress(world.tenant, [said])

    async def _case(self, world: World, lead: LeadId) -> Case:
        (case, *_) = (await _explained(world, lead)).cases
        return case

    async def test_a_lane_is_shown_as_it_is(self, world: World) -> None:
        """A lane is shown as it is, with what waits in it and what keeps it."""
        phone, _ = await world.phone_with(3)
        (quiet,) = await world.phones()
        free = await _lane(world, phone.id)
        claim = await world.claim()
        held = await _lane(world, phone.id)
        call = await world.arm(claim)
        calling = await _lane(world, phone.id)
        await world.settle(call, Outcome.ACCEPTED)
        rests = await _lane(world, phone.id)
        await world.advance_engine(GAP)
        await world.put_off(again := await world.claim(), again.cases[0], _night(again))
        closed = await _lane(world, phone.id)
        scope, of = SwitchScope.SENDER, str(phone.id)
        await world.switches.throw(world.tenant, scope, of, reason="x", by="ana")
        stopped = await _lane(world, phone.id)

        assert (free.sender.id, free.owner, free.token) == (phone.id, "", 0)
        assert dict(free.depth) == {SendClass.NEW: 3}
        assert free.wake_at is not None
        assert free.wake_at <= free.now
        assert (held.owner, held.token, held.wake_at) == (A, 1, None)
        assert held.lease_until == claim.lease_until
        assert calling.call_until is not None
        assert dict(rests.depth) == {SendClass.NEW: 2, SendClass.FOLLOWUP: 1}
        assert (rests.owner, rests.call_until) == ("", None)
        assert rests.gate_at == rests.wake_at
        assert closed.opens_at is not None
        assert closed.gate_at is None
        assert stopped.switch is not None
        assert (stopped.switch.by, stopped.wake_at) == ("ana", None)
        others = await world.decisions.lanes(world.tenant)
        assert [one.sender.id for one in others] == [phone.id, quiet.id]
        assert (others[1].depth, others[1].oldest_due) == ({}, None)
        assert await world.decisions.lanes(world.stranger) == []


async def _lane(world: World, phone: SenderId) -> LaneView:
    (lane,) = await world.decisions.lanes(world.tenant, phone)
    return lane


def _night(claim: Claim) -> datetime:
    return claim.now + NIGHT
