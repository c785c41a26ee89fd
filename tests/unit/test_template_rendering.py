"""What a lead gets to read."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.errors import TemplateError
from outreach.domain.template import (
    MAIL_LIMIT,
    VALUE_LIMIT,
    WHATSAPP_LIMIT,
    Variable,
    parse,
    seed,
)

SEED = b"a seed"
GREETING = "{Good day|Hello|Hi}[, {{name}}]! {We|I} write about {{farm}}."


def seeds(count: int) -> list[bytes]:
    return [seed(UUID(int=n), UUID(int=7), 1) for n in range(count)]


def test_every_alternative_is_as_likely_as_the_others() -> None:
    template = parse("{a|b|c}{d|e|f|g|h}")

    drawn = Counter(template.render({}, seed=each).text for each in seeds(6_000))

    assert len(drawn) == 15
    assert all(330 <= count <= 470 for count in drawn.values())


def test_choices_are_independent_of_each_other_beyond_the_first_block() -> None:
    template = parse("{a|b}" * 20)

    texts = [template.render({}, seed=each).text for each in seeds(400)]

    for left in range(20):
        for right in range(left):
            same = sum(text[left] == text[right] for text in texts)
            assert 140 <= same <= 260


def test_the_seed_is_that_of_lead_step_and_version() -> None:
    lead, step = UUID(int=1), UUID(int=2)

    different = {
        seed(lead, step, 1),
        seed(step, lead, 1),
        seed(lead, step, 2),
        seed(lead, step, 11),
        seed(lead, lead, 1),
    }

    assert len(different) == 5
    assert seed(UUID(int=1), UUID(int=2), 1) == seed(lead, step, 1)


def test_the_same_lead_gets_the_same_text_on_every_machine_for_ever() -> None:
    drawn = seed(UUID(int=1), UUID(int=2), 3)

    rendered = parse(GREETING).render({"name": "Ana", "farm": "Lunca"}, seed=drawn)

    assert drawn.hex() == "8dbb6f740113765656b8dbe450705b97"
    assert rendered.text == "Hello, Ana! I write about Lunca."
    assert rendered.variant == "d9b2ea183c44"


def test_the_alternatives_do_not_depend_on_the_values() -> None:
    template = parse("{a|b|c}[ {d|e|f} {{name}}] {g|h|i} {{farm}}")
    declared = [Variable("name", default="")]

    for each in seeds(50):
        full = template.render(
            {"name": "Ana", "farm": "Lunca"},
            declared=declared,
            seed=each,
        )
        bare = template.render({"farm": "Valea"}, declared=declared, seed=each)

        assert full.variant == bare.variant
        assert (full.text[0], full.text[-7]) == (bare.text[0], bare.text[-7])


def test_different_alternatives_have_different_variants() -> None:
    template = parse("{a|b|c}{d{e|f}|g}{h|i}")

    by_text = {
        (rendered.text, rendered.variant)
        for rendered in (template.render({}, seed=each) for each in seeds(500))
    }

    assert len(by_text) == 18
    assert len({text for text, _ in by_text}) == 18
    assert len({variant for _, variant in by_text}) == 18


def test_equal_alternatives_are_one_variant() -> None:
    template = parse("{a|b|a|a}")

    variants = {
        (rendered.text, rendered.variant)
        for rendered in (template.render({}, seed=each) for each in seeds(100))
    }

    assert len(variants) == 2


@given(st.text(alphabet="{}[]|\\%$ab\u0219.", min_size=1))
def test_a_value_comes_through_literally(value: str) -> None:
    rendered = parse("<{{{x}}|{{x}}}[{{x}}]>").render({"x": value}, seed=SEED)

    assert rendered.text == f"<{value}{value}>"


@given(st.text())
def test_any_value_is_rendered_on_one_line_or_refused_by_name(value: str) -> None:
    try:
        outcome = parse("<[{{x}}]>").render({"x": value}, seed=SEED).text
    except TemplateError as error:
        outcome = str(error)

    assert outcome == f"<{' '.join(value.split())}>" or "'x'" in outcome
    assert len(outcome.splitlines()) == 1
    assert outcome.encode()


@pytest.mark.parametrize(
    "character",
    [
        "\x00",
        "\n",
        "\r",
        "\x0b",
        "\x1b",
        "\x7f",
        "\x85",
        "\u061c",
        "\u200e",
        "\u200f",
        "\u2028",
        "\u2029",
        "\u202a",
        "\u202e",
        "\u2066",
        "\u2069",
        "\ud800",
    ],
)
def test_a_value_that_could_forge_a_line_is_refused_and_not_shown(
    character: str,
) -> None:
    with pytest.raises(TemplateError) as refusal:
        parse("Hi {{name}}").render({"name": f"Ana{character}Pop"}, seed=SEED)

    assert "'name'" in str(refusal.value)
    assert f"U+{ord(character):04X}" in str(refusal.value)
    assert "Ana" not in str(refusal.value)


@pytest.mark.parametrize("value", ["Ana  Pop", " Ana Pop ", "Ana\tPop", "Ana\u00a0Pop"])
def test_blanks_in_a_value_become_one_space(value: str) -> None:
    rendered = parse("Hi {{name}}!").render({"name": value}, seed=SEED)

    assert rendered.text == "Hi Ana Pop!"


def test_letters_joined_by_invisible_ones_stay_as_they_are() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"

    assert parse("{{x}}").render({"x": family}, seed=SEED).text == family


def test_a_value_ends_at_its_limit() -> None:
    template = parse("{{x}}")

    assert len(template.render({"x": "a" * VALUE_LIMIT}, seed=SEED).text) == VALUE_LIMIT
    with pytest.raises(TemplateError, match="'x' has 1001 characters"):
        template.render({"x": "a" * (VALUE_LIMIT + 1)}, seed=SEED)


def test_an_unknown_variable_is_never_empty_text() -> None:
    with pytest.raises(TemplateError, match="'nmae' is unknown"):
        parse("Hi[, {{nmae}}]").render({"name": "Ana"}, seed=SEED)


@pytest.mark.parametrize("values", [{}, {"name": ""}, {"name": " \t"}])
def test_a_missing_required_variable_is_named(values: dict[str, str]) -> None:
    with pytest.raises(TemplateError, match="'name' is required"):
        parse("Hi[, {{name}}]").render(values, declared=[Variable("name")], seed=SEED)


def test_a_variable_is_asked_for_also_where_its_alternative_was_not_taken() -> None:
    template = parse("Hi {you|{{name}}}")

    for each in seeds(20):
        with pytest.raises(TemplateError, match="'name'"):
            template.render({"name": ""}, seed=each)


def test_of_two_missing_variables_the_first_by_name_is_reported() -> None:
    with pytest.raises(TemplateError, match="'a'"):
        parse("{{b}} {{c}} {{a}} {{d}}").render({}, seed=SEED)


@pytest.mark.parametrize("values", [{}, {"name": ""}, {"name": "  "}])
def test_a_default_stands_in_for_an_empty_value(values: dict[str, str]) -> None:
    declared = [Variable("name", default="friend")]

    rendered = parse("Hi[, {{name}}]").render(values, declared=declared, seed=SEED)

    assert rendered.text == "Hi, friend"


def test_an_undeclared_field_that_is_empty_takes_its_optional_part_with_it() -> None:
    rendered = parse("Hi[, {{contact_name}}]!").render({"contact_name": ""}, seed=SEED)

    assert rendered.text == "Hi!"


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [("A", "B", "<A(B)>"), ("A", "", "<A>"), ("", "B", "<>"), ("", "", "<>")],
)
def test_an_inner_part_vanishes_alone_and_an_outer_one_with_it(
    a: str,
    b: str,
    text: str,
) -> None:
    rendered = parse("<[{{a}}[({{b}})]]>").render({"a": a, "b": b}, seed=SEED)

    assert rendered.text == text


def test_a_part_vanishes_by_any_variable_in_its_choices() -> None:
    template = parse("<[{{{a}}|{{b}}}]>")

    texts = {template.render({"a": "A", "b": ""}, seed=each).text for each in seeds(20)}

    assert texts == {"<>"}


def test_a_text_has_no_blanks_at_its_ends() -> None:
    rendered = parse("\nHi [{{name}}]\n").render({"name": ""}, seed=SEED)

    assert rendered.text == "Hi"


def test_line_breaks_of_the_template_are_kept() -> None:
    assert parse("Hi\r\n\n\tyou").render({}, seed=SEED).text == "Hi\n\n\tyou"


def test_a_text_is_never_empty() -> None:
    with pytest.raises(TemplateError, match="the text is empty"):
        parse("[{{name}}] {|}").render({"name": ""}, seed=SEED)


def test_a_text_ends_at_its_limit() -> None:
    exact, longer = parse("a" * WHATSAPP_LIMIT), parse("a" * (WHATSAPP_LIMIT + 1))

    assert len(exact.render({}, seed=SEED).text) == WHATSAPP_LIMIT
    assert longer.render({}, seed=SEED, limit=MAIL_LIMIT)
    with pytest.raises(TemplateError, match="4097 characters, 4096 are allowed"):
        longer.render({}, seed=SEED)
