"""What a template is told before anything is sent with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.template import Variable, check, links

EIGHT = "{a|b|c|d|e|f|g|h}"


def test_a_good_template_has_no_problems() -> None:
    content = EIGHT + "[, {{contact_name}}]! {{company_name}}"

    assert not check(content, [Variable("contact_name", default="")])


def test_a_template_that_cannot_be_read_has_its_place_as_the_problem() -> None:
    (problem,) = check("Hello {you", [])

    assert "line 1, column 7" in problem


@pytest.mark.parametrize(
    ("content", "declared", "words"),
    [
        ("{a|b|c|d|e|f|g}", [], "gives 7 different texts, 8 are needed"),
        (EIGHT + "{{nmae}}", [], "'nmae' is neither declared nor a field"),
        (EIGHT, [Variable("name")], "'name' is declared and not used"),
        (
            EIGHT + "{{name}}",
            [Variable("name"), Variable("name")],
            "'name' is declared twice",
        ),
        (
            EIGHT + "{{name}}",
            [Variable("name", default="")],
            "'name' may be empty and stands outside an optional part",
        ),
        (
            "a[" + EIGHT + "{{city}}{{county}}]",
            [],
            "gives 1 different texts to a lead without city, county",
        ),
        (EIGHT + "x" * 4_096, [], "4097 characters before any value"),
    ],
)
def test_each_problem_is_told_in_one_line(
    content: str,
    declared: list[Variable],
    words: str,
) -> None:
    (problem,) = check(content, declared)

    assert words in problem
    assert "\n" not in problem


def test_the_tenant_sets_the_least_number_of_texts_and_the_limit() -> None:
    assert not check("{a|b}", [], minimum_variants=2)
    assert check("{a|b}", [], minimum_variants=3)
    assert not check(EIGHT + "x" * 4_096, [], limit=4_097)


def test_a_link_found_in_two_ways_is_told_once() -> None:
    content = EIGHT + " https://exemplu.ro/{a|exemplu.ro}"

    problems = check(content, [], links_allowed=False)

    assert [problem.split("'")[1] for problem in problems] == [
        "https://exemplu.ro/a",
        "https://exemplu.ro/exemplu.ro",
    ]


@pytest.mark.parametrize(
    "content",
    [
        EIGHT + " https://exemplu.ro/a",
        EIGHT + "{ www.exemplu.ro|}",
        EIGHT + "{x|y|{z|vezi exemplu.ro}}",
        EIGHT + " {www|la exemplu}.ro",
        EIGHT + "[ {{city}} wa.me/40712345678]",
    ],
)
def test_a_link_in_any_alternative_is_found_where_none_is_allowed(
    content: str,
) -> None:
    problems = check(content, [], minimum_variants=1, links_allowed=False)

    assert any("holds the link" in problem for problem in problems)
    assert not check(content, [], minimum_variants=1)


def test_a_template_without_links_passes_where_none_is_allowed() -> None:
    content = EIGHT + " ... S.C. {{company_name}} S.R.L., nr. 5. office@agro.ro"

    assert not check(content, [], links_allowed=False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("vezi https://exemplu.ro/oferta?a=1.", ("https://exemplu.ro/oferta?a=1",)),
        ("HTTP://EXEMPLU.RO", ("HTTP://EXEMPLU.RO",)),
        ("(www.exemplu.ro), da", ("www.exemplu.ro",)),
        ("exemplu.ro sau agro.com!", ("exemplu.ro", "agro.com")),
        ("wa.me/40712345678", ("wa.me/40712345678",)),
        ("t.me/x", ("t.me/x",)),
        ("sub.domeniu.exemplu.co.uk/a", ("sub.domeniu.exemplu.co.uk/a",)),
        ("ferm\u0103.ro", ("ferm\u0103.ro",)),
        ("site:exemplu.ro", ("site:exemplu.ro",)),
        ("tg://resolve?domain=x", ("tg://resolve?domain=x",)),
        ("http://10.0.0.1/x", ("http://10.0.0.1/x",)),
        ("ion.pop@exemplu.ro", ()),
        ("S.C. Agro S.R.L.", ()),
        ("12.500 lei, 3.5 ha", ()),
        ("da...nu", ()),
        ("etc. Ion", ()),
        ("", ()),
    ],
)
def test_a_link_is_what_a_messenger_makes_clickable(
    text: str,
    found: tuple[str, ...],
) -> None:
    assert links(text) == found


@given(st.text(alphabet="ab.-@/: \nwro"))
def test_a_link_is_a_piece_of_the_text(text: str) -> None:
    assert all(link in text for link in links(text))


def test_the_link_of_a_mail_is_there_without_being_declared() -> None:
    said = list(check("Salut! {{unsubscribe_link}}", [], minimum_variants=1))

    assert said == []
