"""What is wrong with texts is said before any of them is sent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid5

import pytest
from attrs import evolve
from tests.usecases.engine import engine

from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured
from outreach.domain.ids import StepId, TemplateId
from outreach.domain.sequence import MessageTemplate, Sequence
from outreach.domain.template import Variable
from outreach.domain.usecases.check_templates import (
    CheckTemplates,
    first_messages,
    refuse_links,
)
from outreach.domain.version import Version
from outreach.testing import invented
from outreach.testing.invented import texts

NAMESPACE = TemplateId(uuid5(invented.sequence(1).id, "t"))


def text(name: str, content: str, **facts: Any) -> MessageTemplate:
    plain = MessageTemplate(
        id=TemplateId(uuid5(NAMESPACE, name)),
        name=name,
        channel=Channel.WHATSAPP,
        content=content,
    )
    return evolve(plain, **facts)


def steps(*channels: Channel) -> Sequence:
    plain = invented.sequence(len(channels))
    return evolve(
        plain,
        fallback_channel=Channel.WHATSAPP,
        steps=tuple(
            evolve(
                step,
                id=StepId(uuid5(NAMESPACE, str(n))),
                channel=channel,
                template=f"t{n}",
                fallback_template=f"f{n}",
                delay=timedelta(hours=n),
            )
            for n, (step, channel) in enumerate(
                zip(plain.steps, channels, strict=True), 1
            )
        ),
    )


def test_a_text_is_counted_with_and_without_what_a_lead_may_lack() -> None:
    one = text(
        "t1",
        "{a|b|c|d}[ pentru {{contact_name}} {x|y}]",
        variables=(Variable("contact_name", ""),),
    )

    (found,) = CheckTemplates(minimum=8).texts(steps(Channel.WHATSAPP), [one])

    assert (found.variants, found.least) == (8, 4)
    (problem,) = found.problems
    assert "4 different texts to a lead without contact_name" in problem
    assert not found.fits


def test_the_minimum_is_the_tenants() -> None:
    one = text("t1", "{a|b|c}")

    fits = [
        CheckTemplates(minimum=n).texts(steps(Channel.WHATSAPP), [one])[0].fits
        for n in (3, 4)
    ]

    assert fits == [True, False]


def test_a_text_that_cannot_be_read_is_a_problem_and_no_defect() -> None:
    (found,) = CheckTemplates().texts(steps(Channel.WHATSAPP), [text("t1", "{a|b")])

    assert (found.variants, found.least) == (0, 0)
    assert len(found.problems) == 1


def test_a_subject_is_checked_as_the_text_is() -> None:
    one = text(
        "t1", "{a|b}{c|d}{e|f}", channel=Channel.EMAIL_COLD, subject="Oferta {{nimic}}"
    )

    (found,) = CheckTemplates().texts(steps(Channel.EMAIL_COLD), [one])

    (problem,) = found.problems
    assert problem.startswith("its subject: variable 'nimic'")


def test_leads_that_would_get_no_text_are_counted_by_reason_and_the_first_named() -> (
    None
):
    one = text("t1", "{{oferta}}", variables=(Variable("oferta"),))
    checks = CheckTemplates(minimum=1)
    reports = checks.texts(steps(Channel.WHATSAPP), [one])

    for row in range(1, 9):
        checks.lead(reports, f"row {row}", {"oferta": "azi" if row == 3 else ""})

    (found,) = reports
    assert (found.looked_at, found.failed.total()) == (8, 7)
    ((why, named),) = found.rows.items()
    assert "'oferta' is required" in why
    assert named == ["row 1", "row 2", "row 4", "row 5", "row 6"]


def test_first_messages_are_all_that_may_be_the_first_by_whatsapp() -> None:
    mail, phone = Channel.EMAIL_COLD, Channel.WHATSAPP
    named = [
        text("t1", "a", channel=mail),
        text("f1", "a"),
        text("t2", "a"),
        text("f2", "a", channel=mail),
        text("t3", "a"),
        text("f3", "a", channel=mail),
    ]

    assert first_messages(steps(mail, phone, phone), named) == {"f1", "t2"}
    assert first_messages(steps(phone, phone, phone), named[2:]) == frozenset()


@pytest.mark.parametrize("content", ["{a|vezi exemplu.ro}", "https://exemplu.ro"])
async def test_a_link_in_a_first_message_enrols_nobody_unless_it_is_allowed(
    content: str,
) -> None:
    here = engine()
    await here.world.phones()
    await here.world.new_leads(2)
    wanted = invented.sequence(2)
    first, second = (evolve(one, content=content) for one in texts(wanted))
    fine = texts(wanted)[0]
    enroll = here.enroll()

    with pytest.raises(Misconfigured, match="holds the link") as caught:
        await enroll(here.world.tenant, wanted, [first, second], name="a")
    later = await enroll(here.world.tenant, wanted, [fine, second], name="b")
    allowed = evolve(enroll, links_in_first=True)
    await allowed(here.world.tenant, wanted, [first, second], name="c")

    assert "links_in_first" in str(caught.value)
    assert first.name in str(caught.value)
    assert later.enrolled == 2
    refuse_links(wanted, [fine, second])


def test_a_link_in_any_version_of_a_first_message_is_refused() -> None:
    wanted = invented.sequence(1)
    versions = [Version("A", "Salut"), Version("B", "Salut, exemplu.ro")]
    first = evolve(texts(wanted)[0], content="", versions=versions)

    with pytest.raises(Misconfigured, match=r"exemplu\.ro"):
        refuse_links(wanted, [first])

    refuse_links(wanted, [evolve(first, versions=[*versions[:1], Version("C", "Hei")])])


def test_each_version_is_reported_by_itself() -> None:
    wanted = invented.sequence(1)
    versions = [Version("A", "{a|b}"), Version("B", "{a|b|c} {{cui}}")]
    first = evolve(texts(wanted)[0], content="", versions=versions)
    checks = CheckTemplates(minimum=3)

    reports = checks.texts(wanted, [first])
    checks.lead(reports, "row 1", {"cui": ""})

    assert [one.template.called for one in reports] == ["agri-1 A", "agri-1 B"]
    assert [one.variants for one in reports] == [2, 3]
    assert [bool(one.problems) for one in reports] == [True, False]
    assert [one.failed.total() for one in reports] == [0, 1]
