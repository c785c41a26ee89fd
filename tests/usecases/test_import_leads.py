"""What an import makes of rows, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from uuid import UUID

import pytest
from attrs import define, field

from outreach.adapters.contacts import LibraryContacts
from outreach.adapters.files import MappingRows
from outreach.adapters.memory.clock import MemoryClock
from outreach.adapters.memory.leads import MemoryLeads
from outreach.adapters.memory.store import MemoryStore
from outreach.domain.errors import Misconfigured
from outreach.domain.ids import TenantId
from outreach.domain.lead import Lead
from outreach.domain.lead_file import (
    ImportId,
    ImportOptions,
    ImportReport,
    MissingColumns,
    Rejected,
)
from outreach.domain.lead_merge import FULL, MOST_CONTACTS
from outreach.domain.usecases.import_leads import ImportLeads
from outreach.ports.leads import TakesLeads

TENANT = TenantId(UUID(int=1))
CONTACTS = LibraryContacts()
ROMANIA = ImportOptions("RO")

Row = Mapping[str, object]


@define
class Kept:
    """Rejects in memory."""

    rows: list[Rejected] = field(factory=list)

    @property
    def path(self) -> str | None:
        return "kept" if self.rows else None

    def add(self, rejected: Rejected, columns: Sequence[str]) -> None:
        assert columns
        self.rows.append(rejected)


def store() -> MemoryLeads:
    ids = count(1)
    return MemoryLeads(MemoryStore(MemoryClock(), lambda: UUID(int=next(ids))))


async def take(
    leads: TakesLeads,
    *rows: Row,
    options: ImportOptions = ROMANIA,
    rejects: Kept | None = None,
    run: int = 1,
) -> ImportReport:
    return await ImportLeads(leads, CONTACTS)(
        TENANT,
        MappingRows.of(rows),
        run=ImportId(UUID(int=run)),
        options=options,
        rejects=rejects or Kept(),
    )


async def lead_of(*rows: Row, options: ImportOptions = ROMANIA) -> Lead:
    leads = store()
    await take(leads, *rows, options=options)
    (lead,) = await leads.page(TENANT, after=None, limit=2)
    return lead


async def refusal_of(row: Row, *, columns: Row | None = None) -> Rejected:
    rejects = Kept()
    rows = [row] if columns is None else [columns, row]
    await take(store(), *rows, rejects=rejects)
    return rejects.rows[-1]


def reasons(report: ImportReport) -> set[tuple[str, str]]:
    return {(flaw.column, flaw.reason) for flaw in report.warnings}


async def test_every_field_arrives_clean() -> None:
    lead = await lead_of(
        {
            "Denumire": "  Agro   Țarina SRL ",
            "Persoană de contact": "Ion Șerban",
            "CUI": "RO 14399840",
            "CAEN": "0111",
            "Județ": "Timiș",
            "Localitate": "Făget",
            "Telefon": "0722 123 456",
            "E-mail": "Ion@Tarina.RO",
            "Status email": "valid",
            "Status telefon": "activ",
            "Țară": "România",
            "Limba": "română",
            "Sursa": "târg",
            "Temei legal": "interes legitim",
            "Etichete": "cereale, oi",
            "Suprafață (ha)": 350,
        }
    )

    assert lead.company_name == "Agro Țarina SRL"
    assert lead.contact_name == "Ion Șerban"
    assert (lead.cui, lead.caen) == ("14399840", "0111")
    assert (lead.county, lead.city) == ("Timiș", "Făget")
    assert (lead.phone, lead.email) == ("+40722123456", "ion@tarina.ro")
    assert (lead.email_status, lead.phone_status) == ("valid", "activ")
    assert (lead.country, lead.time_zone) == ("RO", "Europe/Bucharest")
    assert (lead.language, lead.source) == ("ro", "târg")
    assert lead.legal_basis == "interes legitim"
    assert lead.tags == ("cereale", "oi")
    assert lead.custom_fields == {"suprafata_ha": "350"}


async def test_first_and_last_name_make_a_contact_name() -> None:
    lead = await lead_of({"Nume": "Pop", "Prenume": "Ana", "tel": "0722123456"})

    assert lead.contact_name == "Ana Pop"


async def test_what_the_file_leaves_open_is_taken_from_the_options() -> None:
    options = ImportOptions(
        "RO",
        source="fair",
        legal_basis="consent",
        language="ro",
        tags=("2026",),
    )

    bare = await lead_of({"tel": "0722123456"}, options=options)
    full = await lead_of(
        {"tel": "0722123456", "source": "web", "lang": "en-GB", "tags": "x"},
        options=options,
    )

    assert (bare.source, bare.legal_basis, bare.language) == ("fair", "consent", "ro")
    assert bare.tags == ("2026",)
    assert (full.source, full.language, full.tags) == ("web", "en", ("x", "2026"))


async def test_numbers_are_read_in_the_country_of_the_row_or_of_the_options() -> None:
    rows = [
        {"tel": "0151 23456789", "tara": "Germania"},
        {"tel": "0722 123 456", "tara": ""},
        {"tel": "+36 20 123 4567", "tara": ""},
    ]
    leads = store()

    await take(leads, *rows)

    kept = await leads.page(TENANT, after=None, limit=9)
    assert {(lead.phone, lead.country, lead.time_zone) for lead in kept} == {
        ("+4915123456789", "DE", "Europe/Berlin"),
        ("+40722123456", "RO", "Europe/Bucharest"),
        ("+36201234567", "HU", "Europe/Budapest"),
    }


async def test_a_national_number_is_not_tried_in_another_country() -> None:
    refused = await refusal_of({"tel": "0722 123 456", "tara": "Moldova"})

    assert refused.column == "tel"


async def test_an_address_tells_the_country_where_no_number_does() -> None:
    by_ending = await lead_of({"email": "a@b.hu"})
    by_nothing = await lead_of({"email": "a@b.com"})

    assert (by_ending.country, by_ending.time_zone) == ("HU", "Europe/Budapest")
    assert (by_nothing.country, by_nothing.time_zone) == ("", "")
    assert by_nothing.zones == ()


async def test_a_country_of_several_zones_leaves_the_zone_open() -> None:
    lead = await lead_of({"tel": "+1 212 555 0123"})
    told = await lead_of({"tel": "+1 212 555 0123", "tz": "america/chicago"})

    assert lead.time_zone == ""
    assert {"America/New_York", "America/Los_Angeles"} <= set(lead.zones)
    assert lead.phones[0].zones == ("America/New_York",)
    assert (told.time_zone, told.zones) == ("America/Chicago", ())


async def test_a_given_zone_and_country_stand() -> None:
    lead = await lead_of(
        {"tel": "+40722123456", "tz": "Europe/Chisinau", "country": "MD"},
    )

    assert (lead.country, lead.time_zone) == ("MD", "Europe/Chisinau")


async def test_a_mobile_comes_before_a_fixed_line() -> None:
    lead = await lead_of({"Telefon fix": "0256123456", "Mobil": "0722123456"})

    assert [phone.e164 for phone in lead.phones] == ["+40722123456", "+40256123456"]


async def test_every_contact_point_of_a_row_is_kept() -> None:
    lead = await lead_of(
        {
            "tel": "0722123456 / 0744123456\n0733123456",
            "email": "a@b.ro; info@b.ro, a@b.ro",
        }
    )

    assert [phone.e164 for phone in lead.phones] == [
        "+40722123456",
        "+40744123456",
        "+40733123456",
    ]
    assert [(mail.address, mail.role) for mail in lead.emails] == [
        ("a@b.ro", False),
        ("info@b.ro", True),
    ]


async def test_a_row_with_endless_contact_points_keeps_the_first_ones() -> None:
    numbers = " / ".join(f"07221234{n:02d}" for n in range(MOST_CONTACTS + 5))
    leads = store()

    report = await take(leads, {"tel": numbers})

    (lead,) = await leads.page(TENANT, after=None, limit=2)
    assert len(lead.phones) == MOST_CONTACTS
    assert (FULL.column, FULL.reason) in reasons(report)


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ({"tel": "0722"}, "tel", "too short for a phone number"),
        ({"tel": "7.22123E+08"}, "tel", "a spreadsheet cut this number"),
        ({"tel": "sunați seara"}, "tel", "no phone number in it"),
        ({"tel": "", "email": "ion.ro"}, "email", "no @ in it"),
        ({"tel": "", "email": "x@yopmail.com"}, "email", "thrown away"),
        ({"tel": "-", "email": "n/a"}, "tel, email", "no phone and no e-mail address"),
        ({"tel": "0", "email": "", "cui": "1"}, "tel, email", "no phone and no"),
    ],
)
async def test_a_row_without_a_contact_point_is_refused_with_its_reason(
    row: Row, column: str, reason: str
) -> None:
    refused = await refusal_of(row, columns={"tel": "0722123456", "email": "a@b.ro"})

    assert refused.column == column
    assert reason in refused.reason
    assert refused.row.number == 2


async def test_a_refused_row_names_all_that_is_wrong_with_it() -> None:
    refused = await refusal_of({"Telefon": "0722", "E-mail": "ion@"})

    assert refused.column == "Telefon, E-mail"
    assert refused.value == "0722 / ion@"
    assert refused.reason == "too short for a phone number; no domain after the @"


async def test_one_valid_and_one_broken_contact_is_imported_with_a_warning() -> None:
    report = await take(
        store(),
        {"Telefon": "0722", "E-mail": "a@b.ro"},
        {"Telefon": "0722123456", "E-mail": "ion"},
    )

    assert (report.imported, report.rejected) == (2, 0)
    assert reasons(report) == {
        ("Telefon", "too short for a phone number"),
        ("E-mail", "no @ in it"),
    }


async def test_warnings_say_how_many_rows_and_the_first_of_them() -> None:
    rows = [{"tel": "0722", "email": f"{n}@b.ro"} for n in range(9)]

    report = await take(store(), *rows, {"tel": "", "email": "x@b.ro", "cui": "RO 18"})

    first, second = report.warnings
    assert (first.count, first.rows) == (9, (1, 2, 3, 4, 5))
    assert (second.column, second.reason) == ("cui", "the check digit is wrong")


@pytest.mark.parametrize(
    ("row", "flaw"),
    [
        ({"country": "Atlantida"}, ("country", "not known: left out")),
        ({"tz": "Mars/Base"}, ("tz", "not known: left out")),
        (
            {"lang": "klingoniană"},
            ("lang", "not a language code such as 'ro': left out"),
        ),
        ({"cui": "0"}, None),
        ({"cui": "7777777"}, ("cui", "not a company register id: left out")),
        (
            {"company": "Agro\nBcc: x@y.ro"},
            ("company", "line breaks or invisible characters taken out"),
        ),
    ],
)
async def test_what_is_left_out_or_doubtful_is_a_warning(
    row: Row, flaw: tuple[str, str] | None
) -> None:
    report = await take(store(), {"tel": "0722123456", **row})

    assert report.imported == 1
    assert reasons(report) == ({flaw} if flaw else set())


async def test_formulas_are_data() -> None:
    lead = await lead_of({"tel": "0722123456", "firma": "=HYPERLINK(1)", "x": "@A1"})

    assert lead.company_name == "=HYPERLINK(1)"
    assert lead.custom_fields == {"x": "@A1"}


async def test_a_hole_in_a_named_field_is_filled_by_the_next_column() -> None:
    lead = await lead_of({"Județ": "-", "judet": "Arad", "tel": "0722123456"})

    assert lead.county == "Arad"


async def test_zero_is_a_value_of_a_custom_field() -> None:
    lead = await lead_of({"tel": "0722123456", "angajati": 0, "leer": ""})

    assert lead.custom_fields == {"angajati": "0"}


async def test_columns_are_reported() -> None:
    report = await take(
        store(), {"Telefon": "0722123456", "Mobil": "", "Suprafață (ha)": "3"}
    )

    assert report.columns == (("phone", "Telefon"), ("phone", "Mobil"))
    assert report.duplicate_columns == ("Mobil",)
    assert report.unknown_columns == (("Suprafață (ha)", "suprafata_ha"),)


async def test_a_mapping_finds_columns_that_headers_do_not_name() -> None:
    options = ImportOptions("RO", mapping={"phone": "a", "company_name": "#2"})

    lead = await lead_of({"A": "0722123456", "B": "Agro"}, options=options)

    assert (lead.phone, lead.company_name) == ("+40722123456", "Agro")


async def test_without_contact_columns_nothing_is_stored() -> None:
    leads = store()

    with pytest.raises(MissingColumns, match="'Denumire', 'Oraș'"):
        await take(leads, {"Denumire": "Agro", "Oraș": "Arad"})

    assert await leads.count(TENANT) == 0


@pytest.mark.parametrize("region", ["", "ro", "XX", "Romania"])
async def test_a_region_that_is_no_country_is_refused(region: str) -> None:
    with pytest.raises(Misconfigured, match=r"region .* is no country.*such as RO"):
        await take(store(), {"tel": "0722123456"}, options=ImportOptions(region))


async def test_columns_that_come_late_count() -> None:
    rows = [{"tel": f"07221{n:05d}"} for n in range(150)]
    leads = store()

    report = await take(leads, *rows, {"tel": "0733123456", "email": "a@b.ro"})

    assert ("email", "email") in report.columns
    (found,) = await leads.find(TENANT, "a@b.ro")
    assert found.phone == "+40733123456"
