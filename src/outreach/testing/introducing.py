"""Intros for the contract suite of their stores: texts, leads that wait, decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import uuid4

from attrs import evolve

from outreach.domain.case import Case
from outreach.domain.channel import Channel
from outreach.domain.ids import LeadId, TemplateId
from outreach.domain.intro import (
    Intro,
    Written,
    approved,
    asked_for,
    intro_of,
)
from outreach.domain.sequence import MessageTemplate
from outreach.domain.version import Version
from outreach.ports.intros import IntroDecision, Kept
from outreach.testing import invented
from outreach.testing.world import World

__all__ = [
    "NAME",
    "OPTIONAL",
    "SENTENCE",
    "TEXT",
    "approve",
    "decided",
    "now_there",
    "proposed",
    "save_text",
    "wait_for",
    "wanted",
    "written",
]

NAME: Final = "agri-1"
TEXT: Final = "{{company_name}}: {{ai_intro}}"
OPTIONAL: Final = "{{company_name}}[: {{ai_intro}}]"
SENTENCE: Final = "Am observat parcela din zonă."


async def save_text(
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


async def wait_for(world: World, *, within: timedelta = timedelta()) -> list[LeadId]:
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


def written(case: Case, text: str = SENTENCE, **facts: Any) -> Intro:
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


async def proposed(world: World, **facts: Any) -> Intro:
    """An intro of the only message that wants one."""
    (case,) = await world.intros.wanted(world.tenant, 10)
    made = written(case, **facts)
    assert await world.intros.keep(world.tenant, [made]) == 1
    return made


async def decided(world: World, before: Intro, after: Intro) -> Kept:
    (kept,) = await world.intros.decide(world.tenant, [IntroDecision(before, after)])
    return kept


async def approve(world: World, intro: Intro) -> Kept:
    return await decided(world, intro, approved(intro, "ana", await world.now()))


async def now_there(world: World, intro: Intro) -> Intro:
    return (await world.intros.get(world.tenant, str(intro.id))).intro


async def wanted(world: World) -> Sequence[Case]:
    return await world.intros.wanted(world.tenant, 10)
