"""The best version of a template is picked, where people let the engine do so."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID, uuid4

from tests.contract.memory_world import TENANT
from tests.unit.cases import uid
from tests.usecases.engine import HOUR, engine

from outreach.adapters.memory import MemoryCampaigns, MemoryClock, MemoryStore
from outreach.adapters.memory.alerts import MemoryAlerts
from outreach.adapters.memory.use_row import UseRow
from outreach.domain.address import phone_key
from outreach.domain.analysis import Analysis, ReplyIntent
from outreach.domain.channel import Channel
from outreach.domain.event import EventType, SystemEvent
from outreach.domain.ids import AttemptId, LeadId, TemplateId
from outreach.domain.message import Outcome
from outreach.domain.sequence import MessageTemplate
from outreach.domain.trial import Counts, Measure
from outreach.domain.usecases.pick_winner import PickWinner
from outreach.domain.version import TextUsed, Version
from outreach.testing import invented
from outreach.testing.invented import PROVIDER, START

INTRO = TemplateId(uid(7))
CLEAR = {"A": (300, 40), "B": (300, 5)}
UNCLEAR = {"A": (300, 14), "B": (300, 9)}


def a_template(name: str = "intro") -> MessageTemplate:
    return MessageTemplate(
        id=INTRO,
        name=name,
        channel=Channel.WHATSAPP,
        content="",
        versions=[Version("A", "Salut"), Version("B", "Bună ziua")],
    ).after(None)


def stored(figures: Mapping[str, tuple[int, int]]) -> MemoryCampaigns:
    """A template whose versions were sent so often, with so many replies."""
    store = MemoryStore(MemoryClock(START, START), uuid4)
    store.templates[TENANT, "intro"] = template = a_template()
    for version in template.versions:
        sent, replies = figures[version.label]
        text = TextUsed(INTRO, version.label, version.number)
        for number in range(sent):
            row = UseRow(TENANT, text, AttemptId(uuid4()), START, sent=True)
            row.replied = number < replies
            store.uses[LeadId(uuid4())] = {INTRO: row}
    return MemoryCampaigns(store)


async def winner_of(campaigns: MemoryCampaigns) -> tuple[str, str]:
    (trial,) = await campaigns.trials(TENANT)
    return trial.template.winner, trial.template.picked_by


async def test_the_best_is_picked_and_people_are_told_once() -> None:
    campaigns, alerts = stored(CLEAR), MemoryAlerts()
    pick = PickWinner(campaigns, alerts, allowed=True)

    found = await pick(TENANT, INTRO)
    again = await pick(TENANT, INTRO)

    assert found is not None
    assert (found.winner, again) == ("A", None)
    assert await winner_of(campaigns) == ("A", "engine")
    (told,) = alerts.told
    assert (told.kind, told.about) == ("version.picked", str(INTRO))
    assert "A has 40 replies of 300" in told.says


async def test_nothing_is_picked_while_it_is_too_early() -> None:
    campaigns, alerts = stored(UNCLEAR), MemoryAlerts()

    found = await PickWinner(campaigns, alerts, allowed=True)(TENANT, INTRO)

    assert found is not None
    assert found.winner is None
    assert await winner_of(campaigns) == ("", "")
    assert alerts.told == []


async def test_versions_are_compared_by_what_is_set() -> None:
    campaigns, alerts = stored(CLEAR), MemoryAlerts()
    pick = PickWinner(campaigns, alerts, allowed=True, measure=Measure.POSITIVE)

    found = await pick(TENANT, INTRO)

    assert found is not None
    assert found.winner is None
    assert "0 positive replies of 300" in found.says


async def test_only_people_pick_unless_it_is_set() -> None:
    campaigns, alerts = stored(CLEAR), MemoryAlerts()

    found = await PickWinner(campaigns, alerts)(TENANT, INTRO)

    assert found is None
    assert await winner_of(campaigns) == ("", "")


async def test_a_persons_pick_is_never_replaced() -> None:
    campaigns, alerts = stored(CLEAR), MemoryAlerts()
    await campaigns.pick(TENANT, "intro", "B", by="ana")

    await PickWinner(campaigns, alerts, allowed=True)(TENANT, INTRO)

    assert await winner_of(campaigns) == ("B", "ana")


async def test_a_template_that_is_gone_is_let_be() -> None:
    campaigns, alerts = stored(CLEAR), MemoryAlerts()

    found = await PickWinner(campaigns, alerts, allowed=True)(
        TENANT, TemplateId(UUID(int=1))
    )

    assert found is None


async def test_a_reply_that_came_in_counts_for_the_version_that_was_sent() -> None:
    here = engine()
    world = here.world
    steps = invented.sequence(1)
    campaign = await world.campaigns.save(
        world.tenant, steps, [a_template(steps.steps[0].template)], name="agri"
    )
    await world.phones()
    (lead,) = await world.new_leads()
    first = invented.enrolment(world.tenant, lead, steps, await world.now())
    await world.campaigns.enroll(world.tenant, campaign, [first])
    await here.duties()
    await here.run()
    (before,) = await world.campaigns.trials(world.tenant)
    here.analyses["Cât costă?"] = Analysis(
        ReplyIntent.QUESTION, 10, 0.9, "ro", (), "test/1"
    )

    said = SystemEvent(
        key="r-1",
        type=EventType.REPLY,
        provider=PROVIDER,
        channel=Channel.WHATSAPP,
        address=phone_key((await world.known(lead)).number),
        content="Cât costă?",
    )
    await here.arrives(said)
    await here.take()
    here.pass_time(2 * HOUR)
    await here.duties()

    (after,) = await world.campaigns.trials(world.tenant)
    ((label, sent),) = before.counts.items()
    assert sent == Counts(sent=1)
    assert after.counts == {label: Counts(sent=1, replies=1, positive=1)}
    assert here.outcomes() == [Outcome.ACCEPTED]
