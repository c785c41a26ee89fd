"""Our short cuts against the verdict of the libraries."""

from __future__ import annotations

import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from outreach.adapters.contacts import LibraryContacts
from outreach.domain.lead import Email, Phone, Problem

CONTACTS = LibraryContacts()

_LOCAL = st.text(alphabet="aB1._-+'!", min_size=1, max_size=8)
_LABEL = st.text(alphabet="aZ9-x", min_size=1, max_size=6)
_TOP = st.sampled_from(["ro", "com", "test", "local", "r", "r0", "xn--p1ai", "RO", "-"])
ADDRESSES = st.builds(
    lambda local, labels, top: f"{local}@{'.'.join([*labels, top])}",
    st.one_of(_LOCAL, st.integers(60, 70).map("a".__mul__)),
    st.lists(
        st.one_of(
            _LABEL,
            st.integers(60, 66).map("b".__mul__),
            st.sampled_from(["xn--a", "a--b", "ab--c"]),
        ),
        min_size=0,
        max_size=5,
    ),
    _TOP,
)


@given(ADDRESSES)
def test_an_address_gets_the_verdict_of_the_library(text: str) -> None:
    try:
        valid = validate_email(text, check_deliverability=False, allow_smtputf8=False)
        verdict = f"{valid.local_part}@{valid.ascii_domain}".lower()
    except EmailNotValidError:
        verdict = ""

    found = CONTACTS.email(text)

    assert (found.address if isinstance(found, Email) else "") == verdict


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_problem(text: str) -> None:
    found = CONTACTS.email(text)

    if isinstance(found, Email):
        assert CONTACTS.email(found.address) == found


@given(
    st.sampled_from(["RO", "DE", "US", "GB", "IT", "BR", "FR"]),
    st.text(alphabet="0123456789+ ", max_size=16),
)
def test_a_phone_is_a_valid_number_to_the_library(region: str, text: str) -> None:
    found = CONTACTS.phone(text, region=region)

    if isinstance(found, Phone):
        number = phonenumbers.parse(found.e164)
        assert phonenumbers.is_valid_number(number)
        shape = phonenumbers.PhoneNumberFormat.E164
        assert phonenumbers.format_number(number, shape) == found.e164
        assert CONTACTS.phone(found.e164, region="RO") == found


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
def test_an_example_number_of_every_country_is_read(region: str) -> None:
    number = phonenumbers.example_number(region)
    assert number is not None
    shape = phonenumbers.PhoneNumberFormat
    e164 = phonenumbers.format_number(number, shape.E164)
    national = phonenumbers.format_number(number, shape.NATIONAL)

    found = CONTACTS.phone(national, region=region)

    assert isinstance(found, Phone)
    assert found.e164 == e164
    assert found == CONTACTS.phone(e164, region="RO")
    assert found.zones


@given(st.text(max_size=30))
def test_reasons_are_few_and_hold_no_value(text: str) -> None:
    problems = [CONTACTS.phone(text, region="RO"), CONTACTS.email(text)]

    reasons = {found.reason for found in problems if isinstance(found, Problem)}
    assert reasons <= {
        "its country code does not exist",
        "no phone number in it",
        "too short for a phone number",
        "too long for a phone number",
        "no number has this many digits",
        "no number of this kind is in use",
        "no @ in it",
        "more than one @ in it",
        "nothing before the @",
        "no domain after the @",
        "letters before the @ that mail servers do not take",
        "not an e-mail address",
        "an address that is thrown away after use",
    }
