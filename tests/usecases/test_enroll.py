"""Who is enrolled, on which channel, in whose hours, and why somebody is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve
from tests.unit.cases import uid
from tests.usecases.engine import Engine, engine

from outreach.domain.address import phone_key
from outreach.domain.channel import Channel, State
from outreach.domain.consent import (
    EVERYWHERE,
    OPEN,
    ConsentKind,
    Demand,
    Policy,
)
from outreach.domain.decision import Reason, Verdict, decide
from outreach.domain.errors import Misconfigured, TemplateError
from outreach.domain.ids import LeadId, TemplateId
from outreach.domain.journey import DeadCause
from outreach.domain.lead_file import ImportId
from outreach.domain.sender import SendClass
from outreach.domain.sequence import MessageTemplate
from outreach.domain.sequence import Sequence as Steps
from outreach.domain.suppression import Suppression, SuppressionReason
from outreach.domain.template import Variable
from outreach.domain.usecases.enroll import Enrolled
from outreach.domain.version import Version
from outreach.testing import invented

WA, MAIL = Channel.WHATSAPP, Channel.EMAIL_COLD


def a_text(name: str, channel: Channel = WA, **changes: Any) -> MessageTemplate:
    plain = MessageTemplate(
        id=TemplateId(uid(300)),
        name=name,
        channel=channel,
        content="Salut{{x}}",
        variables=(Variable("x", ""),),
        subject="" if channel is WA else "Salut, {{company_name}}",
    )
    return evolve(plain, **changes)


def a_plan(steps: int = 2, **changes: Any) -> Steps:
    return evolve(invented.sequence(steps), **changes)


def with_first(plan: Steps, **changes: Any) -> Steps:
    first = evolve(plan.steps[0], **changes)
    return evolve(plan, steps=(first, *plan.steps[1:]))


async def enrolled(
    here: Engine,
    plan: Steps | None = None,
    texts: list[MessageTemplate] | None = None,
    *channels: Channel,
    name: str = "spring",
) -> Enrolled:
    plan = plan or a_plan()
    if texts is None:
        texts = invented.texts(plan)
    there = await here.world.senders.channels(here.world.tenant)
    for channel in set(channels or (WA,)) - there:
        if channel is WA:
            await here.world.phones()
        else:
            await here.world.mailboxes(channel=channel)
    return await here.enroll()(here.world.tenant, plan, texts, name=name)


async def mail_only(here: Engine, number: int = 900) -> LeadId:
    row = evolve(invented.new_lead(number, mail=True), phones=())
    stored = await here.world.leads.store(
        here.world.tenant, [row], run=ImportId(uid(98))
    )
    return stored[0].lead


# --- who may be


ASKS_FOR_MAIL = Policy({EVERYWHERE: {WA: Demand.WARN, MAIL: Demand.REQUIRE}})


async def with_policy(
    here: Engine, plan: Steps, texts: list[MessageTemplate], policy: Policy
) -> Enrolled:
    await here.world.phones()
    await here.world.mailboxes()
    run = evolve(here.enroll(), policy=policy)
    return await run(here.world.tenant, plan, texts, name="spring")


def by_mail() -> tuple[Steps, list[MessageTemplate]]:
    plan = with_first(a_plan(1), template="mail", channel=MAIL)
    return plan, [a_text("mail", MAIL)]


async def test_who_did_not_agree_gets_no_mail_and_is_counted() -> None:
    here = engine()
    lead = await mail_only(here)

    done = await with_policy(here, *by_mail(), ASKS_FOR_MAIL)
    explained = await here.world.decisions.explain(here.world.tenant, lead)

    assert (done.enrolled, done.skipped) == (0, {"NO_CONSENT": 1})
    assert explained.ended == "NO_CONSENT"


@pytest.mark.parametrize("basis", ["consimțământ", "existing customer"])
async def test_a_legal_basis_that_stands_for_consent_is_enough(basis: str) -> None:
    here = engine()
    lead = await mail_only(here)
    here.store.leads[lead] = evolve(here.store.leads[lead], legal_basis=basis)

    done = await with_policy(here, *by_mail(), ASKS_FOR_MAIL)

    assert (done.enrolled, done.skipped, done.warned) == (1, {}, 0)


async def test_a_confirmed_consent_is_enough_and_a_pending_one_is_not() -> None:
    here = engine()
    asked, agreed = await mail_only(here, 901), await mail_only(here, 902)
    for lead in (asked, agreed):
        consent = await here.world.consents.add(
            here.world.tenant,
            lead,
            MAIL,
            ConsentKind.ASKED,
            text="Da.",
            source="form",
            by="ana",
        )
    await here.world.consents.confirm(here.world.tenant, consent.id)

    done = await with_policy(here, *by_mail(), ASKS_FOR_MAIL)

    assert (done.enrolled, done.skipped) == (1, {"NO_CONSENT": 1})
    assert here.intents_of(agreed)
    assert not here.intents_of(asked)


async def test_who_may_not_be_mailed_may_be_reached_otherwise() -> None:
    here = engine()
    (lead,) = await here.world.new_leads(mail=True)
    plan = with_first(
        evolve(a_plan(1), primary_channel=MAIL, fallback_channel=WA),
        template="mail",
        channel=None,
        fallback_template="wa",
    )

    texts = [a_text("mail", MAIL), a_text("wa", id=TemplateId(uid(301)))]
    done = await with_policy(here, plan, texts, ASKS_FOR_MAIL)

    (row,) = here.intents_of(lead)
    assert (done.enrolled, done.warned) == (1, 1)
    assert row.intent.channel is WA


async def test_a_message_whose_lead_did_not_agree_is_held_and_says_so() -> None:
    here = engine()
    lead = await mail_only(here)
    await with_policy(here, *by_mail(), OPEN)
    here.store.agreed.policy = ASKS_FOR_MAIL

    explained = await here.world.decisions.explain(here.world.tenant, lead)

    (case,) = explained.cases
    made = decide(case, here.clock.engine, margin=timedelta(seconds=5))
    assert Reason.NO_CONSENT in {block.reason for block in made.blocks}
    assert made.verdict is Verdict.HOLD
    answer = evolve(case.intent, send_class=SendClass.APPROVED)
    free = decide(
        evolve(case, intent=answer), here.clock.engine, margin=timedelta(seconds=5)
    )
    assert Reason.NO_CONSENT not in {block.reason for block in free.blocks}


# --- who is


async def test_a_lead_gets_a_run_and_its_first_message() -> None:
    here = engine()
    (lead,) = await here.world.new_leads()

    done = await enrolled(here)

    assert (done.enrolled, done.skipped) == (1, {})
    (row,) = here.intents_of(lead)
    assert row.intent.channel is WA
    assert row.intent.send_class is SendClass.NEW
    assert row.intent.step_number == 1
    assert row.intent.due_at == here.clock.engine
    assert row.window.zones == ("Europe/Bucharest",)
    assert row.window.country == "RO"


async def test_the_first_message_is_due_after_its_own_delay() -> None:
    here = engine()
    (lead,) = await here.world.new_leads()
    plan = with_first(a_plan(), delay=timedelta(hours=5))

    await enrolled(here, plan)

    (row,) = here.intents_of(lead)
    assert row.intent.due_at == here.clock.engine + plan.steps[0].delay


async def test_the_same_campaign_twice_enrols_nobody_twice() -> None:
    here = engine()
    await here.world.new_leads(5)
    plan = a_plan()
    first = await enrolled(here, plan)

    again = await enrolled(here, plan)

    assert (first.enrolled, again.enrolled, dict(again.skipped)) == (5, 0, {})
    assert len(here.store.intents) == 5
    assert again.campaign == first.campaign


async def test_leads_that_came_later_are_enrolled_later() -> None:
    here = engine()
    await here.world.new_leads(2)
    plan = a_plan()
    await enrolled(here, plan)
    await here.world.new_leads(3)

    assert (await enrolled(here, plan)).enrolled == 3


async def test_a_lead_has_one_live_run_whatever_the_campaign() -> None:
    here = engine()
    await here.world.new_leads(2)
    plan = a_plan()
    await enrolled(here, plan)

    other = await enrolled(here, plan, name="autumn")

    assert (other.enrolled, dict(other.skipped)) == (0, {"ENROLLED": 2})


async def test_more_than_a_page_of_leads_is_enrolled_and_told() -> None:
    here = engine()
    await here.world.new_leads(1_203)
    await here.world.phones()
    plan, looked = a_plan(), list[int]()

    done = await here.enroll()(
        here.world.tenant,
        plan,
        invented.texts(plan),
        name="spring",
        progress=looked.append,
    )

    assert done.enrolled == 1_203
    assert looked == [500, 1_000, 1_203]


async def test_tenants_leads_are_their_own() -> None:
    here = engine()
    await here.world.new_leads(2, tenant=here.world.stranger)

    assert (await enrolled(here)).enrolled == 0


# --- who is not


async def skipped(here: Engine, *args: Any) -> dict[str, int]:
    done = await enrolled(here, *args)
    assert done.enrolled == 0
    assert here.store.intents == {}
    return dict(done.skipped)


@pytest.mark.parametrize(
    ("journey", "reason"),
    [
        ({"opted_out": True, "state": State.DEAD}, "SUPPRESSED"),
        ({"human_controlled": True}, "HUMAN_CONTROL"),
        ({"state": State.WARM_REPLY}, "STOPPED"),
        ({"state": State.CONVERTED}, "STOPPED"),
        ({"state": State.PAUSED}, "STOPPED"),
        ({"state": State.DEAD, "dead_cause": DeadCause.LOST}, "STOPPED"),
    ],
)
async def test_who_must_not_be_written_to_is_skipped_and_counted(
    journey: dict[str, Any], reason: str
) -> None:
    here = engine()
    (lead,) = await here.world.new_leads()
    here.set_journey(lead, **journey)

    assert await skipped(here) == {reason: 1}


async def test_a_suppressed_address_is_skipped() -> None:
    here = engine()
    (lead,) = await here.world.new_leads()
    key = phone_key(here.store.leads[lead].phone)
    stop = Suppression(key, SuppressionReason.PERSON, "ana", here.clock.engine)
    await here.world.switches.suppress(here.world.tenant, [stop])

    assert await skipped(here) == {"SUPPRESSED": 1}


async def test_who_has_only_an_address_is_skipped_while_there_is_no_mail() -> None:
    here = engine()
    await mail_only(here)

    assert await skipped(here) == {"NO_CHANNEL": 1}


async def test_a_lead_that_lacks_what_a_text_requires_is_found_at_enrolment() -> None:
    here = engine()
    await here.world.new_leads()
    plan = a_plan(1)
    needs = a_text(
        plan.steps[0].template, content="{{cui}}", variables=(Variable("cui"),)
    )

    assert await skipped(here, plan, [needs]) == {"NO_TEMPLATE": 1}


async def test_a_lead_must_have_what_every_version_requires() -> None:
    here = engine()
    await here.world.new_leads()
    plan = a_plan(1)
    versions = [Version("A", "Salut", weight=10**9), Version("B", "{{cui}}")]
    needs = a_text(
        plan.steps[0].template,
        content="",
        variables=(Variable("cui"),),
        versions=versions,
    )

    assert await skipped(here, plan, [needs]) == {"NO_TEMPLATE": 1}


async def test_what_only_a_later_step_requires_is_found_too() -> None:
    here = engine()
    await here.world.new_leads()
    plan = a_plan(2)
    texts = [
        a_text(plan.steps[0].template),
        a_text(
            plan.steps[1].template,
            content="{{cui}}",
            variables=(Variable("cui"),),
            id=TemplateId(uid(301)),
        ),
    ]

    assert await skipped(here, plan, texts) == {"NO_TEMPLATE": 1}


# --- fall-back


def with_fallback(*, text: bool) -> tuple[Steps, list[MessageTemplate]]:
    plan = a_plan(1, fallback_channel=MAIL)
    texts = [a_text(plan.steps[0].template)]
    if text:
        plan = with_first(plan, fallback_template="mail-first")
        texts.append(a_text("mail-first", MAIL, id=TemplateId(uid(301))))
    return plan, texts


async def test_a_lead_without_a_phone_falls_back_to_mail() -> None:
    here = engine()
    lead = await mail_only(here)

    done = await enrolled(here, *with_fallback(text=True), WA, MAIL)

    assert done.enrolled == 1
    assert here.intents_of(lead)[0].intent.channel is MAIL


async def test_a_lead_whose_fall_back_has_no_text_is_skipped_for_that() -> None:
    here = engine()
    await mail_only(here)

    assert await skipped(here, *with_fallback(text=False), WA, MAIL) == {
        "NO_TEMPLATE": 1
    }


async def test_a_step_that_leaves_the_channel_open_goes_where_a_lead_prefers() -> None:
    here = engine()
    rows = [invented.new_lead(n, mail=True) for n in (901, 902)]
    stored = await here.world.leads.store(
        here.world.tenant, rows, run=ImportId(uid(97))
    )
    plan, texts = with_fallback(text=True)
    here.set_journey(stored[0].lead, preferred_channel=MAIL)

    await enrolled(here, with_first(plan, channel=None), texts, WA, MAIL)

    channels = [here.intents_of(one.lead)[0].intent.channel for one in stored]
    assert channels == [MAIL, WA]


# --- what no campaign may say


@pytest.mark.parametrize(
    ("changes", "texts", "says"),
    [
        ({"template": "agri-9"}, None, r"no template 'agri-9'.*\(there: agri-1\)"),
        ({}, [a_text("agri-1", MAIL)], "'agri-1' is for EMAIL_COLD"),
        ({}, [a_text("agri-1", approved=False)], "'agri-1' is not approved"),
        ({"fallback_template": "mail-1"}, None, "no template 'mail-1'"),
        (
            {"fallback_template": "mail-1"},
            [a_text("agri-1"), a_text("mail-1", MAIL)],
            "fall-back channel; set one",
        ),
    ],
)
async def test_a_campaign_with_a_wrong_template_is_refused_before_anything_is_stored(
    changes: dict[str, Any], texts: list[MessageTemplate] | None, says: str
) -> None:
    here = engine()
    await here.world.new_leads()
    plan = a_plan(1)

    with pytest.raises(Misconfigured, match=f"'agri', step 1.*{says}"):
        await enrolled(here, with_first(plan, **changes), texts or invented.texts(plan))

    assert here.store.campaigns == {}
    assert here.store.intents == {}


async def test_a_text_that_cannot_be_read_is_refused() -> None:
    here = engine()
    plan = a_plan(1)

    with pytest.raises(TemplateError):
        await enrolled(here, plan, [a_text("agri-1", content="{Salut")])


async def test_a_zone_that_is_not_known_is_that_of_the_number() -> None:
    here = engine()
    row = evolve(invented.new_lead(905), time_zone="", country="")
    stored = await here.world.leads.store(
        here.world.tenant, [row], run=ImportId(uid(96))
    )

    await enrolled(here)

    (intent,) = here.intents_of(stored[0].lead)
    assert intent.window.zones == ("Europe/Bucharest",)
    (run,) = here.store.enrolments.values()
    assert run.zones_why


# --- subjects


@pytest.mark.parametrize(
    ("channel", "subject", "says"),
    [
        (MAIL, "", "a mail needs a subject"),
        (MAIL, "  ", "a mail needs a subject"),
        (MAIL, "una\ndouă", "must be one line"),
        (WA, "Salut", "a WHATSAPP message has no subject: remove subject 'Salut'"),
    ],
)
async def test_mail_has_a_subject_and_nothing_else_does(
    channel: Channel, subject: str, says: str
) -> None:
    here = engine()
    plan = with_first(a_plan(1, primary_channel=channel), channel=channel)
    text = a_text(plan.steps[0].template, channel, subject=subject)

    with pytest.raises(Misconfigured, match=says) as caught:
        await enrolled(here, plan, [text], channel)

    assert repr(text.name) in str(caught.value)


async def test_a_subject_that_lacks_a_variable_is_found_at_enrolment() -> None:
    here = engine()
    await mail_only(here)
    plan = with_first(a_plan(1, primary_channel=MAIL), channel=MAIL)
    text = a_text(plan.steps[0].template, MAIL, subject="Pentru {{county}}")

    done = await enrolled(here, plan, [text], MAIL)

    assert (done.enrolled, dict(done.skipped)) == (0, {"NO_TEMPLATE": 1})
