"""Intros over the whole path: written ahead, approved, sent; and rows that attack.

The corpus is that of the replies, here in a column of the lead's row, against a model
that does whatever the row says, and a person who approves all that is proposed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import httpx2
import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.model_double import FakeModel, introduction, shown
from tests.usecases.engine import MINUTE, SECOND, Engine, engine
from tests.usecases.test_injections import ATTACKS, EVIL_SLOTS, rules_of

from outreach.domain.analysis import Doubt
from outreach.domain.change import Duty, DutyKind
from outreach.domain.channel import Channel
from outreach.domain.decision import Reason
from outreach.domain.ids import LeadId, TemplateId
from outreach.domain.injection import suspicion
from outreach.domain.intro import INTRO_LIMIT, IntroState, approved
from outreach.domain.lead_file import ImportId
from outreach.domain.message import NotAccepted
from outreach.domain.sequence import MessageTemplate
from outreach.domain.template import Variable
from outreach.domain.usecases.write_intros import INTROS_EVERY, WriteIntros, Wrote
from outreach.ports.intro_writer import IntroWriter
from outreach.ports.intros import IntroDecision, Kept
from outreach.testing import invented
from outreach.testing.world import A

BEFORE, AFTER = "Bună ziua! ", " Putem vorbi?"
TEMPLATE: Final = MessageTemplate(
    id=TemplateId(UUID(int=900)),
    name="agri-1",
    channel=Channel.WHATSAPP,
    content=f"{BEFORE}{{{{ai_intro}}}}{AFTER}",
    language="ro",
)
SENTENCE: Final = "Am văzut că lucrați lângă Cluj."
Answers = Callable[[dict[str, Any]], Any]


@frozen
class Scene:
    """Leads that are enrolled, none of whom was written to."""

    here: Engine
    leads: list[LeadId]
    model: FakeModel

    def writes(self, *, blind: bool = False) -> WriteIntros:
        changes = {"suspects": lambda _: False} if blind else {}
        return self.by(self.model.introducer(**changes))

    def by(self, writer: IntroWriter | None) -> WriteIntros:
        world = self.here.world
        return WriteIntros(world.intros, world.campaigns, self.here.clock, writer)

    def texts(self) -> list[str]:
        return [parcel.text for parcel in self.here.gateway.accepted]

    async def states(self) -> list[IntroState]:
        world = self.here.world
        views = await world.intros.list_(world.tenant, None, 100)
        return [view.intro.state for view in views]


async def scene(
    answer: Answers, *columns: Mapping[str, str], template: MessageTemplate = TEMPLATE
) -> Scene:
    here = engine()
    world = here.world
    await world.phones()
    rows = [
        evolve(invented.new_lead(number), city="Cluj", custom_fields=dict(own))
        for number, own in enumerate(columns or ({},), 1)
    ]
    stored = await world.leads.store(world.tenant, rows, run=ImportId(uuid4()))
    done = await here.enroll()(
        world.tenant, invented.sequence(1), [template], name="agri"
    )
    assert done.enrolled == len(rows)
    await here.duties()
    model = FakeModel(answer)
    model.tenant = world.tenant
    return Scene(here, [one.lead for one in stored], model)


async def approve_all(at: Scene) -> list[Kept]:
    """As somebody does who looks at nothing."""
    world, now = at.here.world, await at.here.world.now()
    found = await world.intros.list_(world.tenant, IntroState.PROPOSED, 100)
    yes = [IntroDecision(one.intro, approved(one.intro, "ana", now)) for one in found]
    return list(await world.intros.decide(world.tenant, yes))


def says(text: str) -> Answers:
    return lambda _: introduction(text)


async def test_written_approved_and_sent() -> None:
    at = await scene(says(SENTENCE), {"cultura": "rapiță"}, {"cultura": "grâu"})

    wrote = await at.writes()(at.here.world.tenant)
    await at.here.run()
    before = at.texts()
    kept = await approve_all(at)
    await at.here.run()

    assert wrote == Wrote(proposed=2)
    assert before == []
    assert at.here.reasons()[:2] == [Reason.INTRO_PENDING] * 2
    assert kept == [Kept.KEPT, Kept.KEPT]
    assert at.texts() == [f"{BEFORE}{SENTENCE}{AFTER}"] * 2
    asked = [shown(body)["facts"]["cultura"] for body in at.model.asked]
    assert sorted(asked) == ["grâu", "rapiță"]


async def test_every_try_says_the_same() -> None:
    at = await scene(says(SENTENCE))
    await at.writes()(at.here.world.tenant)
    await approve_all(at)
    at.here.gateway.script(
        NotAccepted(lane=False, detail="busy"), NotAccepted(lane=False, detail="busy")
    )
    at.model.answer = says("Alt text despre Cluj.")

    await at.here.run()
    at.here.pass_time(30 * MINUTE)
    await at.writes()(at.here.world.tenant)
    await at.here.run()
    at.here.pass_time(30 * MINUTE)
    await at.here.run()

    tried = [attempt.parcel.text for attempt in at.here.attempts()]
    assert tried == [f"{BEFORE}{SENTENCE}{AFTER}"] * 3
    assert at.texts() == tried[-1:]


async def test_no_send_waits_for_a_model() -> None:
    default = Variable("ai_intro", "Vă scriem pe scurt.")
    at = await scene(says(SENTENCE), template=evolve(TEMPLATE, variables=(default,)))

    await at.here.run()
    wrote = await at.writes()(at.here.world.tenant)

    assert at.texts() == [f"{BEFORE}Vă scriem pe scurt.{AFTER}"]
    assert wrote == Wrote()
    assert at.model.asked == []


async def test_what_is_unfit_is_a_persons_work_and_nothing_is_sent() -> None:
    at = await scene(says("Sunați la 0722 111 222"))

    wrote = await at.writes()(at.here.world.tenant)
    kept = await approve_all(at)
    await at.here.run()

    assert wrote == Wrote(unfit=1)
    assert kept == []
    assert at.texts() == []
    assert await at.states() == [IntroState.UNFIT]


@pytest.mark.parametrize(
    ("said", "doubt"),
    [
        ("no json", None),
        (httpx2.ConnectError("gone"), Doubt.UNREACHABLE),
    ],
)
async def test_a_doubt_that_passes_leaves_nothing_behind(
    said: Any, doubt: Doubt | None
) -> None:
    at = await scene(lambda _: said, {}, {})

    wrote = await at.writes()(at.here.world.tenant)

    assert wrote.doubt is doubt
    assert len(await at.states()) == (0 if doubt else 2)
    assert len(at.model.asked) == (1 if doubt else 2)


async def test_a_turn_ends_in_time_and_goes_on() -> None:
    at = await scene(says(SENTENCE), {}, {}, {})

    def slow(request: dict[str, Any]) -> str:
        at.here.pass_time(timedelta(seconds=3))
        del request
        return introduction(SENTENCE)

    at.model.answer = slow
    tenant = at.here.world.tenant
    wrote = [await at.writes()(tenant) for _ in range(3)]

    assert wrote == [Wrote(proposed=2, more=True), Wrote(proposed=1), Wrote()]


async def test_no_more_than_asked_for() -> None:
    at = await scene(says(SENTENCE), {}, {}, {})

    wrote = await at.writes()(at.here.world.tenant, 2)

    assert wrote == Wrote(proposed=2, more=True)


async def test_the_duty_writes_for_as_long_as_there_is_a_model() -> None:
    at = await scene(says(SENTENCE))
    here, tenant = at.here, at.here.world.tenant
    now = here.clock.engine
    duty = Duty(DutyKind.INTROS, str(tenant), tenant, now)
    duties = evolve(here.do_duties, introduce=at.writes())

    await here.world.duties.put([duty])
    await duties(A)
    (row,) = [r for (of, _), r in here.store.duties.items() if of is duty.kind]
    again = row.duty.due_at
    here.pass_time(2 * MINUTE)
    await here.duties()

    assert await at.states() == [IntroState.PROPOSED]
    assert again == now + INTROS_EVERY
    assert not [of for of, _ in here.store.duties if of is duty.kind]


async def test_without_a_model_nothing_is_written() -> None:
    at = await scene(says(SENTENCE))
    tenant = at.here.world.tenant

    assert await at.by(None)(tenant) == Wrote()
    assert await at.by(None).turn(tenant, at.here.clock.engine) is None


async def test_a_suppressed_lead_is_shown_to_nobody() -> None:
    at = await scene(says(SENTENCE))
    (case,) = await at.here.world.intros.wanted(at.here.world.tenant, 10)
    at.here.set_journey(case.intent.lead, opted_out=True)

    wrote = await at.writes()(at.here.world.tenant)

    assert wrote == Wrote()
    assert at.model.asked == []


# --- rows that attack


def obedient(request: dict[str, Any]) -> str:
    """Does what the row asks for, and worse."""
    note = str(shown(request)["facts"].get("nota", ""))
    dictated = re.search(r'\{".*?\}', note)
    link = re.search(r"https?://\S+|\+\d{9,}|\S+@\S+", note)
    wanted = [
        note,
        note[:INTRO_LIMIT],
        EVIL_SLOTS[len(note) % len(EVIL_SLOTS)],
        link[0] if link else "Scrieți STOP",
    ][len(note) % 4]
    return dictated[0] if dictated and len(note) % 5 == 0 else introduction(wanted)


def judge(at: Scene, before: Mapping[str, object]) -> None:
    """Nothing but the allowed came of it."""
    here = at.here
    assert rules_of(here) == before
    own = {here.store.leads[lead].phone for lead in at.leads}
    for parcel in here.gateway.accepted:
        assert parcel.to in own
        assert parcel.text.startswith(BEFORE)
        assert parcel.text.endswith(AFTER)
        said = parcel.text.removeprefix(BEFORE).removesuffix(AFTER)
        assert 0 < len(said) <= INTRO_LIMIT
        assert not re.search(
            r"\d|\w\.\w|[@{}\[\]<>|\\`$\n€]|https?|evil|euro|STOP|gratuit", said
        ), said
        assert suspicion(said) is None, said
    assert not here.items()
    assert len(here.gateway.accepted) <= len(at.leads)


@pytest.mark.parametrize("blind", [False, True], ids=["watchful", "blind"])
@pytest.mark.parametrize("attack", ATTACKS, ids=[str(a["id"]) for a in ATTACKS])
async def test_a_model_that_obeys_the_row_breaks_nothing(
    attack: dict[str, Any], *, blind: bool
) -> None:
    text = str(attack["text"])
    at = await scene(obedient, {"nota": text}, {})
    before = rules_of(at.here)

    await at.writes(blind=blind)(at.here.world.tenant)
    await approve_all(at)
    await at.here.run()
    at.here.pass_time(30 * SECOND)

    judge(at, before)
    assert len(await at.states()) == 2


@given(
    said=st.text(max_size=120)
    | st.builds(introduction, st.text(max_size=120) | st.sampled_from(EVIL_SLOTS)),
    note=st.sampled_from([str(one["text"]) for one in ATTACKS]) | st.text(max_size=60),
)
async def test_a_model_that_writes_anything_at_all_breaks_nothing(
    said: str, note: str
) -> None:
    at = await scene(lambda _: said, {"nota": note.replace("\x00", "")})
    before = rules_of(at.here)

    await at.writes(blind=True)(at.here.world.tenant)
    await approve_all(at)
    await at.here.run()

    judge(at, before)
