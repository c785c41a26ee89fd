"""What a store of leads owes its callers when rows meet (part of `LeadsContract`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from attrs import evolve

from outreach.domain.ids import TenantId
from outreach.domain.lead import Email, Lead, NewLead, Phone
from outreach.domain.lead_file import ImportId, RowOutcome, Stored
from outreach.domain.lead_merge import FOREIGN, FULL, MOST_CONTACTS, OTHER_CUI
from outreach.ports.leads import Leads

__all__ = [
    "FIRST",
    "SECOND",
    "MergesLeads",
    "email",
    "new_lead",
    "only",
    "outcomes",
    "phone",
]

FIRST: Final = ImportId(UUID(int=1))
SECOND: Final = ImportId(UUID(int=2))

_IMPORTED: Final = RowOutcome.IMPORTED
_MERGED: Final = RowOutcome.MERGED


def phone(digits: str) -> Phone:
    """A Romanian mobile from its last nine digits."""
    return Phone(f"+40{digits}", "RO", ("Europe/Bucharest",), mobile=True)


def email(address: str) -> Email:
    """An address of a person."""
    return Email(address, role=False, country="RO")


def new_lead(*points: str, **facts: Any) -> NewLead:
    """A clean row with these phones (digits) and addresses (with an ``@``)."""
    phones = tuple([phone(point) for point in points if "@" not in point])
    emails = tuple([email(point) for point in points if "@" in point])
    return evolve(NewLead(row=2, phones=phones, emails=emails), **facts)


def outcomes(answers: Sequence[Stored]) -> list[RowOutcome]:
    """What became of each row."""
    return [answer.outcome for answer in answers]


async def only(leads: Leads, tenant: TenantId) -> Lead:
    """The one lead there is."""
    (lead,) = await leads.page(tenant, after=None, limit=2)
    return lead


class MergesLeads:
    """Rows folded into leads, as `outreach.domain.lead_merge` says."""

    async def test_a_row_with_a_known_key_fills_holes_and_the_first_value_wins(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        first = new_lead("722000001", company_name="Agro", city="")
        later = new_lead("722000001", company_name="Other", city="Arad", cui="123")
        await leads.store(tenant, [first], run=FIRST)

        answers = await leads.store(tenant, [later], run=SECOND)

        lead = await only(leads, tenant)
        assert outcomes(answers) == [_MERGED]
        assert (lead.company_name, lead.city, lead.cui) == ("Agro", "Arad", "123")
        assert lead.version == 1 + 1

    async def test_contact_points_tags_and_custom_fields_are_added(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        first = new_lead("722000001", "a@b.ro", tags=("x",), custom_fields={"ha": "10"})
        later = new_lead(
            "722000002",
            "722000001",
            "c@d.ro",
            "a@b.ro",
            tags=("y", "x"),
            custom_fields={"ha": "99", "crop": "maize"},
        )
        await leads.store(tenant, [first], run=FIRST)

        await leads.store(tenant, [later], run=SECOND)

        lead = await only(leads, tenant)
        assert lead.phones == (phone("722000001"), phone("722000002"))
        assert lead.emails == (email("a@b.ro"), email("c@d.ro"))
        assert lead.tags == ("x", "y")
        assert lead.custom_fields == {"ha": "10", "crop": "maize"}

    async def test_each_of_cui_phone_and_address_names_the_lead(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        first = new_lead("722000001", "a@b.ro", cui="123")
        again = [
            new_lead("722000002", cui="123"),
            new_lead("722000001"),
            new_lead("a@b.ro"),
            new_lead("722000002", "new@b.ro"),
            new_lead("new@b.ro"),
        ]
        (made,) = await leads.store(tenant, [first], run=FIRST)

        answers = await leads.store(tenant, again, run=FIRST)

        assert [answer.lead for answer in answers] == [made.lead] * len(again)
        assert outcomes(answers) == [_MERGED] * len(again)

    async def test_a_zone_of_another_country_is_not_taken(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        german = new_lead("a@b.de", country="DE", zones=("A", "B"))
        romanian = new_lead(
            "722000001", "a@b.de", country="RO", time_zone="Europe/Bucharest"
        )
        await leads.store(tenant, [german, romanian], run=FIRST)

        lead = await only(leads, tenant)

        assert (lead.country, lead.time_zone, lead.zones) == ("DE", "", ("A", "B"))

    async def test_a_known_zone_takes_the_place_of_possible_ones(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        open_zone = new_lead("a@b.de", country="DE", zones=("A", "B"))
        known = new_lead("a@b.de", country="DE", time_zone="Europe/Berlin")
        await leads.store(tenant, [open_zone, known], run=FIRST)

        lead = await only(leads, tenant)

        assert (lead.time_zone, lead.zones) == ("Europe/Berlin", ())

    async def test_a_status_of_another_contact_point_is_not_taken(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        first = new_lead("722000001", cui="123")
        other = new_lead("722000002", cui="123", phone_status="invalid")
        same = new_lead("722000001", cui="123", phone_status="valid")

        await leads.store(tenant, [first, other], run=FIRST)
        before = await only(leads, tenant)
        await leads.store(tenant, [same], run=FIRST)
        after = await only(leads, tenant)

        assert (before.phone_status, after.phone_status) == ("", "valid")

    async def test_another_cui_at_the_same_phone_is_the_same_lead(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        rows = [
            new_lead("722000001", cui="123"),
            new_lead("722000001", cui="456"),
            new_lead("722000002", cui="456"),
        ]

        answers = await leads.store(tenant, rows, run=FIRST)

        lead = await only(leads, tenant)
        assert outcomes(answers) == [_IMPORTED, _MERGED, _MERGED]
        assert [answer.warnings for answer in answers] == [
            (),
            (OTHER_CUI,),
            (OTHER_CUI,),
        ]
        assert (lead.cui, lead.other_cuis) == ("123", ("456",))
        assert lead.phones == (phone("722000001"), phone("722000002"))

    async def test_a_lead_holds_no_more_than_so_many_contact_points(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        rows = [
            new_lead(f"7220000{n:02d}", cui="123") for n in range(MOST_CONTACTS + 1)
        ]

        answers = await leads.store(tenant, rows, run=FIRST)

        lead = await only(leads, tenant)
        assert len(lead.phones) == MOST_CONTACTS
        assert [answer.warnings for answer in answers[-2:]] == [(), (FULL,)]

    async def test_a_row_sees_the_rows_before_it(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        rows = [
            new_lead("722000001", company_name=""),
            new_lead("722000001", "a@b.ro", company_name="Agro"),
            new_lead("a@b.ro", company_name="Other"),
        ]

        answers = await leads.store(tenant, rows, run=FIRST)

        lead = await only(leads, tenant)
        assert outcomes(answers) == [_IMPORTED, _MERGED, _MERGED]
        assert (lead.company_name, lead.email) == ("Agro", "a@b.ro")

    async def test_a_row_that_names_two_leads_joins_neither(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        one = new_lead("722000001", cui="123")
        two = new_lead("722000002", "two@b.ro")
        both = new_lead("722000002", "722000003", "two@b.ro", cui="123", city="Arad")
        made = await leads.store(tenant, [one, two], run=FIRST)

        (answer,) = await leads.store(tenant, [both], run=SECOND)

        kept = {lead.id: lead for lead in await leads.page(tenant, after=None, limit=9)}
        assert answer == Stored(_MERGED, made[0].lead, (FOREIGN,))
        assert kept[made[0].lead].phones == (phone("722000001"), phone("722000003"))
        assert kept[made[0].lead].emails == ()
        assert kept[made[1].lead].phones == (phone("722000002"),)
        assert kept[made[1].lead].emails == (email("two@b.ro"),)
        assert kept[made[1].lead].city == ""

    async def test_the_strongest_key_says_which_of_two_leads_it_is(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        by_phone, by_mail = new_lead("722000001"), new_lead("a@b.ro")
        made = await leads.store(tenant, [by_phone, by_mail], run=FIRST)

        (answer,) = await leads.store(
            tenant, [new_lead("a@b.ro", "722000001")], run=FIRST
        )

        assert answer.lead == made[0].lead
