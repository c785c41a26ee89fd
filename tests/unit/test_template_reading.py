"""How a template is read: the language, its limits, and what is refused."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.errors import TemplateError
from outreach.domain.template import (
    CONTENT_LIMIT,
    NAME_LIMIT,
    NESTING_LIMIT,
    VARIANTS_CAP,
    Variable,
    parse,
)

SEED = b"a seed"


def nested(depth: int) -> str:
    return "{a|" * depth + "b" + "}" * depth


@given(st.text(alphabet="{}[]|\\ ab_%$.\n\u0103", max_size=40))
def test_any_text_is_read_or_refused_with_its_place(content: str) -> None:
    try:
        template = parse(content)
    except TemplateError as error:
        outcome = str(error)
    else:
        outcome = "read" if parse(str(template)) == template else "misread"

    assert outcome == "read" or "line" in outcome or "empty" in outcome


@pytest.mark.parametrize(
    ("content", "place", "way_out"),
    [
        ("Hello {a|b", "line 1, column 7", "never closed"),
        ("Hello\n  [, {{a}}", "line 2, column 3", r"\["),
        ("Hello }", "line 1, column 7", r"\}"),
        ("Hello ]", "line 1, column 7", r"\]"),
        ("Hello | you", "line 1, column 7", r"\|"),
        ("[{{a}}|b]", "line 1, column 7", r"\|"),
        ("{a}", "line 1, column 1", "at least two alternatives"),
        ("x {} y", "line 1, column 3", "at least two alternatives"),
        ("{{{a|b}}}", "line 1, column 2", "at least two alternatives"),
        ("{{name|friend}}", "line 1, column 1", "its default is declared"),
        ("[hello]", "line 1, column 1", r"\["),
        ("[[{{a}}]]", "line 1, column 1", "a variable of its own"),
        ("{a[b}c]", "line 1, column 5", "opened at line 1, column 3"),
        ("[a{b|c]}", "line 1, column 7", "opened at line 1, column 3"),
        (r"a\nb", "line 1, column 2", r"write \\ for a backslash"),
        ("end\\", "line 1, column 4", r"write \\ for a backslash"),
        ("a\r\nb\rc}", "line 3, column 2", r"\}"),
        ("a\x00b", "line 1, column 2", "U+0000"),
        ("a\u202eb", "line 1, column 2", "U+202E"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_place_and_way_out(
    content: str,
    place: str,
    way_out: str,
) -> None:
    with pytest.raises(TemplateError) as refusal:
        parse(content)

    assert place in str(refusal.value)
    assert way_out in str(refusal.value)


@pytest.mark.parametrize(
    "content",
    [
        "{{lead.__class__}}",
        "{{__class__}}",
        "{{lead['name']}}".replace("[", "(").replace("]", ")"),
        "{{ 7*7 }}",
        "{{name:>9999999}}",
        "{{name!r}}",
        "{{}}",
        "{{ first name }}",
        "{{1st}}",
        "{{" + "n" * 65 + "}}",
    ],
)
def test_between_double_braces_stands_a_name_and_nothing_else(content: str) -> None:
    with pytest.raises(TemplateError, match="line 1, column 1: found"):
        parse(content)


@pytest.mark.parametrize("literal", ["%s", "%(name)s", "$name", "<%= 1 %>", "#!", "`"])
def test_other_template_languages_are_literal_text(literal: str) -> None:
    rendered = parse(f"a {literal} b").render({}, seed=SEED)

    assert rendered.text == f"a {literal} b"


def test_a_name_may_have_any_letters_and_blanks_around_it() -> None:
    template = parse("{{ jude\u021b_2 }}{{ferma}}")

    assert template.variables == {"jude\u021b_2", "ferma"}


def test_a_name_ends_at_its_limit() -> None:
    longest = "n" * NAME_LIMIT

    assert parse("{{" + longest + "}}").variables == {longest}
    assert Variable(longest).name == longest


def test_what_was_found_is_shown_and_cut_short_if_long() -> None:
    with pytest.raises(TemplateError, match=r"found '\\\\q': "):
        parse(r"a\qrs")
    with pytest.raises(TemplateError, match=r"found '\{\{!{60}\}\}': "):
        parse("{{" + "!" * 60 + "}}")
    with pytest.raises(TemplateError, match=r"found '\{\{!{62}\.\.\.': "):
        parse("{{" + "!" * 90 + "}}")


def test_an_escape_is_the_character_itself() -> None:
    rendered = parse(r"\{a\|b\} \[c\] \\ {\||\|}").render({}, seed=SEED)

    assert rendered.text == r"{a|b} [c] \ |"


@pytest.mark.parametrize("content", ["", " ", "\n\t\n"])
def test_an_empty_template_is_refused(content: str) -> None:
    with pytest.raises(TemplateError, match="empty"):
        parse(content)


def test_nesting_ends_at_its_limit() -> None:
    deepest = nested(NESTING_LIMIT)

    assert parse(deepest).variants() == 2
    with pytest.raises(TemplateError, match=r"column 25: .* more than 8 deep"):
        parse(nested(NESTING_LIMIT + 1))


def test_optional_parts_count_as_nesting_too() -> None:
    with pytest.raises(TemplateError, match="more than 8 deep"):
        parse("[{{a}}" * 5 + "{b|" * 4 + "}" * 4 + "]" * 5)


def test_content_ends_at_its_limit() -> None:
    assert parse("a" * CONTENT_LIMIT).variants() == 1
    with pytest.raises(TemplateError, match="shorten"):
        parse("a" * (CONTENT_LIMIT + 1))


@pytest.mark.parametrize(
    "bomb",
    [
        "{a|b}" * (CONTENT_LIMIT // 5),
        "{" + "a|" * (CONTENT_LIMIT // 2 - 2) + "b}",
        "{" * CONTENT_LIMIT,
        "{{" + "x" * (CONTENT_LIMIT - 2),
        "{{a" * (CONTENT_LIMIT // 3),
        ("{a|" * 8 + "b" + "}" * 8) * (CONTENT_LIMIT // 33),
        "[{{a}}" * (CONTENT_LIMIT // 6),
        "\\" * CONTENT_LIMIT,
    ],
)
def test_a_bomb_is_read_counted_and_rendered_or_refused_at_once(bomb: str) -> None:
    began = time.process_time()

    with suppress(TemplateError):
        template = parse(bomb)
        template.variants()
        template.render({"a": "x"}, seed=SEED, limit=CONTENT_LIMIT)

    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("content", "variants"),
    [
        ("plain", 1),
        ("{a|b|c}", 3),
        ("{a|b}{c|d}", 4),
        ("{a|a}", 1),
        ("{a|b|a}", 2),
        ("{|}x", 1),
        ("x{| y}", 2),
        ("{a|{b|c}}", 3),
        ("{a|{b|{a|c}}}", 3),
        ("{a{b|c}|ab|d}", 4),  # 'ab' is written in two ways: an upper bound
        ("{{{a}}|{{b}}|{{a}}}", 2),
        ("{{{a|a}|a}|b}", 2),
        ("a[ {b|c} {{x}}]", 2),
        ("{a|b}" * 13, 8_192),
        ("{a|b}" * 14, VARIANTS_CAP),
        ("{a|b}" * 9_000, VARIANTS_CAP),
    ],
)
def test_variants_are_the_different_texts_one_lead_could_get(
    content: str,
    variants: int,
) -> None:
    assert parse(content).variants() == variants


def test_a_lead_without_a_value_could_get_fewer_texts() -> None:
    template = parse("{a|b}[{c|d} {{name}}]{{{name}}|}")

    assert template.variants() == 8
    assert template.variants(empty={"name"}) == 2


def test_the_longest_text_is_told_without_values() -> None:
    assert parse("ab{c|defg{h|ij}}[k{{name}}]").longest() == 9


@pytest.mark.parametrize("name", ["", "a b", "_a", "1a", "a.b", "n" * 65, "a\n"])
def test_a_declared_name_must_be_one_that_can_be_written(name: str) -> None:
    with pytest.raises(TemplateError, match="letters, digits"):
        Variable(name)


def test_a_declared_default_must_be_one_that_can_be_sent() -> None:
    with pytest.raises(TemplateError, match=r"'city' holds U\+000A"):
        Variable("city", default="a\nb")


def test_required_is_what_has_no_default_and_may_not_vanish() -> None:
    template = parse("{{a}} {{b}} {{c}} [{{d}}] [{{e}}] {f|{{g}}}")
    declared = [Variable("a"), Variable("b", ""), Variable("c", "x"), Variable("d")]

    assert template.required(declared) == {"a", "d", "g"}
    assert template.may_be_empty(declared) == {"b", "e"}
