"""What every `Campaigns` owes its callers.

Subclass `CampaignsContract` in a test module, with a fixture ``world`` that gives a
fresh `World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

from attrs import evolve

from outreach.domain.change import DutyKind
from outreach.domain.errors import NotFound
from outreach.domain.ids import LeadId
from outreach.domain.sequence import EnrolmentStatus, Override
from outreach.domain.sequence import Sequence as Steps
from outreach.domain.suppression import Suppression, SuppressionReason
from outreach.domain.template import Variable
from outreach.ports.campaigns import Enrollable, NewEnrolment
from outreach.testing import invented
from outreach.testing.arming import opted_out
from outreach.testing.errors import raised
from outreach.testing.world import HOUR, A, World

__all__ = ["CampaignsContract"]

MANY: Final = 5


async def _batch(world: World, leads: list[LeadId], steps: Steps) -> list[NewEnrolment]:
    due = await world.now() + HOUR
    return [invented.enrolment(world.tenant, lead, steps, due) for lead in leads]


class CampaignsContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_saving_again_changes_nothing(self, world: World) -> None:
        """Saving the same sequence and templates again changes nothing."""
        first, steps = await world.campaign()
        texts = await world.campaigns.templates(world.tenant)

        second, again = await world.campaign()

        assert (first, steps) == (second, again)
        assert list(await world.campaigns.templates(world.tenant)) == list(texts)
        assert steps.version == 1

    async def test_an_override_stays_with_its_campaign(self, world: World) -> None:
        """An override of capacity stays with its campaign."""
        first, second = Override("no time", "ana"), Override("phones come", "dan")
        within, _ = await world.campaign(name="within")
        await world.campaign(override=first)

        again, _ = await world.campaign()
        named = await world.campaigns.named(world.tenant, "agri")
        replaced, _ = await world.campaign(override=second)

        assert within.override is None
        assert again.override == named.override == first
        assert replaced.override == second

    async def test_all_are_listed(self, world: World) -> None:
        """All of a tenant's campaigns are listed by name, and nobody else's."""
        for name in ("spring", "Agri", "autumn"):
            await world.campaign(name=name)
        await world.campaign(name="theirs", tenant=world.stranger)

        found = await world.campaigns.all(world.tenant)

        assert [one.name for one in found] == ["Agri", "autumn", "spring"]

    async def test_what_was_saved_reads_back(self, world: World) -> None:
        wanted = evolve(
            invented.sequence(3, name="full"),
            description="prima campanie",
            time_zone=invented.ZONE,
            silence=timedelta(days=3),
        )
        texts = [
            evolve(text, variables=(Variable("oferta", "azi"),), subject="Salut")
            for text in invented.texts(wanted)
        ]

        await world.campaigns.save(world.tenant, wanted, texts, name="full")
        stored, templates = await world.campaigns.sequence(world.tenant, "full")

        assert stored == wanted
        assert sorted(templates, key=lambda one: one.name) == texts
        assert list(await world.campaigns.templates(world.tenant)) == texts

    async def test_steps_keep_their_ids(self, world: World) -> None:
        """A sequence keeps the ids of its steps over versions."""
        _, first = await world.campaign(2)

        _, longer = await world.campaign(3)

        assert longer.version == first.version + 1
        assert longer.id == first.id
        ids = [[step.id for step in steps.steps] for steps in (first, longer)]
        assert ids[0] == ids[1][: len(ids[0])]
        assert len(set(ids[1])) == len(longer.steps)

    async def test_a_run_keeps_the_structure_it_began_with(self, world: World) -> None:
        (phone,) = await world.phones()
        await world.line(phone, steps=2)
        _, first = await world.campaign(2)

        _, longer = await world.campaign(3)
        (case,) = (await world.claim()).cases

        assert longer != first
        assert case.sequence == first

    async def test_a_corrected_text_reaches_what_waits(self, world: World) -> None:
        await world.phone_with()
        _, steps = await world.campaign()
        first, _ = await world.campaigns.templates(world.tenant)
        texts = [evolve(text, content="Corectat") for text in invented.texts(steps)]

        await world.campaigns.save(world.tenant, steps, texts, name="agri")
        (case,) = (await world.claim()).cases

        assert case.template is not None
        assert case.template.content == "Corectat"
        assert case.template.version == first.version + 1

    async def test_an_unknown_sequence_is_not_found(self, world: World) -> None:
        await world.campaign(tenant=world.stranger)

        error = await raised(NotFound, world.campaigns.sequence(world.tenant, "agri"))

        assert "agri" in str(error)
        assert await world.campaigns.templates(world.tenant) == []

    async def test_at_most_one_live_run(self, world: World) -> None:
        """A lead has at most one live enrolment."""
        (lead,) = await world.new_leads()
        campaigns = [await world.campaign(name=f"c-{n}") for n in range(MANY)]
        batches = [await _batch(world, [lead], steps) for _, steps in campaigns]

        answers = await asyncio.gather(
            *(
                world.campaigns.enroll(world.tenant, campaign, batch)
                for (campaign, _), batch in zip(campaigns, batches, strict=True)
            )
        )
        known = await world.known(lead)

        assert sorted(one for answer in answers for one in answer) == [
            *[False] * (MANY - 1),
            True,
        ]
        assert len(known.waiting) == 1

    async def test_a_run_that_ended_makes_room_for_another(self, world: World) -> None:
        (lead,) = await world.new_leads()
        await world.enrolled([lead])
        known = await world.known(lead)
        assert known.enrolment is not None
        ended = (known.enrolment.id, EnrolmentStatus.STOPPED, "test")
        await world.commit(world.change(known, enrolment=ended))
        campaign, steps = await world.campaign(name="second")

        batch = await _batch(world, [lead], steps)
        answer = await world.campaigns.enroll(world.tenant, campaign, batch)

        assert list(answer) == [True]

    async def test_enrolling_again_enrols_nobody_twice(self, world: World) -> None:
        """Enrolling again in the same campaign enrols nobody twice."""
        leads = await world.new_leads(MANY)
        campaign, steps = await world.campaign()
        first = await world.campaigns.enroll(
            world.tenant, campaign, await _batch(world, leads, steps)
        )
        known = await world.known(leads[0])
        assert known.enrolment is not None
        ended = (known.enrolment.id, EnrolmentStatus.STOPPED, "test")
        await world.commit(world.change(known, enrolment=ended))

        again = await world.campaigns.enroll(
            world.tenant, campaign, await _batch(world, leads, steps)
        )
        page = await world.campaigns.enrollable(world.tenant, campaign, None, 10)

        assert list(first) == [True] * MANY
        assert list(again) == [False] * MANY
        assert page == []

    async def test_every_run_has_a_message_with_a_time(self, world: World) -> None:
        """Every enrolment that is not skipped has a message with a due time."""
        leads = await world.new_leads(2)
        campaign, steps = await world.campaign()
        first, second = await _batch(world, leads, steps)
        skipped = evolve(second, first=None, skipped="NO_CHANNEL")

        await world.campaigns.enroll(world.tenant, campaign, [first, skipped])
        planned, left_out = [await world.known(lead) for lead in leads]

        assert first.first is not None
        assert planned.waiting == (first.first,)
        assert planned.enrolment is not None
        assert planned.enrolment.status is EnrolmentStatus.ACTIVE
        assert planned.enrolment.total_steps == len(steps.steps)
        assert left_out.waiting == ()
        assert left_out.enrolment is None

    async def test_skipped_leads_are_counted(self, world: World) -> None:
        """Skipped leads are counted by reason."""
        leads = await world.new_leads(3)
        campaign, steps = await world.campaign()
        reasons = ("NO_CHANNEL", "NO_TEMPLATE", "NO_CHANNEL")
        batch = [
            evolve(one, first=None, skipped=why)
            for one, why in zip(await _batch(world, leads, steps), reasons, strict=True)
        ]

        await world.campaigns.enroll(world.tenant, campaign, batch)
        await world.campaigns.enroll(world.tenant, campaign, batch)
        summary = await world.decisions.summary(world.tenant)

        assert dict(summary.skipped) == {"NO_CHANNEL": 2, "NO_TEMPLATE": 1}
        assert summary.enrolled == 0
        page = await world.campaigns.enrollable(world.tenant, campaign, None, 10)
        assert page == []

    async def test_pages_hold_each_lead_once(self, world: World) -> None:
        leads = await world.new_leads(MANY)
        await world.new_leads(tenant=world.stranger)
        campaign, _ = await world.campaign()

        seen: list[LeadId] = []
        while page := await world.campaigns.enrollable(
            world.tenant, campaign, seen[-1] if seen else None, 2
        ):
            seen += [one.lead for one in page]

        assert seen == sorted(leads)

    async def test_a_page_tells_what_the_choice_needs(self, world: World) -> None:
        plain, out, listed = await world.new_leads(3, mail=True)
        await world.changed(out, opted_out)
        known = await world.known(listed)
        reason = SuppressionReason.PERSON
        domain = known.email.partition("@")[2]
        key = next(
            key
            for key in (await self._page(world))[listed].addresses
            if key.value == domain
        )
        said = Suppression(key, reason, "ana", known.now)
        await world.switches.suppress(world.tenant, [said])

        page = await self._page(world)

        assert page[plain].phone.startswith("+40")
        assert page[plain].time_zone == invented.ZONE
        assert page[plain].fields["company_name"].startswith("Agro")
        assert [page[lead].opted_out for lead in (plain, out)] == [False, True]
        assert [page[lead].suppressed for lead in (plain, listed)] == [False, True]

    async def _page(self, world: World) -> dict[LeadId, Enrollable]:
        campaign, _ = await world.campaign()
        found = await world.campaigns.enrollable(world.tenant, campaign, None, 10)
        return {one.lead: one for one in found}

    async def test_what_has_no_phone_calls_for_a_dispatch(self, world: World) -> None:
        await world.quiet()
        leads = await world.new_leads(2)
        await world.enrolled(leads, within=HOUR)

        before = await world.duties.take(A, 10)
        await world.advance_engine(HOUR)
        duties = await world.duties.take(A, 10)

        assert before == []
        assert [duty.kind for duty in duties] == [DutyKind.DISPATCH]
        assert duties[0].tenant == world.tenant
