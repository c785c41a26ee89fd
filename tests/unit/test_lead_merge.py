"""Folding rows into leads."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.ids import LeadId, TenantId
from outreach.domain.lead import Lead, NewLead, lead_id
from outreach.domain.lead_merge import FOREIGN, claims, fold, made
from outreach.testing.lead_merging import email, new_lead, phone

TENANT = TenantId(UUID(int=1))
ONE, TWO = LeadId(UUID(int=11)), LeadId(UUID(int=12))

_TEXT = st.sampled_from(["", "a", "b"])
ROWS = st.builds(
    NewLead,
    row=st.just(2),
    company_name=_TEXT,
    cui=st.sampled_from(["", "123", "456"]),
    city=_TEXT,
    phones=st.lists(
        st.sampled_from([phone(f"72200000{n}") for n in range(3)]), unique=True
    ).map(tuple),
    emails=st.lists(
        st.sampled_from([email(f"{n}@b.ro") for n in range(3)]), unique=True
    ).map(tuple),
    email_status=_TEXT,
    phone_status=_TEXT,
    country=st.sampled_from(["", "RO", "DE"]),
    time_zone=st.sampled_from(["", "Europe/Bucharest"]),
    zones=st.sampled_from([(), ("A", "B")]),
    tags=st.lists(st.sampled_from(["x", "y", "z"]), unique=True).map(tuple),
    custom_fields=st.dictionaries(st.sampled_from(["ha", "crop"]), st.just("1")),
).filter(lambda row: bool(row.phones or row.emails))


@given(ROWS, ROWS)
def test_folding_a_row_twice_is_folding_it_once(first: NewLead, row: NewLead) -> None:
    once = fold(made(TENANT, first), row)

    twice = fold(once.lead, row)

    assert not twice.changed
    assert twice.lead == once.lead


@given(ROWS, ROWS)
def test_folding_loses_nothing_that_was_there(first: NewLead, row: NewLead) -> None:
    lead = made(TENANT, first)

    after = fold(lead, row).lead

    assert after.phones[: len(lead.phones)] == lead.phones
    assert after.emails[: len(lead.emails)] == lead.emails
    assert set(lead.keys) <= set(after.keys)
    assert set(row.keys) <= set(after.keys)
    for name in ("company_name", "cui", "city", "country", "time_zone", "phone_status"):
        before = getattr(lead, name)
        assert not before or getattr(after, name) == before
    assert set(lead.tags) | set(row.tags) == set(after.tags)
    assert lead.custom_fields.items() <= after.custom_fields.items()


@given(ROWS, ROWS)
def test_keys_of_other_leads_stay_there(first: NewLead, row: NewLead) -> None:
    lead = made(TENANT, first)
    foreign = frozenset(
        key for key in row.keys if key not in lead.keys and not key.startswith("cui:")
    )

    folded = fold(lead, row, foreign)

    assert not foreign & set(folded.lead.keys)
    assert (FOREIGN in folded.warnings) == bool(foreign)


@given(ROWS)
def test_the_lead_of_a_row_holds_all_of_it(row: NewLead) -> None:
    lead = made(TENANT, row)

    assert not fold(lead, row).changed
    assert lead.id == lead_id(TENANT, row.keys[0])


def test_the_strongest_key_claims_and_others_are_foreign() -> None:
    row = new_lead("722000001", "a@b.ro", cui="123")

    nobody = claims(row, {})
    by_cui = claims(row, {"cui:123": ONE, "phone:+40722000001": TWO})
    by_phone = claims(row, {"email:a@b.ro": ONE, "phone:+40722000001": TWO})

    assert nobody == (None, frozenset())
    assert by_cui == (ONE, frozenset({"phone:+40722000001"}))
    assert by_phone == (TWO, frozenset({"email:a@b.ro"}))


def test_a_merge_counts_as_one_version() -> None:
    lead = made(TENANT, new_lead("722000001"))

    after = fold(lead, new_lead("722000001", city="Arad", cui="123")).lead

    assert isinstance(after, Lead)
    assert after.version == lead.version + 1


def test_variables_are_the_named_fields_and_custom_ones() -> None:
    lead = made(
        TENANT,
        new_lead(
            "722000001",
            "a@b.ro",
            company_name="Agro",
            tags=("x", "y"),
            custom_fields={"ha": "10", "phone": "not this"},
        ),
    )

    variables = lead.variables

    assert variables["company_name"] == "Agro"
    assert variables["phone"] == "+40722000001"
    assert variables["email"] == "a@b.ro"
    assert variables["tags"] == "x, y"
    assert variables["ha"] == "10"
    assert variables["contact_name"] == ""


def test_addresses_name_phone_mail_and_domain() -> None:
    lead = made(TENANT, new_lead("722000001", "a@b.ro", "c@b.ro"))

    assert [str(key) for key in lead.addresses] == [
        "phone:+40722000001",
        "email:a@b.ro",
        "domain:b.ro",
        "email:c@b.ro",
    ]


def test_contact_points_are_not_in_a_repr() -> None:
    lead = made(TENANT, new_lead("722000001", "a@b.ro", contact_name="Ion"))

    assert "722000001" not in repr(lead)
    assert "a@b.ro" not in repr(lead)
    assert "Ion" not in repr(lead)
