"""What every `Audit` owes its callers: it finds what others left behind its back.

Subclass `AuditContract` in a test module, with a fixture ``world`` that gives a fresh
`World`, and a fixture ``spoil`` that breaks that world's store past all ports (see
`Spoil`). A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, Protocol
from uuid import UUID, uuid4

from attrs import evolve, frozen

from outreach.domain.auditing import HOURLY, Check, Finding
from outreach.domain.journey import Fact, happened
from outreach.domain.message import Outcome
from outreach.domain.suppression import Suppression, SuppressionReason
from outreach.testing import invented
from outreach.testing.world import GAP, HOUR, Call, World

__all__ = ["AuditContract", "Sent", "Spoil", "found", "hourly", "sent"]

DAY: Final = timedelta(days=1)


class Spoil(Protocol):
    """Plants what a check must find.

    By check, with the ids it is about by name: ``attempt``, ``intent``, ``enrolment``,
    ``lead``, ``sender``, ``day``, and ``new`` for the id of what is added.
    """

    async def __call__(self, check: Check, **of: Any) -> None: ...


@frozen
class Sent:
    """One message that arrived, and the ids around it."""

    call: Call

    @property
    def ids(self) -> dict[str, Any]:
        draft, intent = self.call.draft, self.call.case.intent
        return {
            "attempt": draft.parcel.attempt,
            "intent": intent.id,
            "lead": draft.lead,
            "sender": draft.parcel.sender,
            "enrolment": intent.enrolment,
            "step": intent.step,
            "key": draft.addresses[0],
            "day": None if draft.unit is None else draft.unit.day,
        }


async def sent(world: World) -> dict[str, Any]:
    await world.phone_with()
    await world.quiet()
    return Sent(await world.send()).ids


async def _two_of_a_phone(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    await world.phone_with(2)
    await world.quiet()
    first = Sent(await world.send()).ids
    await world.advance_engine(GAP)
    return first, Sent(await world.send()).ids


async def _two_of_a_lead(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    first = await sent(world)
    await world.advance_engine(2 * DAY + HOUR / 60)
    return first, Sent(await world.send()).ids


async def found(world: World) -> list[tuple[Check, str]]:
    now = await world.now()
    return _named(await world.audit.findings(world.tenant, now - 4 * DAY))


def _named(findings: Any) -> list[tuple[Check, str]]:
    return [(one.check, one.subject) for one in findings]


async def hourly(world: World) -> None:
    await world.audit.record(world.tenant, [], [], by=HOURLY)


class AuditContract:
    """One test per promise of the port, and one for every check."""

    async def test_a_healthy_world_has_no_findings(self, world: World) -> None:
        """A healthy world has no findings."""
        for phone in await world.phones(3):
            await world.line(phone, 4)
        await world.quiet()
        outcomes = [Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.RELEASED]
        for outcome in outcomes:
            for claim in await world.claims():
                await world.settle(await world.arm(claim), outcome)
            await world.advance_engine(GAP + timedelta(seconds=5))
        for claim in (await world.claims())[:1]:
            await world.arm(claim)
        lead = (await world.phone_with())[1][0]
        await world.changed(
            lead, lambda known: happened(known.journey, Fact.REPLIED, known.now, by="x")
        )
        await hourly(world)

        assert await found(world) == []

    async def test_a_healthy_world_stays_so_over_days(self, world: World) -> None:
        await _two_of_a_lead(world)
        await hourly(world)
        await world.advance_engine(HOUR)
        await world.quiet()

        assert await found(world) == []

    async def test_a_message_that_was_sent_twice(
        self, world: World, spoil: Spoil
    ) -> None:
        """Each check finds what breaks it, and names it."""
        of = await sent(world)

        await spoil(Check.MESSAGE_TWICE, new=uuid4(), **of)

        assert await found(world) == [(Check.MESSAGE_TWICE, str(of["intent"]))]

    async def test_a_step_that_was_sent_as_two_messages(
        self, world: World, spoil: Spoil
    ) -> None:
        of = await sent(world)

        await spoil(Check.STEP_TWICE, new=uuid4(), **of)

        subject = f"{of['enrolment']} {of['step']}"
        assert await found(world) == [(Check.STEP_TWICE, subject)]

    async def test_more_new_contacts_than_the_limit(
        self, world: World, spoil: Spoil
    ) -> None:
        of = await sent(world)

        await spoil(Check.OVER_LIMIT, **of)

        subject = f"{of['sender']} {of['day']}"
        assert await found(world) == [(Check.OVER_LIMIT, subject)]

    async def test_a_send_too_soon_after_another(
        self, world: World, spoil: Spoil
    ) -> None:
        _, of = await _two_of_a_phone(world)
        assert await found(world) == []

        await spoil(Check.TOO_SOON, earlier=timedelta(seconds=1), **of)

        assert await found(world) == [(Check.TOO_SOON, str(of["attempt"]))]

    async def test_a_send_after_an_opt_out(self, world: World, spoil: Spoil) -> None:
        of = await sent(world)
        said = Suppression(
            of["key"], SuppressionReason.OPT_OUT, "ana", await world.now()
        )
        await world.switches.suppress(world.tenant, [said])
        assert await found(world) == []

        await spoil(Check.AFTER_OPT_OUT, **of)

        assert await found(world) == [(Check.AFTER_OPT_OUT, str(of["attempt"]))]

    async def test_a_channel_that_the_state_forbids(
        self, world: World, spoil: Spoil
    ) -> None:
        of = await sent(world)

        await spoil(Check.WRONG_CHANNEL, **of)

        assert await found(world) == [(Check.WRONG_CHANNEL, str(of["attempt"]))]

    async def test_a_logged_send_without_an_attempt(
        self, world: World, spoil: Spoil
    ) -> None:
        of, new = await sent(world), uuid4()

        await spoil(Check.LOG_WITHOUT_ATTEMPT, new=new, **of)

        assert await found(world) == [(Check.LOG_WITHOUT_ATTEMPT, str(new))]

    async def test_an_attempt_without_its_line(
        self, world: World, spoil: Spoil
    ) -> None:
        of = await sent(world)

        await spoil(Check.ATTEMPT_WITHOUT_LOG, **of)

        assert await found(world) == [(Check.ATTEMPT_WITHOUT_LOG, str(of["attempt"]))]

    async def test_another_text_than_the_armed_one(
        self, world: World, spoil: Spoil
    ) -> None:
        of = await sent(world)

        await spoil(Check.OTHER_PAYLOAD, **of)

        assert await found(world) == [(Check.OTHER_PAYLOAD, str(of["attempt"]))]

    async def test_units_of_no_attempt(self, world: World, spoil: Spoil) -> None:
        of = await sent(world)

        await spoil(Check.UNITS_DIFFER, **of)

        subject = f"{of['sender']} {of['day']}"
        assert await found(world) == [(Check.UNITS_DIFFER, subject)]

    async def test_a_token_that_went_back(self, world: World, spoil: Spoil) -> None:
        _, of = await _two_of_a_phone(world)

        await spoil(Check.FENCE_BACK, **of)

        assert await found(world) == [(Check.FENCE_BACK, str(of["attempt"]))]

    async def test_a_lead_written_to_from_another_phone(
        self, world: World, spoil: Spoil
    ) -> None:
        _, of = await _two_of_a_lead(world)
        (other,) = await world.phones()

        await spoil(Check.OTHER_PHONE, **{**of, "sender": other.id})

        assert await found(world) == [(Check.OTHER_PHONE, str(of["attempt"]))]

    async def test_a_lead_that_was_moved_may_have_another_phone(
        self, world: World
    ) -> None:
        first = await sent(world)
        (other,) = await world.phones()
        known = await world.known(first["lead"])
        moved = evolve(known.journey, phone=other.id)
        await world.commit(evolve(world.change(known), journey=moved))
        await world.advance_engine(2 * DAY + HOUR / 60)

        second = Sent(await world.send()).ids

        assert second["sender"] == other.id
        assert await found(world) == []

    async def test_a_state_that_no_move_leads_to(
        self, world: World, spoil: Spoil
    ) -> None:
        of = await sent(world)

        await spoil(Check.JOURNEY_DIFFERS, **of)

        assert await found(world) == [(Check.JOURNEY_DIFFERS, str(of["lead"]))]

    async def test_another_tenant_is_told_nothing(
        self, world: World, spoil: Spoil
    ) -> None:
        """A tenant's audit tells nothing of another."""
        of = await sent(world)
        await spoil(Check.OTHER_PAYLOAD, **of)
        since = await world.now() - DAY

        theirs = await world.audit.findings(world.stranger, since)
        sends = await world.audit.sends(world.stranger, since, None, 10)

        assert list(theirs) == []
        assert list(sends) == []
        assert list(await world.audit.slots(world.stranger)) == []

    async def test_what_began_before_is_not_told(
        self, world: World, spoil: Spoil
    ) -> None:
        """What began before *since* is not told."""
        of = await sent(world)
        await spoil(Check.OTHER_PAYLOAD, **of)
        later = await world.now() + timedelta(seconds=1)

        found = await world.audit.findings(world.tenant, later)

        assert list(found) == []
        assert list(await world.audit.sends(world.tenant, later, None, 10)) == []

    async def test_sends_come_page_by_page(self, world: World) -> None:
        """Sends come page by page in the order they were armed, without those that a
        person has allowed.
        """
        first, second = await _two_of_a_phone(world)
        since = await world.now() - HOUR

        one = await world.audit.sends(world.tenant, since, None, 1)
        (fact,) = one
        two = await world.audit.sends(
            world.tenant, since, (fact.called_at, fact.attempt), 1
        )
        (last,) = two
        three = await world.audit.sends(
            world.tenant, since, (last.called_at, last.attempt), 1
        )

        assert [fact.attempt, last.attempt] == [first["attempt"], second["attempt"]]
        assert list(three) == []
        assert fact.sender == first["sender"]
        assert fact.window.zones == (invented.ZONE,)
        assert fact.window.is_open(fact.called_at)

    async def test_slots_of_today_that_hold_units(self, world: World) -> None:
        of = await sent(world)

        (slot,) = await world.audit.slots(world.tenant)

        assert (slot.sender, slot.day) == (of["sender"], of["day"])

    async def test_a_finding_is_news_until_it_is_recorded(self, world: World) -> None:
        """A finding is news until it is recorded."""
        known = Finding(Check.TOO_SOON, str(UUID(int=1)), "3 s")
        other = Finding(Check.TOO_SOON, str(UUID(int=2)), "3 s")
        third = Finding(Check.FENCE_BACK, str(UUID(int=1)), "3 s")
        before = await world.audit.news(world.tenant, [known])

        await world.audit.record(world.tenant, [known], [known], by="ana")
        await world.audit.record(world.tenant, [known], [known], by="ana")

        after = await world.audit.news(world.tenant, [other, known, third])
        theirs = await world.audit.news(world.stranger, [known])
        assert list(before) == list(theirs) == [known]
        summary = await world.decisions.summary(world.tenant)
        assert dict(summary.breaches) == {"INV-3": 1}
        assert list(after) == [other, third]
