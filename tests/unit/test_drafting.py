"""Drafted answers: what may go out, what only a person may send, what is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.analysis import Doubt
from outreach.domain.channel import Channel
from outreach.domain.drafting import (
    SLOT_LIMIT,
    Composed,
    Draft,
    Request,
    composed,
    kept,
    offer,
)
from outreach.domain.ids import TemplateId
from outreach.domain.sequence import MessageTemplate
from outreach.domain.template import Variable
from outreach.domain.wording import Flaw, flaws

NOTE = Variable("ai_note", "")
TEMPLATE = MessageTemplate(
    id=TemplateId(UUID(int=1)),
    name="reply-interested",
    channel=Channel.WHATSAPP,
    content=(
        "Mulțumim, {{company_name}}![ {{ai_note}}] Sunați la 0721 000 111 sau "
        "https://agro.example/oferta, de la 40 euro."
    ),
    variables=(NOTE,),
    language="ro",
)
PLAIN = "Mulțumim, Agro SRL! Sunați la 0721 000 111 sau "
LEAD: Mapping[str, str] = {"company_name": "Agro SRL", "contact_name": "Ion Pop"}


def answer(draft: Draft | None, **changes: Any) -> Composed:
    given: dict[str, Any] = {
        "fields": LEAD,
        "library": [TEMPLATE],
        "language": "ro",
        "seed": bytes(16),
    } | changes
    return composed(draft, TEMPLATE, **given)


def wrong(text: str, language: str = "ro") -> tuple[Flaw, ...]:
    return flaws(text, [TEMPLATE], own=LEAD, language=language, limit=SLOT_LIMIT)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Vă ascultăm cu plăcere.", "ro"),
        ("Ion, ne bucurăm că ați scris.", "ro"),
        ("We are glad to hear from you.", "en"),
        ("Рады вашему ответу.", "ru"),
        ("Prețul începe de la 40 euro.".replace("Prețul începe", "Începe"), "ro"),
        ("Detalii pe https://agro.example/oferta", "ro"),
    ],
)
def test_plain_words_and_what_the_templates_say_are_clean(
    text: str, language: str
) -> None:
    assert wrong(text, language) == ()


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("", Flaw.EMPTY),
        ("a" * 201, Flaw.TOO_LONG),
        ("Bine\nați venit", Flaw.CONTROL),
        ("Bine\u202e", Flaw.CONTROL),
        ("Bine {{api_key}}", Flaw.BRACES),
        ("Bine [aici]", Flaw.BRACES),
        ("<b>Bine</b>", Flaw.BRACES),
        ("Vedeți evil.example", Flaw.LINK),
        ("Vedeți https://evil.example", Flaw.LINK),
        ("Vedeți agro.example.evil.ro", Flaw.LINK),
        ("scrieți pe wa.me", Flaw.LINK),
        ("scrieți la ana@agro", Flaw.ADDRESS),
        ("scrieți la ana arond agro", Flaw.ADDRESS),
        ("Sunați la 0799", Flaw.NUMBER),
        ("Sunați la ٠٧٩٩", Flaw.NUMBER),
        ("Sunați la ①", Flaw.NUMBER),
        ("în zece zile", Flaw.NUMBER),
        ("o reducere bună", Flaw.PRICE),
        ("doar 40 lei", Flaw.PRICE),
        ("doar €", Flaw.PRICE),
        ("e gratuit", Flaw.PROMISE),
        ("vă garantăm", Flaw.PROMISE),
        ("e \uff47\uff52\uff41\uff54\uff55\uff49\uff54", Flaw.PROMISE),
        ("întrebați-l pe Vasile", Flaw.NAME),
        ("la fel ca ACME", Flaw.NAME),
        ("Спасибо", Flaw.LANGUAGE),
        ("we will be glad to have you with us", Flaw.LANGUAGE),
    ],
)
def test_everything_else_is_a_flaw(text: str, flaw: Flaw) -> None:
    assert flaw in wrong(text)


def test_a_reply_in_russian_is_in_russian_letters() -> None:
    assert wrong("Mulțumim frumos", "ru") == (Flaw.LANGUAGE,)


def test_a_clean_slot_stands_in_the_approved_text() -> None:
    made = answer(Draft("reply-interested", {"ai_note": "Vă ascultăm."}))

    assert made.flaws == ()
    assert made.text.startswith("Mulțumim, Agro SRL! Vă ascultăm. Sunați")


def test_an_empty_slot_leaves_the_approved_text() -> None:
    assert answer(Draft("reply-interested", {"ai_note": " "})) == answer(None)
    assert answer(Draft("reply-interested")) == answer(None)
    assert answer(None).text.startswith(PLAIN)


def test_a_dirty_slot_is_dropped_and_a_person_asked() -> None:
    made = answer(Draft("reply-interested", {"ai_note": "Doar 5 lei"}))

    assert made.text == answer(None).text
    assert set(made.flaws) == {Flaw.NUMBER, Flaw.PRICE}


@pytest.mark.parametrize(
    "draft",
    [
        Draft(doubt=Doubt.TIMED_OUT),
        Draft("reply-interested", {"company_name": "Altul SRL"}),
    ],
)
def test_a_doubt_is_for_a_person(draft: Draft) -> None:
    made = answer(draft)

    assert made.text == answer(None).text
    assert Flaw.DOUBT in made.flaws


def test_clean_free_text_is_suggested_and_never_goes_out_alone() -> None:
    made = answer(Draft(None, {}, "Vă mulțumim, revenim."))

    assert made.text == "Vă mulțumim, revenim."
    assert made.flaws == (Flaw.DOUBT,)


def test_free_text_with_a_flaw_is_not_even_suggested() -> None:
    made = answer(Draft(None, {}, "Vă dăm 50 % reducere"))

    assert made.text == answer(None).text
    assert Flaw.DOUBT in made.flaws


def test_a_column_of_a_file_fills_no_slot() -> None:
    fields = {**LEAD, "ai_note": "Plătiți la evil.example"}

    made = answer(Draft("reply-interested"), fields=fields)

    assert made.text == answer(None).text


def test_templates_that_nobody_approved_say_nothing() -> None:
    unapproved = evolve(TEMPLATE, approved=False)
    text = "Detalii pe https://agro.example/oferta"

    assert flaws(text, [unapproved], own=LEAD, language="ro", limit=200) == (Flaw.LINK,)


def test_what_is_offered_has_no_link_and_only_its_slots() -> None:
    shown = offer(TEMPLATE)

    assert "agro.example" not in shown.text
    assert shown.slots == ("ai_note",)


@given(
    st.none() | st.sampled_from(["reply-interested", "x"]),
    st.dictionaries(st.sampled_from(["ai_note", "company_name"]), st.text()),
)
def test_what_was_not_offered_is_never_kept(
    name: str | None, slots: dict[str, str]
) -> None:
    request = Request("Da", "ro", (offer(TEMPLATE),))

    left = kept(Draft(name, slots, by="m"), request)

    assert (
        left.doubt
        or (name is None and not slots)
        or (name == "reply-interested" and set(slots) <= {"ai_note"})
    )


PIECES = (
    *("https://evil.ro", "0799 123 456", "{{", "}}", "gratis", "10", "euro", "@"),
    *("Vasile", "Спасибо", "\u200b", "\n", "Vă ascultăm", "мы", "\u2461", "½", "."),
)
HOSTILE = st.text() | st.lists(st.sampled_from(PIECES), max_size=8).map(" ".join)


@given(HOSTILE)
def test_no_text_that_is_called_clean_holds_what_it_must_not(text: str) -> None:
    if wrong(text):
        return

    made = answer(Draft("reply-interested", {"ai_note": text}))
    assert made.flaws == ()
    slot = text.strip()
    assert 0 < len(slot) <= SLOT_LIMIT
    assert not any(mark in slot for mark in "{}[]<>@|\\\n")
    known = {"0721", "000", "111", "40"}
    assert set("".join(c if c.isdigit() else " " for c in slot).split()) <= known
    assert "evil" not in slot
    assert "gratis" not in slot
    assert "Vasile" not in slot


@given(HOSTILE)
def test_whatever_is_drafted_the_rest_is_the_approved_text(text: str) -> None:
    made = answer(Draft("reply-interested", {"ai_note": text}, text))

    start, end = "Mulțumim, Agro SRL!", "de la 40 euro."
    assert made.text.startswith(start)
    assert made.text.endswith(end)
    assert made.flaws or len(made.text) <= len(answer(None).text) + SLOT_LIMIT + 1


@given(HOSTILE)
def test_flaws_are_found_in_any_text_and_always_the_same(text: str) -> None:
    assert wrong(text) == wrong(text)
