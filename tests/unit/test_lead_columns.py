"""Columns found by their headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.lead_columns import FIELDS, Columns, field_of
from outreach.domain.lead_file import MissingColumns


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Denumire", "company_name"),
        ("DENUMIRE FIRMĂ", "company_name"),
        ("Company", "company_name"),
        ("CUI", "cui"),
        ("Cod fiscal", "cui"),
        ("C.U.I.", "cui"),
        ("Cod CAEN", "caen"),
        ("Județ", "county"),
        ("JUDEŢUL", "county"),
        ("judet", "county"),
        ("Localitate", "city"),
        ("Oraş", "city"),
        ("Telefon", "phone"),
        ("Telefon 2", "phone"),
        ("tel.", "phone"),
        ("Nr. de telefon", "phone"),
        ("Telefon (mobil)", "phone"),
        ("Mobile phone", "phone"),
        ("WhatsApp", "phone"),
        ("E-mail", "email"),
        ("e_mail", "email"),
        ("EMAIL", "email"),
        ("Adresă de e-mail", "email"),
        ("E-mail firmă", "email"),
        ("Persoană de contact", "contact_name"),
        ("Contact person", "contact_name"),
        ("Administrator", "contact_name"),
        ("Prenume", "first_name"),
        ("Nume de familie", "last_name"),
        ("Time zone", "time_zone"),
        ("Țară", "country"),
        ("Limbă", "language"),
        ("Sursă", "source"),
        ("Temei legal", "legal_basis"),
        ("Etichete", "tags"),
        ("Status telefon", "phone_status"),
        ("email_status", "email_status"),
    ],
)
def test_a_header_is_known_in_any_writing(header: str, name: str) -> None:
    assert field_of(header) == name


@pytest.mark.parametrize(
    "header",
    ["Fax", "Suprafață (ha)", "Nr. Reg. Com.", "Tip telefon", "telefon/email", "", "?"],
)
def test_other_headers_name_no_field(header: str) -> None:
    assert field_of(header) is None


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_every_field_is_known_by_its_own_name(name: str) -> None:
    assert field_of(name) == name
    assert field_of(name.upper().replace("_", " ")) == name


def test_unknown_columns_become_custom_fields_by_names_fit_for_templates() -> None:
    headers = ["Telefon", "Suprafață (ha)", "suprafata-ha", "2024", "Țară de origine"]

    columns = Columns.of(headers)

    assert columns.unknown == (
        ("Suprafață (ha)", "suprafata_ha"),
        ("suprafata-ha", "suprafata_ha_2"),
        ("2024", "column_2024"),
        ("Țară de origine", "tara_de_origine"),
    )


def test_a_second_column_of_a_field_is_named() -> None:
    columns = Columns.of(["Telefon", "Mobil", "Județ", "Judet", "Oraș"])

    assert columns.duplicates == ["Mobil", "Judet"]
    assert columns.fields["phone"] == [0, 1]
    assert columns.fields["county"] == [2, 3]


def test_nume_is_what_no_other_column_says() -> None:
    alone = Columns.of(["Nume", "Telefon"])
    beside_company = Columns.of(["Nume", "Firma", "Telefon"])
    beside_first = Columns.of(["Nume", "Prenume", "Telefon"])
    english = Columns.of(["Name", "Phone"])

    assert alone.fields["company_name"] == [0]
    assert beside_company.fields["contact_name"] == [0]
    assert beside_first.fields["last_name"] == [0]
    assert english.fields["company_name"] == [0]


def test_without_contact_columns_the_columns_found_are_named() -> None:
    with pytest.raises(MissingColumns, match=r"'Denumire', 'CUI'.*mapping"):
        Columns.of(["Denumire", "CUI"])


def test_a_mapping_says_what_headers_do_not() -> None:
    columns = Columns.of(
        ["A", "B", "Telefon", "D"], {"phone": "b", "email": "#4", "company_name": "A"}
    )

    assert columns.fields["phone"] == [1]
    assert columns.fields["email"] == [3]
    assert columns.unknown == (("Telefon", "telefon"),)


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ({"phone": "Fon"}, r"phone=Fon.*no such column.*'Telefon'"),
        ({"phone": "#9"}, r"phone=#9.*no such column"),
        ({"fone": "Telefon"}, r"fone=Telefon.*no field 'fone'.*phone"),
    ],
)
def test_a_wrong_mapping_names_what_is_there(
    mapping: dict[str, str], says: str
) -> None:
    with pytest.raises(MissingColumns, match=says):
        Columns.of(["Denumire", "Telefon"], mapping)


def test_columns_may_be_added_and_keep_their_places() -> None:
    columns = Columns.of(["phone", "ha"])

    columns.extend(["phone", "ha", "email", "phone 2"])

    assert columns.fields == {"phone": [0, 3], "email": [2]}
    assert columns.duplicates == ["phone 2"]


def test_columns_of_a_rejects_file_are_no_leads_data() -> None:
    columns = Columns.of(
        ["rejected_row", "rejected_column", "rejected_value", "rejected_reason", "tel"]
    )

    assert columns.unknown == ()
    assert columns.fields == {"phone": [4]}


@given(st.lists(st.text(max_size=20), max_size=12))
def test_any_headers_give_every_column_one_place(headers: list[str]) -> None:
    columns = Columns.of(["telefon", *headers])

    places = [at for ats in columns.fields.values() for at in ats]
    names = list(columns.custom.values())
    assert len(set(places)) == len(places)
    assert not set(places) & columns.custom.keys()
    assert len(set(names)) == len(names)
    assert not set(names) & FIELDS
    assert all(name[0].isalpha() for name in names)
