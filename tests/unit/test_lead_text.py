"""Reading single cells: numbers, addresses, register ids, names."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from outreach.domain.lead import Problem
from outreach.domain.lead_text import (
    CUT,
    SCRUBBED,
    addresses,
    numbers,
    register_id,
    says_nothing,
    tags,
    tidy,
)
from outreach.domain.template import VALUE_LIMIT

ONE = "0722123456"
TWO = "0744123456"


@pytest.mark.parametrize(
    "text",
    [
        "0722123456",
        "0722 123 456",
        "0722.123.456",
        "0722-123-456",
        "0722/123.456",
        "0722/123/456",
        "(0722) 123456",
        "0722 - 123 - 456",
        "'0722123456",
        '="0722123456"',
        "tel: 0722 123 456",
        "tel0722123456",
        "Tel./Fax: 0722 123 456",
        "mobil 0722 123 456",
        "0722 123 456 Ion Popescu",
        "0722123456 int. 12",
        "0722123456 ext 4",
        "0722123456/57",
        "0722123456.0",
        "0722 123 456, fax 0256 123 457",
    ],
)
def test_a_number_is_read_in_every_writing(text: str) -> None:
    assert numbers(text) == (ONE,)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+40 722-123-456", "+40722123456"),
        ("(+40) 722 123 456", "+40722123456"),
        ("+40 (0) 722 123 456", "+40722123456"),
        ("0040722123456", "0040722123456"),
        ("40722123456", "40722123456"),
        ("7.22123456E+08", "722123456"),
        ("7,22123456E+8", "722123456"),
        ("4.0722123456e+10", "40722123456"),
        ("0256/123456", "0256123456"),
        ("\N{FULLWIDTH PLUS SIGN}40722123456", "+40722123456"),
    ],
)
def test_country_codes_and_spreadsheets_keep_their_digits(
    text: str, digits: str
) -> None:
    assert numbers(text) == (digits,)


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE} / {TWO}",
        f"{ONE}/{TWO}",
        f"{ONE}, {TWO}",
        f"{ONE};{TWO}",
        f"{ONE} sau {TWO}",
        f"{ONE} și {TWO}",
        f"{ONE} - {TWO}",
        f"{ONE} \N{EN DASH} {TWO}",
        f"{ONE} {TWO}",
        "0722 123 456 0744 123 456",
        f"{ONE}\n{TWO}",
        f"Tel: {ONE} mob. {TWO}",
        f"{ONE} | {ONE} | {TWO}",
    ],
)
def test_two_numbers_in_a_cell_are_two(text: str) -> None:
    assert numbers(text) == (ONE, TWO)


@pytest.mark.parametrize("text", ["7.22123E+08", "7,2E+8", "4.07E+10"])
def test_a_number_that_a_spreadsheet_cut_is_not_guessed(text: str) -> None:
    problem = numbers(text)

    assert isinstance(problem, Problem)
    assert "spreadsheet" in problem.reason


@pytest.mark.parametrize("text", ["Ion", "fax 0256 123456", "", "-", "tel:"])
def test_a_cell_without_a_phone_number_says_so(text: str) -> None:
    assert isinstance(numbers(text), Problem)


@given(st.text(max_size=200))
def test_any_text_gives_digits_or_a_problem(text: str) -> None:
    found = numbers(text)

    if isinstance(found, tuple):
        assert found
        for number in found:
            assert number.removeprefix("+").isdecimal()
            assert numbers(number) == (number,)
    else:
        assert found.reason


@given(st.lists(st.sampled_from([ONE, TWO, "0256123456"]), min_size=1, max_size=3))
def test_numbers_read_once_are_read_the_same_again(found: list[str]) -> None:
    text = " / ".join(found)

    once = numbers(text)

    assert once == tuple(dict.fromkeys(found))
    assert numbers(" / ".join(once)) == once


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ion@ferma.ro", ("ion@ferma.ro",)),
        (" ion@ferma.ro. ", ("ion@ferma.ro",)),
        ("Ion Pop <ion@ferma.ro>", ("ion@ferma.ro",)),
        ("mailto:ion@ferma.ro", ("ion@ferma.ro",)),
        ("E-mail: ion@ferma.ro", ("ion@ferma.ro",)),
        ("a@b.ro; c@d.ro", ("a@b.ro", "c@d.ro")),
        ("a@b.ro,c@d.ro a@b.ro", ("a@b.ro", "c@d.ro")),
        ("a@b.ro/c@d.ro", ("a@b.ro", "c@d.ro")),
        ("www.ferma.ro", ("www.ferma.ro",)),
        ("ion @ferma.ro", ("@ferma.ro",)),
        ("ion(at)ferma.ro", ("ion(at)ferma.ro",)),
    ],
)
def test_addresses_are_found_and_none_is_guessed(
    text: str, found: tuple[str, ...]
) -> None:
    assert addresses(text) == found


@pytest.mark.parametrize(
    ("text", "cui", "flaw"),
    [
        ("14399840", "14399840", ""),
        ("RO14399840", "14399840", ""),
        ("ro 14.399.840", "14399840", ""),
        ("14399840.0", "14399840", ""),
        ("014399840", "14399840", ""),
        ("14399841", "14399841", "the check digit is wrong"),
        ("12345678901", "12345678901", "not 2 to 10 digits"),
        ("J40/123/2010", "J401232010", "not 2 to 10 digits"),
        ("HU 1234567", "HU1234567", ""),
        ("0", "", "not a company register id: left out"),
        ("11111111", "", "not a company register id: left out"),
    ],
)
def test_a_register_id_has_one_writing(text: str, cui: str, flaw: str) -> None:
    assert register_id(text, country="RO") == (cui, flaw)


def test_the_check_digit_is_that_of_romania_only() -> None:
    assert register_id("14399841", country="DE") == ("14399841", "")


@given(st.integers(min_value=12, max_value=10**9 - 1))
def test_just_one_check_digit_fits(body: int) -> None:
    assume(len(set(str(body))) > 1)

    flaws = [register_id(f"{body}{digit}", country="RO")[1] for digit in range(10)]

    assert flaws.count("") == 1


@given(st.text(max_size=30))
def test_a_register_id_read_again_is_the_same(text: str) -> None:
    cui, _ = register_id(text, country="RO")

    assert not cui or register_id(cui, country="RO")[0] == cui


@pytest.mark.parametrize(
    ("text", "clean", "flaw"),
    [
        ("  Agro   Țarina  ", "Agro Țarina", ""),
        ("Agro\u00a0Sud", "Agro Sud", ""),
        ("Agro\r\nBcc: a@b.ro", "Agro Bcc: a@b.ro", SCRUBBED),
        ("Ag\x00ro", "Agro", SCRUBBED),
        ("\u202eorga\u202c", "orga", SCRUBBED),
        ("Agro\u200b", "Agro", SCRUBBED),
        ("=HYPERLINK(1)", "=HYPERLINK(1)", ""),
        ("s\u0326i", "și", ""),
        ("", "", ""),
    ],
)
def test_a_value_is_one_line_of_what_can_be_seen(
    text: str, clean: str, flaw: str
) -> None:
    assert tidy(text) == (clean, flaw)


def test_an_endless_value_is_cut() -> None:
    assert tidy("x" * (VALUE_LIMIT + 1)) == ("x" * VALUE_LIMIT, CUT)
    assert tidy("x" * VALUE_LIMIT) == ("x" * VALUE_LIMIT, "")


@given(st.text(alphabet=st.characters(), max_size=1_200))
def test_a_tidy_value_stays_as_it_is(text: str) -> None:
    clean, _ = tidy(text)

    assert tidy(clean) == (clean, "")
    assert len(clean) <= VALUE_LIMIT
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs"} for c in clean)


@pytest.mark.parametrize("text", ["-", "N/A", "lipsă", "NU ARE", "null", "#N/A", "0"])
def test_words_for_a_hole_say_nothing(text: str) -> None:
    assert says_nothing(text)


@pytest.mark.parametrize("text", ["Ana", "10", "Nu mai vine", "x@y.ro"])
def test_other_words_say_something(text: str) -> None:
    assert not says_nothing(text)


def test_tags_are_parted_and_kept_once() -> None:
    assert tags("cereale, oi;cereale | ") == ("cereale", "oi")
