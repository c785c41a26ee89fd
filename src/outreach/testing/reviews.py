"""What every `Reviews` owes its callers.

Subclass `ReviewsContract` in a test module, with a fixture ``world`` that gives a
fresh `World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID, uuid4

from attrs import evolve

from outreach.domain.change import Done, DutyKind, Heard, ReviewChange
from outreach.domain.channel import Channel
from outreach.domain.errors import NotFound
from outreach.domain.event import EventType
from outreach.domain.ids import LeadId, ReviewId, UserId
from outreach.domain.review import (
    Priority,
    Resolution,
    ReviewItem,
    ReviewStatus,
)
from outreach.testing import invented
from outreach.testing.errors import raised
from outreach.testing.world import GAP, HOUR, A, World

__all__ = ["ReviewsContract"]

MANY: Final = 5
LEASE: Final = timedelta(minutes=4)
SOON: Final = timedelta(seconds=5)


async def _opened(
    world: World,
    lead: LeadId,
    priority: Priority = Priority.MEDIUM,
    within: timedelta = timedelta(days=1),
) -> ReviewItem:
    """An item that was opened by a commit to its lead."""
    known = await world.known(lead)
    item = invented.item(world.tenant, lead, known.now, priority)
    item = evolve(item, sla_due_at=known.now + within)
    opened = ReviewChange(item, "OPENED", "engine")
    assert await world.commit(world.change(known, review=opened)) is Done.DONE
    return item


async def _new(
    world: World,
    priority: Priority = Priority.MEDIUM,
    within: timedelta = timedelta(days=1),
) -> ReviewItem:
    """An item of a lead of its own."""
    (lead,) = await world.new_leads()
    return await _opened(world, lead, priority, within)


async def _queue(world: World, priority: Priority | None = None) -> list[ReviewId]:
    views = await world.reviews.queue(world.tenant, limit=10, priority=priority)
    return [view.item.id for view in views]


async def _resolved(world: World, item: ReviewItem) -> ReviewItem:
    """The item as a person's answer leaves it."""
    now = await world.now()
    return evolve(
        item,
        status=ReviewStatus.RESOLVED,
        resolved_at=now,
        resolved_by=UserId(UUID(int=7)),
        resolution=Resolution.IGNORED,
        version=item.version + 1,
    )


class ReviewsContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_the_most_urgent_comes_first(self, world: World) -> None:
        """The most urgent comes first, and among equals the one due first."""
        low = await _new(world, Priority.LOW, HOUR)
        late = await _new(world, Priority.HIGH, HOUR * 3)
        soon = await _new(world, Priority.HIGH, HOUR * 2)
        urgent = await _new(world, Priority.URGENT, HOUR * 9)

        assert await _queue(world) == [urgent.id, soon.id, late.id, low.id]
        assert await _queue(world, Priority.HIGH) == [soon.id, late.id]
        two = await world.reviews.queue(world.tenant, limit=2)
        assert [view.item.id for view in two] == [urgent.id, soon.id]
        assert await world.reviews.queue(world.stranger, limit=10) == []

    async def test_only_what_is_open_is_in_the_queue(self, world: World) -> None:
        item = await _new(world)
        snoozed = await _new(world)
        for one, after in (
            (item, await _resolved(world, item)),
            (
                snoozed,
                evolve(
                    snoozed,
                    status=ReviewStatus.SNOOZED,
                    snoozed_until=await world.now() + HOUR,
                    version=snoozed.version + 1,
                ),
            ),
        ):
            known = await world.known(one.lead)
            change = ReviewChange(after, str(after.status), "ana")
            assert await world.commit(world.change(known, review=change)) is Done.DONE

        asleep = await _queue(world)
        await world.advance_engine(HOUR)
        awake = await _queue(world)

        assert (asleep, awake) == ([], [snoozed.id])
        assert (await world.known(item.lead)).review is None
        view = await world.reviews.get(world.tenant, str(item.id))
        assert view.item.resolution is Resolution.IGNORED

    async def test_claimed_by_one_person(self, world: World) -> None:
        """An item is claimed by one person at a time, until the lease ends."""
        item = await _new(world)
        people = [f"person-{n}" for n in range(MANY)]

        answers = await asyncio.gather(
            *(world.reviews.claim(world.tenant, item.id, who, LEASE) for who in people)
        )
        winner = people[answers.index(True)]
        other = people[answers.index(False)]
        again = await world.reviews.claim(world.tenant, item.id, winner, LEASE)
        await world.advance_engine(LEASE - SOON)
        early = await world.reviews.claim(world.tenant, item.id, other, LEASE)
        await world.advance_engine(SOON * 2)
        after = await world.reviews.claim(world.tenant, item.id, other, LEASE)
        too_late = await world.reviews.claim(world.tenant, item.id, winner, LEASE)

        assert sorted(answers) == [*[False] * (MANY - 1), True]
        assert (again, early, after, too_late) == (True, False, True, False)
        view = await world.reviews.get(world.tenant, str(item.id))
        assert view.now is not None
        assert view.item.at_work(view.now)
        assert view.item.status is ReviewStatus.ASSIGNED

    async def test_nobody_claims_what_is_not_there(self, world: World) -> None:
        item = await _new(world)
        gone = ReviewId(uuid4())

        unknown = await world.reviews.claim(world.tenant, gone, "ana", LEASE)
        foreign = await world.reviews.claim(world.stranger, item.id, "ana", LEASE)
        known = await world.known(item.lead)
        done = ReviewChange(await _resolved(world, item), "RESOLVED", "ana")
        await world.commit(world.change(known, review=done))
        resolved = await world.reviews.claim(world.tenant, item.id, "ana", LEASE)

        assert (unknown, foreign, resolved) == (False, False, False)

    async def test_every_action_is_in_the_audit_log(self, world: World) -> None:
        """Every action is in the audit log."""
        item = await _new(world)

        await world.reviews.claim(world.tenant, item.id, "ana", LEASE)
        known = await world.known(item.lead)
        assert known.review is not None
        after = await _resolved(world, known.review)
        done = ReviewChange(after, "RESOLVED", "ana", notes="nu e nimic")
        await world.commit(world.change(known, review=done))
        view = await world.reviews.get(world.tenant, str(item.id))

        assert [(line.by, line.before, line.after) for line in view.audit] == [
            ("engine", "", "PENDING"),
            ("ana", "PENDING", "ASSIGNED"),
            ("ana", "ASSIGNED", "RESOLVED"),
        ]
        assert view.audit[0].action == "OPENED"
        assert (view.audit[2].action, view.audit[2].notes) == ("RESOLVED", "nu e nimic")
        assert [line.at for line in view.audit] == sorted(
            line.at for line in view.audit
        )

    async def test_an_approval_of_something_else_is_a_conflict(
        self, world: World
    ) -> None:
        (lead,) = await world.new_leads()
        known = await world.known(lead)
        item = invented.item(world.tenant, lead, known.now)
        item = evolve(item, fingerprint="shown-1")
        opened = ReviewChange(item, "OPENED", "engine")
        await world.commit(world.change(known, review=opened))
        known = await world.known(lead)
        after = await _resolved(world, item)

        wrong = ReviewChange(after, "APPROVED", "ana", expected_fingerprint="shown-0")
        right = evolve(wrong, expected_fingerprint="shown-1")
        refused = await world.commit(world.change(known, review=wrong))
        before = await _queue(world)
        done = await world.commit(world.change(known, review=right))

        assert (refused, done) == (Done.CONFLICT, Done.DONE)
        assert before == [item.id]
        assert await _queue(world) == []

    async def test_a_view_tells_the_conversation(self, world: World) -> None:
        phone, (lead,) = await world.phone_with()
        call = await world.send()
        await world.advance_engine(GAP)
        known = await world.known(lead)
        heard = Heard(
            EventType.REPLY,
            Channel.WHATSAPP,
            known.now,
            sender=phone.id,
            content="Cât costă?",
        )
        item = invented.item(world.tenant, lead, known.now)
        opened = ReviewChange(item, "OPENED", "engine")
        letter = invented.arrival("e-1")
        await world.inbox.put(letter)
        (arrived,) = await world.inbox.take(A, 1)
        await world.commit(
            world.change(known, heard=heard, review=opened, event=arrived.id)
        )

        (queued,) = await world.reviews.queue(world.tenant, limit=10)
        view = await world.reviews.get(world.tenant, str(item.id)[:8])

        assert queued.conversation == ()
        assert [line.inbound for line in view.conversation] == [False, True]
        texts = [line.text for line in view.conversation]
        assert texts == [call.draft.parcel.text, "Cât costă?"]
        assert view.recipient == call.draft.parcel.to
        assert view.company.startswith("Agro")
        assert view.contact.startswith("Ion")
        assert view.state == "CONTACTED_WA"
        assert view.item == queued.item

    async def test_words_that_mean_no_item(self, world: World) -> None:
        item = await _new(world)

        unknown = await raised(NotFound, world.reviews.get(world.tenant, str(uuid4())))
        await raised(NotFound, world.reviews.get(world.tenant, ""))
        await raised(NotFound, world.reviews.get(world.stranger, str(item.id)))

        assert "review item" in str(unknown)

    async def test_an_open_item_is_a_duty(self, world: World) -> None:
        item = await _new(world, Priority.URGENT, HOUR)
        done = await _new(world, Priority.URGENT, HOUR)
        known = await world.known(done.lead)
        after = await _resolved(world, done)
        await world.commit(
            world.change(known, review=ReviewChange(after, "RESOLVED", "ana"))
        )

        before = await world.duties.take(A, 10)
        await world.advance_engine(HOUR + SOON)
        duties = await world.duties.take(A, 10)

        assert before == []
        assert [(duty.kind, duty.key) for duty in duties] == [
            (DutyKind.SLA, str(item.id))
        ]

    async def test_one_person_has_one_open_item(self, world: World) -> None:
        (lead,) = await world.new_leads()
        first = await _opened(world, lead)
        known = await world.known(lead)

        second = invented.item(world.tenant, lead, known.now, Priority.URGENT)
        change = ReviewChange(second, "OPENED", "engine")
        await world.commit(world.change(known, review=change))

        assert await _queue(world) == [first.id]
