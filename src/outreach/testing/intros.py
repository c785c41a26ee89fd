"""What every `Intros` owes its callers.

Subclass `IntrosContract` in a test module, with a fixture ``world`` that gives a
fresh `World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

from attrs import evolve

from outreach.domain.case import Case
from outreach.domain.channel import Channel
from outreach.domain.decision import Reason, Verdict
from outreach.domain.errors import NotFound
from outreach.domain.ids import IntroId, LeadId, TemplateId
from outreach.domain.intro import (
    Intro,
    IntroState,
    Written,
    approved,
    asked_for,
    edited,
    intro_of,
    rejected,
)
from outreach.domain.journey import Command, commanded
from outreach.domain.message import Outcome, WhyNotArmed
from outreach.domain.outcome import render
from outreach.domain.sequence import MessageTemplate
from outreach.domain.version import Version
from outreach.ports.intros import IntroDecision, Kept
from outreach.testing import invented
from outreach.testing.arming import why
from outreach.testing.errors import raised
from outreach.testing.world import GAP, HOUR, World

__all__ = ["IntrosContract"]

NAME: Final = "agri-1"
TEXT: Final = "{{company_name}}: {{ai_intro}}"
OPTIONAL: Final = "{{company_name}}[: {{ai_intro}}]"
SENTENCE: Final = "Am observat parcela din zonă."


async def _save(
    world: World,
    content: str = TEXT,
    versions: Mapping[str, tuple[str, str, int]] = MappingProxyType({}),
) -> None:
    """A campaign of one step."""
    steps = invented.sequence(1)
    template = MessageTemplate(
        id=TemplateId(uuid4()),
        name=NAME,
        channel=Channel.WHATSAPP,
        content="" if versions else content,
        versions=[Version(name, *of) for name, of in versions.items()],
    )
    await world.campaigns.save(world.tenant, steps, [template], name="agri")


async def _wait(world: World, *, within: timedelta = timedelta()) -> list[LeadId]:
    """A new lead whose first message waits in the lane of a new phone."""
    tenant = world.tenant
    campaign = await world.campaigns.named(tenant, "agri")
    steps, _ = await world.campaigns.sequence(tenant, "agri")
    (phone,) = await world.phones()
    leads = await world.new_leads()
    due = await world.now() + within
    batch = [invented.enrolment(tenant, lead, steps, due) for lead in leads]
    await world.campaigns.enroll(tenant, campaign, batch)
    firsts = [one.first.id for one in batch if one.first is not None]
    await world.allocations.allocate(tenant, dict.fromkeys(firsts, phone.id))
    return leads


def _written(case: Case, text: str = SENTENCE, **facts: Any) -> Intro:
    assert case.template is not None
    asked = asked_for(case.template, case.fields)
    made = intro_of(
        case.intent.id,
        case.intent.lead,
        case.template,
        asked,
        Written(text, "test/1", raw=text),
        library=[case.template],
        at=invented.START,
    )
    return evolve(made, **facts)


async def _proposed(world: World, **facts: Any) -> Intro:
    """An intro of the only message that wants one."""
    (case,) = await world.intros.wanted(world.tenant, 10)
    made = _written(case, **facts)
    assert await world.intros.keep(world.tenant, [made]) == 1
    return made


async def _decided(world: World, before: Intro, after: Intro) -> Kept:
    (kept,) = await world.intros.decide(world.tenant, [IntroDecision(before, after)])
    return kept


async def _approve(world: World, intro: Intro) -> Kept:
    return await _decided(world, intro, approved(intro, "ana", await world.now()))


async def _now_there(world: World, intro: Intro) -> Intro:
    return (await world.intros.get(world.tenant, str(intro.id))).intro


async def _wanted(world: World) -> Sequence[Case]:
    return await world.intros.wanted(world.tenant, 10)


class IntrosContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_wanted_until_written(self, world: World) -> None:
        """A message whose text has a place for an intro is wanted until one is
        written.
        """
        await _save(world)
        (lead,) = await _wait(world)

        (case,) = await _wanted(world)
        await world.intros.keep(world.tenant, [_written(case)])

        assert case.intent.lead == lead
        assert case.fields["company_name"]
        assert case.proposed is None
        assert not await _wanted(world)

    async def test_an_optional_place_counts(self, world: World) -> None:
        await _save(world, OPTIONAL)
        await _wait(world)

        assert len(await _wanted(world)) == 1

    async def test_a_text_without_a_place(self, world: World) -> None:
        await _save(world, "{{company_name}}, pasul unu")
        await _wait(world)

        assert not await _wanted(world)

    async def test_a_new_text(self, world: World) -> None:
        """A new text of its template wants another one."""
        await _save(world)
        await _wait(world)
        first = await _proposed(world)
        await _approve(world, first)
        await _save(world, f"Salut! {TEXT}")

        (case,) = await _wanted(world)
        second = _written(case)
        kept = await world.intros.keep(world.tenant, [second])

        assert (kept, case.intro) == (1, "")
        assert second.id != first.id
        assert (await _now_there(world, first)).state is IntroState.APPROVED

    async def test_a_winner(self, world: World) -> None:
        """The text that a lead gets by a winner wants one of its own."""
        both = {"A": (TEXT, "", 10**9), "B": (f"Salut! {TEXT}", "", 1)}
        await _save(world, versions=both)
        await _wait(world)
        first = await _proposed(world)
        await world.campaigns.pick(world.tenant, NAME, "B", by="ana", instead=False)

        (case,) = await _wanted(world)
        await world.intros.keep(world.tenant, [_written(case)])

        assert (first.label, _written(case).label) == ("A", "B")
        assert not await _wanted(world)

    async def test_nothing_wanted(self, world: World) -> None:
        """Nothing is wanted for a message that was tried, or a lead that is left
        alone.
        """
        await _save(world, OPTIONAL)
        await _wait(world)
        call = await world.calling()
        await world.settle(call, Outcome.RELEASED, retry_in=HOUR)
        (taken,) = await _wait(world)
        before = {case.intent.lead for case in await _wanted(world)}
        await world.changed(
            taken,
            lambda known: commanded(
                known.journey, Command.TAKE_OVER, known.now, by="ana", why="talks"
            ),
        )

        assert before == {taken}
        assert not await _wanted(world)

    async def test_the_next_first(self, world: World) -> None:
        """What is due first is wanted first."""
        await _save(world)
        (late,) = await _wait(world, within=3 * HOUR)
        (soon,) = await _wait(world, within=HOUR)
        (middle,) = await _wait(world, within=2 * HOUR)

        cases = await _wanted(world)
        (first,) = await world.intros.wanted(world.tenant, 1)

        assert [case.intent.lead for case in cases] == [soon, middle, late]
        assert first.intent.lead == soon

    async def test_the_first_stays(self, world: World) -> None:
        """Of two intros of one text the first stays."""
        await _save(world)
        await _wait(world)
        (case,) = await _wanted(world)
        first = _written(case)

        kept = await world.intros.keep(world.tenant, [first])
        again = await world.intros.keep(world.tenant, [evolve(first, text="Da.")])

        assert (kept, again) == (1, 0)
        assert await _now_there(world, first) == first

    async def test_a_case_says_it(self, world: World) -> None:
        """A case carries the intro of its own text, and says it once it is
        approved.
        """
        await _save(world)
        await _wait(world)
        intro = await _proposed(world)
        claim = await world.claim()
        (waiting,) = claim.cases
        await world.lanes.free(claim)
        await _approve(world, intro)

        (ready,) = (await world.claim()).cases

        assert (waiting.proposed, waiting.intro) == (intro, "")
        assert render(waiting) is None
        assert ready.intro == SENTENCE
        assert (render(ready) or "").endswith(f": {SENTENCE}")

    async def test_only_what_was_shown(self, world: World) -> None:
        """A decision is kept only on what was shown."""
        await _save(world)
        await _wait(world)
        intro = await _proposed(world)
        other = evolve(intro, text="Altceva.")
        gone = evolve(intro, id=IntroId(uuid4()))

        kept = [
            await _approve(world, other),
            await _approve(world, gone),
            await _decided(world, intro, rejected(intro, "ana", await world.now())),
            await _approve(world, intro),
        ]

        assert kept == [Kept.STALE, Kept.STALE, Kept.KEPT, Kept.STALE]
        assert (await _now_there(world, intro)).state is IntroState.REJECTED

    async def test_frozen(self, world: World) -> None:
        """An approved intro is never changed again."""
        await _save(world)
        await _wait(world)
        intro = await _proposed(world)
        await _approve(world, intro)
        now = await world.now()
        there = await _now_there(world, intro)

        kept = [
            await _decided(world, there, evolve(there, text="Altceva.")),
            await _decided(world, there, evolve(there, state=IntroState.REJECTED)),
            await _decided(world, intro, edited(intro, "Altceva.", "eva", now)),
        ]

        assert kept == [Kept.STALE] * 3
        assert await _now_there(world, intro) == there
        assert (there.decided_by, there.decided_at) == ("ana", now)

    async def test_what_a_person_wrote(self, world: World) -> None:
        await _save(world)
        await _wait(world)
        unfit = await _proposed(world, text="Costă 10 euro.")
        mine = edited(unfit, "Parcela de 40 ha arată bine.", "eva", await world.now())

        kept = await _decided(world, unfit, mine)
        (case,) = (await world.claim()).cases

        assert unfit.state is IntroState.UNFIT
        assert kept is Kept.KEPT
        assert case.proposed == mine
        assert case.intro == "Parcela de 40 ha arată bine."

    async def test_tried_without(self, world: World) -> None:
        """A message that was tried without its intro takes none any more."""
        await _save(world, OPTIONAL)
        await _wait(world)
        intro = await _proposed(world)
        call = await world.calling()
        under_way = await _approve(world, intro)
        await world.settle(call, Outcome.RELEASED, retry_in=HOUR)

        later = await _approve(world, intro)
        no = await _decided(world, intro, rejected(intro, "ana", await world.now()))

        assert (under_way, later, no) == (Kept.SENT, Kept.SENT, Kept.KEPT)

    async def test_decided_before(self, world: World) -> None:
        """What was decided without an approved intro is not armed."""
        await _save(world, OPTIONAL)
        await _wait(world)
        intro = await _proposed(world)
        claim = await world.claim()

        kept = await _approve(world, intro)
        call = await world.arm(claim)

        assert kept is Kept.KEPT
        assert why(call) is WhyNotArmed.STALE

    async def test_it_goes_on(self, world: World) -> None:
        """A message that waited for its intro goes on at once when it is approved."""
        await _save(world)
        (lead,) = await _wait(world)
        intro = await _proposed(world)
        claim = await world.claim()
        made = await world.put_off(claim, claim.cases[0], claim.now)
        await world.advance_engine(GAP)
        before = await world.offered()
        await _approve(world, intro)

        claim = await world.claim()

        assert (made.verdict, made.binding) == (Verdict.HOLD, Reason.INTRO_PENDING)
        assert before == []
        assert [case.intent.lead for case in claim.cases] == [lead]
        assert world.decide(claim.cases[0], claim).verdict is Verdict.SEND

    async def test_what_waits_for_its_time_goes_on_waiting(self, world: World) -> None:
        await _save(world)
        await _wait(world, within=2 * HOUR)
        intro = await _proposed(world)

        await _approve(world, intro)

        assert await world.offered() == []

    async def test_lists(self, world: World) -> None:
        """Intros are listed by state, those whose message is due first before
        others.
        """
        await _save(world)
        await _wait(world, within=2 * HOUR)
        late = await _proposed(world)
        (lead,) = await _wait(world, within=HOUR)
        soon = await _proposed(world, text="Costă 10 euro.")

        both = await world.intros.list_(world.tenant, None, 10)
        proposals = await world.intros.list_(world.tenant, IntroState.PROPOSED, 10)
        (first,) = await world.intros.list_(world.tenant, None, 1)

        assert [view.intro for view in both] == [soon, late]
        assert [view.intro for view in proposals] == [late]
        assert (first.template, first.step) == (NAME, 1)
        assert first.due_at == await world.now() + HOUR
        assert first.company
        assert first.intro.lead == lead

    async def test_one_is_found_by_the_start_of_its_id(self, world: World) -> None:
        await _save(world)
        await _wait(world)
        intro = await _proposed(world)

        found = await world.intros.get(world.tenant, str(intro.id)[:8].upper())
        none = await raised(NotFound, world.intros.get(world.tenant, "zzzz"))

        assert found.intro == intro
        assert "zzzz" in str(none)

    async def test_of_another_tenant(self, world: World) -> None:
        """The intros of another tenant are never seen."""
        await _save(world)
        await _wait(world)
        intro = await _proposed(world)
        yes = IntroDecision(intro, approved(intro, "eva", await world.now()))

        (kept,) = await world.intros.decide(world.stranger, [yes])

        assert kept is Kept.STALE
        assert not await world.intros.list_(world.stranger, None, 10)
        assert not await world.intros.wanted(world.stranger, 10)
        await raised(NotFound, world.intros.get(world.stranger, str(intro.id)))
        assert await _now_there(world, intro) == intro
