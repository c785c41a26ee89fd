"""What every `Intros` owes its callers.

Subclass `IntrosContract` in a test module, with a fixture ``world`` that gives a
fresh `World`. A docstring that is a promise of the port says so word by word.
"""

from __future__ import annotations

from uuid import uuid4

from attrs import evolve

from outreach.domain.decision import Reason, Verdict
from outreach.domain.errors import NotFound
from outreach.domain.ids import IntroId
from outreach.domain.intro import (
    IntroState,
    approved,
    edited,
    rejected,
)
from outreach.domain.journey import Command, commanded
from outreach.domain.message import Outcome, WhyNotArmed
from outreach.domain.outcome import render
from outreach.ports.intros import IntroDecision, Kept
from outreach.testing.arming import why
from outreach.testing.errors import raised
from outreach.testing.introducing import (
    NAME,
    OPTIONAL,
    SENTENCE,
    TEXT,
    approve,
    decided,
    now_there,
    proposed,
    save_text,
    wait_for,
    wanted,
    written,
)
from outreach.testing.world import GAP, HOUR, World

__all__ = ["IntrosContract"]


class IntrosContract:
    """One test per promise of the port, and what else a caller relies on."""

    async def test_wanted_until_written(self, world: World) -> None:
        """A message whose text has a place for an intro is wanted until one is
        written.
        """
        await save_text(world)
        (lead,) = await wait_for(world)

        (case,) = await wanted(world)
        await world.intros.keep(world.tenant, [written(case)])

        assert case.intent.lead == lead
        assert case.fields["company_name"]
        assert case.proposed is None
        assert not await wanted(world)

    async def test_an_optional_place_counts(self, world: World) -> None:
        await save_text(world, OPTIONAL)
        await wait_for(world)

        assert len(await wanted(world)) == 1

    async def test_a_text_without_a_place(self, world: World) -> None:
        await save_text(world, "{{company_name}}, pasul unu")
        await wait_for(world)

        assert not await wanted(world)

    async def test_a_new_text(self, world: World) -> None:
        """A new text of its template wants another one."""
        await save_text(world)
        await wait_for(world)
        first = await proposed(world)
        await approve(world, first)
        await save_text(world, f"Salut! {TEXT}")

        (case,) = await wanted(world)
        second = written(case)
        kept = await world.intros.keep(world.tenant, [second])

        assert (kept, case.intro) == (1, "")
        assert second.id != first.id
        assert (await now_there(world, first)).state is IntroState.APPROVED

    async def test_a_winner(self, world: World) -> None:
        """The text that a lead gets by a winner wants one of its own."""
        both = {"A": (TEXT, "", 10**9), "B": (f"Salut! {TEXT}", "", 1)}
        await save_text(world, versions=both)
        await wait_for(world)
        first = await proposed(world)
        await world.campaigns.pick(world.tenant, NAME, "B", by="ana", instead=False)

        (case,) = await wanted(world)
        await world.intros.keep(world.tenant, [written(case)])

        assert (first.label, written(case).label) == ("A", "B")
        assert not await wanted(world)

    async def test_nothing_wanted(self, world: World) -> None:
        """Nothing is wanted for a message that was tried, or a lead that is left
        alone.
        """
        await save_text(world, OPTIONAL)
        await wait_for(world)
        call = await world.calling()
        await world.settle(call, Outcome.RELEASED, retry_in=HOUR)
        (taken,) = await wait_for(world)
        before = {case.intent.lead for case in await wanted(world)}
        await world.changed(
            taken,
            lambda known: commanded(
                known.journey, Command.TAKE_OVER, known.now, by="ana", why="talks"
            ),
        )

        assert before == {taken}
        assert not await wanted(world)

    async def test_the_next_first(self, world: World) -> None:
        """What is due first is wanted first."""
        await save_text(world)
        (late,) = await wait_for(world, within=3 * HOUR)
        (soon,) = await wait_for(world, within=HOUR)
        (middle,) = await wait_for(world, within=2 * HOUR)

        cases = await wanted(world)
        (first,) = await world.intros.wanted(world.tenant, 1)

        assert [case.intent.lead for case in cases] == [soon, middle, late]
        assert first.intent.lead == soon

    async def test_the_first_stays(self, world: World) -> None:
        """Of two intros of one text the first stays."""
        await save_text(world)
        await wait_for(world)
        (case,) = await wanted(world)
        first = written(case)

        kept = await world.intros.keep(world.tenant, [first])
        again = await world.intros.keep(world.tenant, [evolve(first, text="Da.")])

        assert (kept, again) == (1, 0)
        assert await now_there(world, first) == first

    async def test_a_case_says_it(self, world: World) -> None:
        """A case carries the intro of its own text, and says it once it is
        approved.
        """
        await save_text(world)
        await wait_for(world)
        intro = await proposed(world)
        claim = await world.claim()
        (waiting,) = claim.cases
        await world.lanes.free(claim)
        await approve(world, intro)

        (ready,) = (await world.claim()).cases

        assert (waiting.proposed, waiting.intro) == (intro, "")
        assert render(waiting) is None
        assert ready.intro == SENTENCE
        assert (render(ready) or "").endswith(f": {SENTENCE}")

    async def test_only_what_was_shown(self, world: World) -> None:
        """A decision is kept only on what was shown."""
        await save_text(world)
        await wait_for(world)
        intro = await proposed(world)
        other = evolve(intro, text="Altceva.")
        gone = evolve(intro, id=IntroId(uuid4()))

        kept = [
            await approve(world, other),
            await approve(world, gone),
            await decided(world, intro, rejected(intro, "ana", await world.now())),
            await approve(world, intro),
        ]

        assert kept == [Kept.STALE, Kept.STALE, Kept.KEPT, Kept.STALE]
        assert (await now_there(world, intro)).state is IntroState.REJECTED

    async def test_frozen(self, world: World) -> None:
        """An approved intro is never changed again."""
        await save_text(world)
        await wait_for(world)
        intro = await proposed(world)
        await approve(world, intro)
        now = await world.now()
        there = await now_there(world, intro)

        kept = [
            await decided(world, there, evolve(there, text="Altceva.")),
            await decided(world, there, evolve(there, state=IntroState.REJECTED)),
            await decided(world, intro, edited(intro, "Altceva.", "eva", now)),
        ]

        assert kept == [Kept.STALE] * 3
        assert await now_there(world, intro) == there
        assert (there.decided_by, there.decided_at) == ("ana", now)

    async def test_what_a_person_wrote(self, world: World) -> None:
        await save_text(world)
        await wait_for(world)
        unfit = await proposed(world, text="Costă 10 euro.")
        mine = edited(unfit, "Parcela de 40 ha arată bine.", "eva", await world.now())

        kept = await decided(world, unfit, mine)
        (case,) = (await world.claim()).cases

        assert unfit.state is IntroState.UNFIT
        assert kept is Kept.KEPT
        assert case.proposed == mine
        assert case.intro == "Parcela de 40 ha arată bine."

    async def test_tried_without(self, world: World) -> None:
        """A message that was tried without its intro takes none any more."""
        await save_text(world, OPTIONAL)
        await wait_for(world)
        intro = await proposed(world)
        call = await world.calling()
        under_way = await approve(world, intro)
        await world.settle(call, Outcome.RELEASED, retry_in=HOUR)

        later = await approve(world, intro)
        no = await decided(world, intro, rejected(intro, "ana", await world.now()))

        assert (under_way, later, no) == (Kept.SENT, Kept.SENT, Kept.KEPT)

    async def test_decided_before(self, world: World) -> None:
        """What was decided without an approved intro is not armed."""
        await save_text(world, OPTIONAL)
        await wait_for(world)
        intro = await proposed(world)
        claim = await world.claim()

        kept = await approve(world, intro)
        call = await world.arm(claim)

        assert kept is Kept.KEPT
        assert why(call) is WhyNotArmed.STALE

    async def test_it_goes_on(self, world: World) -> None:
        """A message that waited for its intro goes on at once when it is approved."""
        await save_text(world)
        (lead,) = await wait_for(world)
        intro = await proposed(world)
        claim = await world.claim()
        made = await world.put_off(claim, claim.cases[0], claim.now)
        await world.advance_engine(GAP)
        before = await world.offered()
        await approve(world, intro)

        claim = await world.claim()

        assert (made.verdict, made.binding) == (Verdict.HOLD, Reason.INTRO_PENDING)
        assert before == []
        assert [case.intent.lead for case in claim.cases] == [lead]
        assert world.decide(claim.cases[0], claim).verdict is Verdict.SEND

    async def test_what_waits_for_its_time_goes_on_waiting(self, world: World) -> None:
        await save_text(world)
        await wait_for(world, within=2 * HOUR)
        intro = await proposed(world)

        await approve(world, intro)

        assert await world.offered() == []

    async def test_lists(self, world: World) -> None:
        """Intros are listed by state, those whose message is due first before
        others.
        """
        await save_text(world)
        await wait_for(world, within=2 * HOUR)
        late = await proposed(world)
        (lead,) = await wait_for(world, within=HOUR)
        soon = await proposed(world, text="Costă 10 euro.")

        both = await world.intros.list_(world.tenant, None, 10)
        proposals = await world.intros.list_(world.tenant, IntroState.PROPOSED, 10)
        (first,) = await world.intros.list_(world.tenant, None, 1)

        assert [view.intro for view in both] == [soon, late]
        assert [view.intro for view in proposals] == [late]
        assert (first.template, first.step) == (NAME, 1)
        assert first.due_at == await world.now() + HOUR
        assert first.company
        assert first.intro.lead == lead

    async def test_only_among_all(self, world: World) -> None:
        """What cannot be decided any more is listed among all only."""
        await save_text(world)
        await wait_for(world)
        first = await proposed(world)
        await save_text(world, f"Salut! {TEXT}")
        second = await proposed(world)

        late = await approve(world, first)
        open_ = await world.intros.list_(world.tenant, IntroState.PROPOSED, 10)
        both = await world.intros.list_(world.tenant, None, 10)
        counted = await world.intros.waiting(world.tenant)

        assert late is Kept.SENT
        assert [view.intro for view in open_] == [second]
        assert {view.intro.id for view in both} == {first.id, second.id}
        assert dict(counted) == {IntroState.PROPOSED: 1}

    async def test_counted(self, world: World) -> None:
        """What waits for people is counted."""
        await save_text(world)
        none = await world.intros.waiting(world.tenant)
        await wait_for(world)
        intro = await proposed(world)
        await wait_for(world)
        await proposed(world, text="Costă 10 euro.")

        both = await world.intros.waiting(world.tenant)
        await approve(world, intro)
        one = await world.intros.waiting(world.tenant)

        assert (dict(none), dict(one)) == ({}, {IntroState.UNFIT: 1})
        assert dict(both) == {IntroState.PROPOSED: 1, IntroState.UNFIT: 1}
        assert not await world.intros.waiting(world.stranger)

    async def test_one_is_found_by_the_start_of_its_id(self, world: World) -> None:
        await save_text(world)
        await wait_for(world)
        intro = await proposed(world)

        found = await world.intros.get(world.tenant, str(intro.id)[:8].upper())
        none = await raised(NotFound, world.intros.get(world.tenant, "zzzz"))

        assert found.intro == intro
        assert "zzzz" in str(none)

    async def test_of_another_tenant(self, world: World) -> None:
        """The intros of another tenant are never seen."""
        await save_text(world)
        await wait_for(world)
        intro = await proposed(world)
        yes = IntroDecision(intro, approved(intro, "eva", await world.now()))

        (kept,) = await world.intros.decide(world.stranger, [yes])

        assert kept is Kept.STALE
        assert not await world.intros.list_(world.stranger, None, 10)
        assert not await world.intros.wanted(world.stranger, 10)
        await raised(NotFound, world.intros.get(world.stranger, str(intro.id)))
        assert await now_there(world, intro) == intro
