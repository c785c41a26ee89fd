"""What people write back is understood: a corpus, and what must hold for any text."""

from __future__ import annotations

import tomllib
import unicodedata
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.adapters.rules import RuleAnalyst
from outreach.adapters.rules.text import MAX_CHARACTERS
from outreach.domain.analysis import Analysis, Reply, ReplyIntent
from outreach.domain.ids import TenantId
from outreach.domain.triage import CONFIDENT

CORPUS: dict[str, Any] = tomllib.loads(
    Path(__file__).with_name("replies.toml").read_text(encoding="utf-8")
)
REPLIES: list[dict[str, Any]] = CORPUS["reply"]
OPT_OUTS: list[str] = CORPUS["opt_out"]["sentences"]
FORMS = [(word, form) for word, forms in CORPUS["forms"].items() for form in forms]
RECEIVED_ON = date(2026, 3, 2)
TENANT = TenantId(UUID(int=0xA))
ANALYST = RuleAnalyst()

texts = st.sampled_from([reply["text"] for reply in REPLIES])
unquoted = texts.filter(lambda text: not any(m in text for m in (">", "---", "From:")))
words = st.sampled_from(
    sorted({word for reply in REPLIES for word in reply["text"].split()})
)


def read(text: str, *, media: bool = False, automatic: bool = False) -> Analysis:
    """Drive the coroutine by hand: rules never wait for anything."""
    steps = ANALYST.analyse(
        Reply(text, media, automatic), received_on=RECEIVED_ON, tenant=TENANT
    )
    try:
        steps.send(None)
    except StopIteration as done:
        answer: Analysis = done.value
        return answer
    pytest.fail("the rules waited for something")


def plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply["text"][:40])
def test_a_reply_is_understood(reply: dict[str, Any]) -> None:
    least, most = reply["sentiment"]

    answer = read(
        reply["text"],
        media=reply.get("media", False),
        automatic=reply.get("automatic", False),
    )

    assert answer.intent == reply["intent"]
    assert least <= answer.sentiment <= most
    assert list(answer.keywords) == reply["keywords"]
    assert set(reply.get("also", ())) <= set(answer.also)
    assert answer.resumes_on == reply.get("resumes_on")


def test_the_corpus_is_large_and_covers_every_intent_in_every_language() -> None:
    read_as = {(r["intent"], read(r["text"]).language) for r in REPLIES}

    assert len(REPLIES) >= 150
    assert {
        (intent, language)
        for intent in ReplyIntent
        for language in ("ro", "en", "ru")
        if (intent, language) not in read_as
    } == set()


@pytest.mark.parametrize(("keyword", "form"), FORMS)
def test_every_listed_form_is_its_keyword_in_any_spelling(
    keyword: str, form: str
) -> None:
    cedilla = form.replace("ș", "ş").replace("ț", "ţ")

    for spelled in (form, form.upper(), plain(form), cedilla, f"({form})!"):
        assert read(spelled).keywords == (keyword,), spelled


@pytest.mark.parametrize("word", CORPUS["strangers"]["words"])
def test_a_word_that_only_begins_like_a_keyword_is_none(word: str) -> None:
    answer = read(word)

    assert answer.keywords == ()
    assert answer.intent is ReplyIntent.NEUTRAL


@pytest.mark.parametrize("sentence", OPT_OUTS)
def test_an_opt_out_sentence_alone_is_certain(sentence: str) -> None:
    answer = read(sentence)

    assert answer.intent is ReplyIntent.UNSUBSCRIBE
    assert answer.confidence >= CONFIDENT


@given(text=unquoted, sentence=st.sampled_from(OPT_OUTS))
def test_an_opt_out_outranks_whatever_stands_beside_it(
    text: str, sentence: str
) -> None:
    for both in (f"{text}\n{sentence}", f"{sentence}\n{text}", f"{text}. {sentence}"):
        assert read(both).intent is ReplyIntent.UNSUBSCRIBE, both


@given(text=texts, sentence=st.sampled_from(OPT_OUTS))
def test_an_opt_out_above_a_quoted_message_counts(text: str, sentence: str) -> None:
    assert read(f"{sentence}\n{text}").intent is ReplyIntent.UNSUBSCRIBE


@given(text=texts)
def test_case_and_diacritics_make_no_difference(text: str) -> None:
    as_written = read(text)

    cedilla = text.replace("ș", "ş").replace("ț", "ţ")
    decomposed = unicodedata.normalize("NFD", text)
    for typed in (text.upper(), text.lower(), plain(text), cedilla, decomposed):
        assert read(typed) == as_written, typed


@given(text=st.text() | st.lists(words, max_size=40).map(" ".join))
def test_any_text_has_a_valid_answer(text: str) -> None:
    answer = read(text)

    assert answer.intent not in answer.also
    assert len(set(answer.keywords)) == len(answer.keywords)
    assert (answer.resumes_on is None) or answer.means(ReplyIntent.OUT_OF_OFFICE)
    assert (answer.confidence > 0) or not answer.keywords


@given(text=st.lists(words, max_size=40).map(" ".join))
def test_a_machine_wants_nothing(text: str) -> None:
    answer = read(text, automatic=True)

    assert answer.means(ReplyIntent.OUT_OF_OFFICE)
    assert not answer.means(ReplyIntent.INTERESTED)
    assert not answer.means(ReplyIntent.NOT_INTERESTED)


def test_a_text_too_long_to_read_is_never_answered_with_confidence() -> None:
    short = "Da, mă interesează oferta. "
    long = short * (MAX_CHARACTERS // len(short) + 1)

    assert read(short).confidence >= CONFIDENT
    assert read(long).confidence < CONFIDENT


def test_contradicting_signs_are_left_to_a_person() -> None:
    answer = read("Mă interesează, dar avem deja furnizor")

    assert answer.confidence < CONFIDENT


def test_what_our_own_message_said_in_a_quote_is_not_the_writers_word() -> None:
    quote = "> Nu mai doriți mesaje? Răspundeți STOP.\n> Dezabonare: aici"

    assert read(f"Sună bine, trimiteți oferta\n{quote}").intent is (
        ReplyIntent.INTERESTED
    )
    assert read(quote).confidence < CONFIDENT


def test_a_line_that_ends_in_wrote_without_a_quote_cuts_the_rest() -> None:
    text = "Ok, revin.\nOn 2 March 2026 Ana <ana@agro.example> wrote:\nReply STOP"

    assert read(text).intent is ReplyIntent.NEUTRAL


def test_an_abbreviation_does_not_hide_an_opt_out() -> None:
    assert read("Am salvat un nr. STOP").intent is ReplyIntent.UNSUBSCRIBE
