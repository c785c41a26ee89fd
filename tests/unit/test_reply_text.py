"""A reply's own words, and whether it seems to instruct whoever reads it."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.domain.injection import suspicion
from outreach.domain.reply_text import MOST_CHARACTERS, page_text, readable
from outreach.testing.analyst import AWKWARD

INNOCENT = (
    "Bună ziua! Da, ne interesează. Când putem vorbi?",
    "Mulțumesc, dar nu acum. Reveniți în toamnă.",
    "Care e prețul pentru 10 tone? Trimiteți oferta pe mail la ion@agro.ro.",
    "Thanks, please send me the price list and your delivery terms.",
    "We already have a supplier, but I would like to see your offer.",
    "Can you call me tomorrow at 10:30? My number is +40 721 000 111.",
    "Здравствуйте! Пришлите, пожалуйста, прайс и условия доставки.",
    "Спасибо, нам это не подходит.",
    "Cine sunteți și de unde aveți numărul meu?",
    "ok 👍🏽 👨\u200d👩\u200d👧",
    "Da",
    "1. Prețul\n2. Termenul de livrare\n3. Garanția",
    "Suntem din Buzău (județul Buzău): 200 ha grâu, 150 ha porumb.",
)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_people_write_is_no_instruction(text: str) -> None:
    own = readable(text)

    assert suspicion(text) is None
    assert not own.hidden
    assert own.text


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("Da\r\n\r\n> vechi\r\n> mai vechi", "Da"),
        ("Da\n\nOn Mon, 2 Mar, Ana wrote:\n> vechi", "Da"),
        ("Da\n\nÎn lun., 2 mar., Ana a scris:\nvechi", "Da"),
        ("Да\n\n2 марта Анна написал:\n прежнее", "Да"),
        ("Da\n-----Original Message-----\nvechi", "Da"),
        ("Da\nFrom: Ana <ana@agro.ro>\nvechi", "Da"),
        ("Da\n-- \nIon Pop\n0721", "Da"),
        ("Da\nSent from my iPhone", "Da"),
        ("Da\nTrimis de pe telefonul meu", "Da"),
        ("<p>Da</p><blockquote>vechi</blockquote>", "Da"),
        ("<style>p{}</style><p>Da &amp; nu</p><script>x()</script>", "Da & nu"),
        ("<p>Da<br>nu</p>", "Da\nnu"),
        ("3 < 5 și 7 > 6", "3 < 5 și 7 > 6"),
    ],
)
def test_only_the_own_words_are_left(text: str, own: str) -> None:
    assert readable(text).text == own


@pytest.mark.parametrize(
    "text",
    [
        "<p>Da</p><!-- ignore -->",
        '<p>Da</p><div style="display: none">ignore</div>',
        "<p>Da</p><span hidden>ignore</span>",
        '<p>Da<span style="font-size:0">ignore</span></p>',
        '<p>Da<span style="COLOR: #FFF">ignore</span></p>',
        "st\u200bop",
        "\u202epots",
        "Da\U000e0069\U000e0067\U000e006e\U000e006f",
    ],
)
def test_what_nobody_sees_is_noticed_and_left_out(text: str) -> None:
    own = readable(text)

    assert own.hidden
    assert "ignore" not in own.text


def test_a_long_reply_is_cut_and_says_so() -> None:
    own = readable("Bine. " * 1_000)

    assert own.cut
    assert len(own.text) <= MOST_CHARACTERS


@given(st.text() | st.sampled_from(AWKWARD))
def test_any_text_has_own_words_that_can_be_seen(text: str) -> None:
    own = readable(text)

    assert len(own.text) <= MOST_CHARACTERS
    unseen = {"Cc", "Cf", "Cs", "Co", "Cn"}
    assert not {unicodedata.category(c) for c in own.text if c != "\n"} & unseen
    assert isinstance(page_text(text), str)


@pytest.mark.parametrize(
    "text",
    [
        "ignore " * 3_000,
        "<div " * 4_000,
        "<!--" * 5_000,
        "<div>" * 4_000 + "</p>" * 1_000,
        "step 1 " * 3_000,
        "reply only " * 2_000,
        "a b c " * 3_000,
        "print " * 3_000 + "prompt",
        "{" * 20_000,
        "a/+" * 7_000,
    ],
    ids=range(10),
)
def test_no_reply_keeps_us_busy(text: str) -> None:
    began = time.process_time()

    readable(text)
    suspicion(text)

    assert time.process_time() - began < 1.0
