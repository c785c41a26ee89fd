"""Which version of a template a lead gets, and how its texts are numbered."""

from __future__ import annotations

from uuid import UUID

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.channel import Channel
from outreach.domain.ids import LeadId, TemplateId
from outreach.domain.sequence import MessageTemplate
from outreach.domain.version import Version, draw

LABELS = ("A", "B", "C", "D", "E")
MANY = 400


def a_template(**weights: int) -> MessageTemplate:
    versions = [Version(label, f"text {label}", "", n) for label, n in weights.items()]
    return MessageTemplate(
        id=TemplateId(UUID(int=7)),
        name="intro",
        channel=Channel.WHATSAPP,
        content="",
        versions=versions,
    )


def drawn(template: MessageTemplate) -> list[str]:
    leads = [LeadId(UUID(int=number)) for number in range(MANY)]
    return [template.for_lead(lead).label for lead in leads]


weights = st.dictionaries(st.sampled_from(LABELS), st.integers(1, 9), min_size=2)
ids = st.uuids().map(LeadId), st.uuids().map(TemplateId)


@given(*ids, weights)
def test_the_order_of_versions_does_not_matter(
    lead: LeadId, template: TemplateId, given_: dict[str, int]
) -> None:
    versions = [Version(label, "text", "", weight) for label, weight in given_.items()]

    first = draw(lead, template, versions)

    assert draw(lead, template, versions[::-1]) == first


@given(*ids, weights, st.integers(1, 9))
def test_a_new_version_takes_leads_for_itself_alone(
    lead: LeadId, template: TemplateId, given_: dict[str, int], weight: int
) -> None:
    versions = [Version(label, "text", "", n) for label, n in given_.items()]
    new = Version("new", "text", "", weight)

    before = draw(lead, template, versions)
    after = draw(lead, template, [*versions, new])

    assert after in {before, new}


@given(*ids, weights, st.integers(1, 9))
def test_a_greater_weight_draws_leads_in_and_lets_none_go(
    lead: LeadId, template: TemplateId, given_: dict[str, int], more: int
) -> None:
    versions = [Version(label, "text", "", n) for label, n in given_.items()]
    grown = [evolve(versions[0], weight=versions[0].weight + more), *versions[1:]]

    before = draw(lead, template, versions).label
    after = draw(lead, template, grown).label

    assert after in {before, versions[0].label}


@given(weights, st.uuids())
def test_shares_are_as_the_weights(given_: dict[str, int], template: UUID) -> None:
    found = drawn(evolve(a_template(**given_), id=TemplateId(template)))

    for label, weight in given_.items():
        share = weight / sum(given_.values())
        spread = (share * (1 - share) / MANY) ** 0.5
        assert abs(found.count(label) / MANY - share) <= 6 * spread


def test_templates_are_drawn_apart_from_each_other() -> None:
    template = a_template(A=1, B=1)
    other = evolve(template, id=TemplateId(UUID(int=8)))

    alike = sum(
        one == two for one, two in zip(drawn(template), drawn(other), strict=True)
    )

    assert MANY * 0.4 < alike < MANY * 0.6


def test_what_a_lead_had_goes_before_a_winner_and_a_winner_before_the_draw() -> None:
    lead = LeadId(UUID(int=1))
    template = a_template(A=1, B=1, C=1)
    by_draw = template.for_lead(lead).label
    winner, had = (one for one in "ABC" if one != by_draw)
    won = evolve(template, winner=winner)

    assert won.for_lead(lead).label == winner
    assert won.for_lead(lead, had).label == had
    assert won.for_lead(lead, "gone").label == winner


def test_a_template_without_versions_is_its_own_text() -> None:
    plain = evolve(a_template(), content="Salut")

    assert plain.for_lead(LeadId(UUID(int=1)), "A") == plain
    assert plain.texts == (plain,)


def test_a_text_keeps_its_number_until_it_is_corrected() -> None:
    first = a_template(A=1, B=1).after(None)
    wanted = a_template(A=1, B=1)
    corrected = evolve(
        wanted, versions=[wanted.versions[0], Version("B", "another text")]
    )

    second = corrected.after(first)
    third = corrected.after(second)
    back = a_template(A=1, B=1).after(third)

    numbers = [[v.number for v in one.versions] for one in (first, second, third, back)]
    assert numbers == [[1, 2], [1, 3], [1, 3], [1, 4]]
    assert third == second
    assert {one.since for one in (first, second, back)} == {1}


def test_other_weights_number_every_text_anew_and_lift_the_winner() -> None:
    first = evolve(a_template(A=1, B=1).after(None), winner="A", picked_by="ana")

    same = a_template(A=1, B=1).after(first)
    heavier = a_template(A=1, B=2).after(first)
    more = a_template(A=1, B=1, C=1).after(first)
    alone = evolve(a_template(), content="text A").after(first)

    assert same == first
    for other in (heavier, more, alone):
        assert (other.since, other.winner, other.picked_by) == (3, "", "")
    assert [one.number for one in heavier.versions] == [3, 4]
    assert (more.version, alone.version) == (5, 3)


def test_other_variables_are_another_text_of_every_version() -> None:
    first = a_template(A=1, B=1).after(None)

    second = evolve(a_template(A=1, B=1), language="ro").after(first)

    assert [one.number for one in second.versions] == [3, 4]
    assert second.since == first.since
