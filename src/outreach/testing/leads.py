"""What every `Leads` owes its callers.

Subclass `LeadsContract` in a test module, with the fixtures ``leads`` (an empty
store), ``tenant`` and ``other_tenant`` (two tenants it knows); any async test runner
does.
"""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import UUID

from attrs import evolve

from outreach.domain.ids import LeadId, TenantId
from outreach.domain.lead import Email, Flaw, Lead, NewLead, Phone, lead_id
from outreach.domain.lead_file import ImportId, RowOutcome, Stored
from outreach.ports.leads import Leads
from outreach.testing.lead_merging import (
    FIRST,
    SECOND,
    MergesLeads,
    email,
    new_lead,
    only,
    outcomes,
    phone,
)

__all__ = ["LeadsContract"]

_IMPORTED: Final = RowOutcome.IMPORTED
_MERGED: Final = RowOutcome.MERGED
_UNCHANGED: Final = RowOutcome.UNCHANGED
_FEW: Final = 3
_MANY: Final = 30
_MOST_FOUND: Final = 20
_START: Final = 8


class LeadsContract(MergesLeads):
    """One test or more per promise of the port."""

    async def test_a_row_without_a_known_key_makes_a_lead(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        rich = NewLead(
            row=7,
            company_name="Agro Țarina SRL",
            contact_name="Ion Șerban",
            cui="14399840",
            caen="0111",
            county="Timiș",
            city="Făget",
            phones=(
                phone("722000001"),
                Phone("+12025550123", "US", ("America/New_York", "UTC"), mobile=None),
                Phone("+80012345678", "", (), mobile=False),
            ),
            emails=(email("ion@tarina.ro"), Email("office@tarina.ro", role=True)),
            email_status="valid",
            phone_status="whatsapp",
            time_zone="",
            zones=("Europe/Bucharest", "Europe/Chisinau"),
            country="RO",
            language="ro",
            source="agriculture fair",
            legal_basis="legitimate interest",
            tags=("cereals", "2026"),
            custom_fields={"suprafata_ha": "1.200", "note": '\'; -- {{x}} \\ "ș"'},
        )

        answers = await leads.store(tenant, [rich], run=FIRST)

        facts = {name: getattr(rich, name) for name in _facts(rich)}
        made = Lead(id=lead_id(tenant, "cui:14399840"), **facts)
        assert answers == [Stored(_IMPORTED, made.id)]
        assert await only(leads, tenant) == made

    async def test_its_id_is_derived_from_its_strongest_key(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        rows = [
            new_lead("722000001", "a@b.ro", cui="123"),
            new_lead("722000002", "722000003", "c@d.ro"),
            new_lead("e@f.ro"),
        ]

        answers = await leads.store(tenant, rows, run=FIRST)

        keys = ["cui:123", "phone:+40722000002", "email:e@f.ro"]
        assert [answer.lead for answer in answers] == [
            lead_id(tenant, key) for key in keys
        ]

    async def test_a_row_that_repeats_this_import_is_merged(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        row = new_lead("722000001", cui="123")

        same_batch = await leads.store(tenant, [row, row], run=FIRST)
        next_batch = await leads.store(tenant, [row], run=FIRST)

        assert outcomes(same_batch) == [_IMPORTED, _MERGED]
        assert outcomes(next_batch) == [_MERGED]
        assert (await only(leads, tenant)).version == 1

    async def test_a_row_that_adds_nothing_to_an_older_lead_is_unchanged(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        await leads.store(tenant, [new_lead("722000001", city="Arad")], run=FIRST)

        answers = await leads.store(
            tenant,
            [
                new_lead("722000001"),
                new_lead("722000001", city="Deva"),
                new_lead("722000001", county="Arad"),
                new_lead("722000001"),
            ],
            run=SECOND,
        )

        assert outcomes(answers) == [_UNCHANGED, _UNCHANGED, _MERGED, _MERGED]

    async def test_the_same_batch_again_changes_nothing(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        batch = [
            new_lead("722000001", "a@b.ro", cui="123", tags=("x",)),
            new_lead("722000002", cui="123", city="Arad", custom_fields={"ha": "1"}),
            new_lead("722000003", cui="789"),
            new_lead("722000003", "a@b.ro", cui="456"),
            new_lead("a@b.ro", phone_status="x", email_status="y"),
        ]
        first = await leads.store(tenant, batch, run=FIRST)
        before = await leads.page(tenant, after=None, limit=_MANY)

        again = await leads.store(tenant, batch, run=SECOND)

        assert outcomes(again) == [_UNCHANGED] * len(batch)
        assert [answer.lead for answer in again] == [answer.lead for answer in first]
        assert await leads.page(tenant, after=None, limit=_MANY) == before

    async def test_a_key_belongs_to_one_lead_however_many_imports_race(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        def batch(of: int) -> list[NewLead]:
            # Each import meets the same companies in another order.
            rows = [
                new_lead(f"72200{n:04d}", f"{n}@b.ro", custom_fields={f"i{of}": "1"})
                for n in range(_MANY)
            ]
            return rows[of * 7 :] + rows[: of * 7]

        runs = [ImportId(UUID(int=10 + of)) for of in range(_FEW)]
        answers = await asyncio.gather(
            *[leads.store(tenant, batch(of), run=run) for of, run in enumerate(runs)],
        )

        made = [outcome for batch in answers for outcome in outcomes(batch)]
        assert made.count(_IMPORTED) == _MANY
        assert made.count(_MERGED) == _MANY * (_FEW - 1)
        assert await leads.count(tenant) == _MANY
        kept = await leads.page(tenant, after=None, limit=_MANY)
        assert {frozenset(lead.custom_fields) for lead in kept} == {
            frozenset({"i0", "i1", "i2"})
        }

    async def test_tenants_do_not_see_each_other(
        self, leads: Leads, tenant: TenantId, other_tenant: TenantId
    ) -> None:
        row = new_lead("722000001", "a@b.ro", cui="123", company_name="Agro")
        (mine,) = await leads.store(tenant, [row], run=FIRST)

        (theirs,) = await leads.store(
            other_tenant, [evolve(row, company_name="Other")], run=FIRST
        )

        assert theirs.outcome is _IMPORTED
        assert theirs.lead != mine.lead
        assert (await only(leads, tenant)).company_name == "Agro"
        assert await leads.count(other_tenant) == 1
        assert [lead.id for lead in await leads.known(tenant, row.keys)] == [mine.lead]
        assert [lead.id for lead in await leads.find(tenant, "123")] == [mine.lead]
        assert not await leads.find(tenant, str(theirs.lead))

    async def test_a_lead_is_found_by_what_it_is_known_by(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        rows = [
            new_lead("722000001", "722000009", "a@b.ro", cui="14399840"),
            new_lead("722000002", "b@b.ro", cui="HU123"),
        ]
        made, other = await leads.store(tenant, rows, run=FIRST)
        words = [
            str(made.lead),
            str(made.lead).upper(),
            made.lead.hex,
            made.lead.hex[:_START],
            str(made.lead)[: _START + _FEW],
            "+40722000001",
            "+40722000009",
            " A@B.ro ",
            "14399840",
            "RO14399840",
            "ro 14399840",
        ]

        found = [await leads.find(tenant, text) for text in words]

        assert [[lead.id for lead in leads] for leads in found] == [
            [made.lead] for _ in words
        ]
        assert [lead.id for lead in await leads.find(tenant, "hu123")] == [other.lead]

    async def test_what_nobody_is_known_by_finds_nothing(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        (made,) = await leads.store(tenant, [new_lead("722000001")], run=FIRST)

        words = ["", " ", "%", "_", "+4072200000", "0000", made.lead.hex[:_FEW], "Agro"]

        assert [await leads.find(tenant, text) for text in words] == [[] for _ in words]

    async def test_a_search_shows_what_a_list_needs_and_not_too_many(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        rows = [new_lead(f"72200{n:04d}", company_name="Agro") for n in range(_MANY)]
        made = await leads.store(tenant, rows, run=FIRST)

        (found,) = await leads.find(tenant, "+40722000000")

        assert (found.id, found.company_name) == (made[0].lead, "Agro")
        assert (found.phone, found.email, found.version) == ("+40722000000", "", 1)
        starts = [of.lead.hex[:4] for of in made]
        for start in starts:
            ids = [lead.id for lead in await leads.find(tenant, start)]
            assert ids == sorted(ids)
            assert 0 < len(ids) <= _MOST_FOUND

    async def test_known_leads_come_once_each_and_by_id(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        rows = [new_lead(f"72200{n:04d}", f"{n}@b.ro") for n in range(_FEW)]
        made = await leads.store(tenant, rows, run=FIRST)
        keys = [key for row in rows for key in row.keys]

        found = await leads.known(tenant, [*keys, "cui:none", "phone:", ""])

        assert [lead.id for lead in found] == sorted([of.lead for of in made])
        assert not await leads.known(tenant, [])

    async def test_pages_show_every_lead_once(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        rows = [new_lead(f"72200{n:04d}") for n in range(_MANY)]
        made = await leads.store(tenant, rows, run=FIRST)

        seen: list[LeadId] = []
        after: LeadId | None = None
        while page := await leads.page(tenant, after=after, limit=7):
            seen += [lead.id for lead in page]
            after = page[-1].id

        assert seen == sorted([of.lead for of in made])

    async def test_an_empty_batch_is_taken(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        answers = await leads.store(tenant, [], run=FIRST)

        assert list(answers) == []
        assert await leads.count(tenant) == 0

    async def test_asking_changes_nothing(self, leads: Leads, tenant: TenantId) -> None:
        row = new_lead("722000001", cui="123")
        await leads.store(tenant, [row], run=FIRST)
        before = await only(leads, tenant)

        await leads.find(tenant, "123")
        await leads.known(tenant, row.keys)
        await leads.count(tenant)

        assert await only(leads, tenant) == before
        (answer,) = await leads.store(tenant, [row], run=SECOND)
        assert answer.outcome is _UNCHANGED

    async def test_warnings_of_a_row_are_not_kept_with_the_lead(
        self, leads: Leads, tenant: TenantId
    ) -> None:
        row = new_lead("722000001", warnings=(Flaw("Telefon", "too short"),))

        (answer,) = await leads.store(tenant, [row], run=FIRST)

        assert answer.warnings == ()


def _facts(lead: NewLead) -> list[str]:
    own = {"row", "warnings"}
    return [of.name for of in lead.__attrs_attrs__ if of.name not in own]
