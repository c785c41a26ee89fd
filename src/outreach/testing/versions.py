"""What every `Campaigns` owes to templates with versions.

Subclass `VersionsContract` in a test module, with a fixture ``world`` that gives a
fresh `World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import uuid4

from attrs import evolve

from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.domain.change import DutyKind, Heard, StatusChange
from outreach.domain.channel import Channel
from outreach.domain.errors import NotFound
from outreach.domain.event import EventType
from outreach.domain.ids import AttemptId, LeadId, TemplateId
from outreach.domain.journey import Command, Fact, commanded, happened
from outreach.domain.message import MessageStatus, Outcome
from outreach.domain.sequence import MessageTemplate
from outreach.domain.trial import Counts, Trial
from outreach.domain.version import Version
from outreach.testing import invented
from outreach.testing.call import Call
from outreach.testing.errors import raised
from outreach.testing.world import GAP, HOUR, A, World

__all__ = ["VersionsContract"]

TEXTS: Final = {"A": "Bună ziua, {{company_name}}", "B": "Salut, {{company_name}}"}
EVEN: Final = {"A": 1, "B": 1}
ONLY: Final = 10**9
"""A weight beside which 1 is nothing."""
LATER: Final = timedelta(days=2)
NAME: Final = "agri-1"
SECOND: Final = 2


async def _save(
    world: World,
    weights: Mapping[str, int] = EVEN,
    texts: Mapping[str, str] = TEXTS,
) -> MessageTemplate:
    """A campaign of two steps with one template, as it is stored."""
    steps = invented.sequence(2)
    steps = evolve(
        steps, steps=tuple(evolve(step, template=NAME) for step in steps.steps)
    )
    template = MessageTemplate(
        id=TemplateId(uuid4()),
        name=NAME,
        channel=Channel.WHATSAPP,
        content="",
        versions=[
            Version(label, texts[label], weight=weight)
            for label, weight in weights.items()
        ],
    )
    await world.campaigns.save(world.tenant, steps, [template], name="agri")
    return (await _trial(world)).template


async def _trial(world: World) -> Trial:
    (found,) = await world.campaigns.trials(world.tenant)
    return found


async def _wait(world: World, many: int = 1) -> list[LeadId]:
    """New leads whose first messages wait in the lane of a new phone."""
    campaign = await world.campaigns.named(world.tenant, "agri")
    steps, _ = await world.campaigns.sequence(world.tenant, "agri")
    (phone,) = await world.phones()
    leads = await world.new_leads(many)
    due = await world.now()
    batch = [invented.enrolment(world.tenant, lead, steps, due) for lead in leads]
    await world.campaigns.enroll(world.tenant, campaign, batch)
    firsts = [one.first.id for one in batch if one.first is not None]
    await world.allocations.allocate(world.tenant, dict.fromkeys(firsts, phone.id))
    return leads


async def _replied(
    world: World,
    lead: LeadId,
    intent: ReplyIntent = ReplyIntent.NEUTRAL,
    to: AttemptId | None = None,
) -> None:
    known = await world.known(lead)
    moved = happened(known.journey, Fact.REPLIED, known.now, by="reply")
    said = Analysis(intent, 0, 0.9, "ro", (), "test/1")
    heard = Heard(EventType.REPLY, Channel.WHATSAPP, known.now, analysis=said)
    told = [StatusChange(to, MessageStatus.REPLIED, known.now)] if to else []
    change = world.change(known, moved, heard=heard, statuses=tuple(told))
    await world.commit(change)


async def _opened(world: World, call: Call) -> None:
    known = await world.known(call.draft.lead)
    name = call.draft.parcel.attempt
    told = StatusChange(name, MessageStatus.OPENED, known.now)
    await world.commit(world.change(known, statuses=(told,)))


def _label(call: Call) -> str:
    assert call.draft.used is not None, "it is made of no template"
    return call.draft.used.label


async def _all(world: World) -> Counts:
    """Of every version together."""
    found = (await _trial(world)).counts.values()
    return Counts(
        sent=sum(one.sent for one in found),
        opens=sum(one.opens for one in found),
        replies=sum(one.replies for one in found),
        positive=sum(one.positive for one in found),
        conversions=sum(one.conversions for one in found),
    )


class VersionsContract:
    """One test per promise, and what else a caller relies on."""

    async def test_a_lead_keeps_its_version(self, world: World) -> None:
        """A lead that was sent a template keeps its version of it, whatever weights
        become.
        """
        await _save(world)
        await _wait(world)
        label = _label(await world.send())
        other = {"A": "B", "B": "A"}[label]

        await _save(world, {label: 1, other: ONLY})
        await world.advance_engine(LATER)
        second = await world.send()
        await _wait(world)
        await world.advance_engine(GAP)
        fresh = await world.send()

        assert second.case.intent.step_number == SECOND
        assert [_label(second), _label(fresh)] == [label, other]

    async def test_a_message_is_of_its_version(self, world: World) -> None:
        template = await _save(world, {"A": 1, "B": ONLY})
        await _wait(world)

        (case,) = (await world.claim()).cases

        assert case.template is not None
        assert (case.template.content, case.template.label) == (TEXTS["B"], "B")
        assert case.template.version == template.versions[1].number

    async def test_saving_versions_again_changes_nothing(self, world: World) -> None:
        first = await _save(world)

        second = await _save(world)

        assert second == first
        assert [one.number for one in first.versions] == [1, 2]

    async def test_a_corrected_text_goes_on(self, world: World) -> None:
        """A corrected text goes on under its label, other weights begin anew."""
        first = await _save(world, {"A": 1, "B": ONLY})
        await _wait(world, 2)
        await world.send()

        corrected = await _save(world, {"A": 1, "B": ONLY}, TEXTS | {"B": "Salutare"})
        await world.advance_engine(GAP)
        call = await world.send()
        both = await _trial(world)
        anew = await _save(world, {"A": ONLY, "B": 1})

        assert [one.number for one in corrected.versions] == [1, 3]
        assert call.case.template is not None
        assert call.case.template.content == "Salutare"
        assert (corrected.since, both.of("B").sent) == (first.since, 2)
        assert [one.number for one in anew.versions] == [4, 5]
        assert (await _trial(world)).counts == {}

    async def test_each_lead_counts_once(self, world: World) -> None:
        """A version counts each lead it was sent to once, and each thing the lead does
        once.
        """
        await _save(world)
        (lead,) = await _wait(world)
        first = await world.send()
        await world.advance_engine(LATER)
        second = await world.send()

        for _ in range(2):
            await _opened(world, first)
            await _opened(world, second)
            await _replied(world, lead, to=first.draft.parcel.attempt)
            await _replied(world, lead, ReplyIntent.INTERESTED)
        known = await world.known(lead)
        at = known.now
        won = commanded(known.journey, Command.CONVERT, at, by="ana", why="signed")
        await world.commit(world.change(known, won))

        label = _label(first)
        assert (await _trial(world)).counts == {label: Counts(1, 1, 1, 1, 1)}

    async def test_a_reply_counts_in_any_order(self, world: World) -> None:
        await _save(world)
        (lead,) = await _wait(world)
        call = await world.calling()

        await _replied(world, lead)
        before = await _all(world)
        await world.settle(call, Outcome.ACCEPTED)

        assert before == Counts()
        assert await _all(world) == Counts(sent=1, replies=1)

    async def test_what_was_not_sent_counts_for_none(self, world: World) -> None:
        """What was provably not sent counts for no version."""
        await _save(world)
        await _wait(world)
        call = await world.doubt()

        perhaps = await _all(world)
        await world.settle(call, Outcome.RELEASED)
        proven = await _all(world)
        await world.advance_engine(HOUR)
        await world.send()

        assert [perhaps.sent, proven.sent] == [1, 0]
        assert await _all(world) == Counts(sent=1)

    async def test_a_template_without_versions_counts_too(self, world: World) -> None:
        (phone,) = await world.phones()
        (lead,) = await world.line(phone)
        await world.send()

        await _replied(world, lead)

        first, second = await world.campaigns.trials(world.tenant)
        assert first.counts == {"A": Counts(sent=1, replies=1)}
        assert second.counts == {}

    async def test_new_leads_get_the_winner(self, world: World) -> None:
        """Once a version is picked new leads get no other."""
        await _save(world, {"A": 1, "B": ONLY})
        await _wait(world)
        first = await world.send()

        done = await world.campaigns.pick(world.tenant, NAME, "A", by="ana")
        await world.advance_engine(LATER)
        second = await world.send()
        await _wait(world)
        await world.advance_engine(GAP)
        fresh = await world.send()
        template = await _save(world, {"A": 1, "B": ONLY})

        assert done
        assert [_label(call) for call in (first, second, fresh)] == ["B", "B", "A"]
        assert (template.winner, template.picked_by) == ("A", "ana")

    async def test_other_weights_lift_a_pick(self, world: World) -> None:
        await _save(world)
        await world.campaigns.pick(world.tenant, NAME, "A", by="ana")

        template = await _save(world, {"A": 1, "B": 2})

        assert (template.winner, template.picked_by) == ("", "")

    async def test_an_earlier_pick_stays(self, world: World) -> None:
        """Whoever picks without replacing leaves an earlier pick alone."""
        await _save(world)
        pick = world.campaigns.pick
        first = await pick(world.tenant, NAME, "A", by="engine", instead=False)

        second = await pick(world.tenant, NAME, "B", by="engine", instead=False)
        kept = await _trial(world)
        third = await pick(world.tenant, NAME, "B", by="ana")

        assert [first, second, third] == [True, False, True]
        assert kept.template.winner == "A"
        assert (await _trial(world)).template.winner == "B"

    async def test_what_is_not_there_is_not_picked(self, world: World) -> None:
        await _save(world)
        pick = world.campaigns.pick

        for tenant, name, label in (
            (world.tenant, NAME, "C"),
            (world.tenant, "other", "A"),
            (world.stranger, NAME, "A"),
        ):
            error = await raised(NotFound, pick(tenant, name, label, by="ana"))

            assert name in str(error)

    async def test_a_reply_has_the_winner_looked_for(self, world: World) -> None:
        await _save(world)
        (lead,) = await _wait(world)
        await world.send()
        await world.quiet()

        await _replied(world, lead)
        early = await world.duties.take(A, 10)
        await world.advance_engine(HOUR)
        taken = await world.duties.take(A, 10)

        found = [duty.key for duty in taken if duty.kind is DutyKind.WINNER]
        assert DutyKind.WINNER not in {duty.kind for duty in early}
        assert found == [str((await _trial(world)).template.id)]
