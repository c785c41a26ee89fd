"""A mail that came in: a report, a machine's answer, or a reply."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.resend_events import OURS, THEIRS, body, raw_of

from outreach.adapters.resend import ResendReader
from outreach.adapters.resend.html import text_of_html
from outreach.adapters.resend.mail import completed
from outreach.adapters.rules.text import fold, own_words
from outreach.domain.address import AddressKey
from outreach.domain.event import EventType, SystemEvent

MARK: Final = "<0d2b7c0e-64a5-5f0f-8d0c-5f3d1c9f7a11@warm.example>"


def event() -> SystemEvent:
    (read,) = ResendReader().read(raw_of("email.received"))
    return read


def mail(**changes: Any) -> dict[str, Any]:
    return {
        "object": "email",
        "id": body("email.received")["data"]["email_id"],
        "from": f"Ana <{THEIRS}>",
        "to": [OURS],
        "subject": "Re: Ofertă",
        "message_id": "<x@firma.ro>",
        "text": "Da, vă rog.",
        "html": None,
        "headers": {"In-Reply-To": "<ses@eu-west-1.example>", "References": MARK},
        "attachments": [],
        **changes,
    }


def test_a_reply_has_its_text_its_place_and_what_it_answers() -> None:
    whole = completed(event(), mail())

    assert (whole.type, whole.incomplete) == (EventType.REPLY, False)
    assert whole.content == "Da, vă rog."
    assert whole.thread == "<x@firma.ro>"
    assert whole.references == ("<ses@eu-west-1.example>", MARK)
    assert whole.address == AddressKey.of(f"email:{THEIRS}")
    assert (whole.key, whole.ref) == (event().key, event().ref)


def test_headers_may_come_as_a_list_and_in_any_case() -> None:
    listed = [
        {"name": "REFERENCES", "value": f"<old@a.b>  {MARK}"},
        {"name": "x", "value": 5},
        "rubbish",
    ]

    assert completed(event(), mail(headers=listed)).references == (MARK, "<old@a.b>")


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"auto-submitted": "auto-generated; owner=x"},
        {"X-Autoreply": "yes"},
        {"X-Autorespond": "vacation"},
        {"X-Auto-Response-Suppress": "All"},
        {"Precedence": "auto_reply"},
        {"Precedence": "Bulk"},
    ],
)
def test_a_machine_says_so_in_a_header(headers: dict[str, str]) -> None:
    assert completed(event(), mail(headers=headers)).type is EventType.AUTO_REPLY


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"Auto-Submitted": "no"},
        {"Precedence": "first-class"},
        {"X-Autoreply": " "},
    ],
)
def test_a_person_writes_without_such_headers(headers: object) -> None:
    assert completed(event(), mail(headers=headers)).type is EventType.REPLY


REPORT: Final = """\
Final-Recipient: rfc822; ana@firma.ro
Action: failed
Status: {status}
"""
TYPE: Final = {
    "Content-Type": 'multipart/report; report-type="delivery-status"',
    "Auto-Submitted": "auto-replied",
    "References": MARK,
}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("5.1.1", EventType.BOUNCE),
        ("5.2.1", EventType.BOUNCE),
        ("550", EventType.BOUNCE),
        ("553 no such mailbox", EventType.BOUNCE),
        ("5.7.1", EventType.SOFT_BOUNCE),
        ("550 5.7.1", EventType.SOFT_BOUNCE),
        ("5.4.5", EventType.SOFT_BOUNCE),
        ("4.2.2", EventType.SOFT_BOUNCE),
        ("unknown", EventType.SOFT_BOUNCE),
    ],
)
def test_a_report_comes_before_an_automatic_answer(
    status: str, kind: EventType
) -> None:
    sent = mail(
        **{"from": "MAILER-DAEMON@mx.example"},
        headers=TYPE,
        text=REPORT.format(status=status),
    )

    whole = completed(event(), sent)

    assert whole.type is kind
    assert whole.address == AddressKey.of("email:ana@firma.ro")
    # The mail that came in is not the one that it is about.
    assert (whole.ref, whole.thread, whole.references) == ("", "", (MARK,))


def test_a_delay_is_no_bounce() -> None:
    text = REPORT.format(status="5.1.1").replace("failed", "delayed")

    whole = completed(event(), mail(headers=TYPE, text=text))

    assert whole.type is EventType.SOFT_BOUNCE


def test_a_report_that_names_nobody_is_about_nobodys_address() -> None:
    whole = completed(event(), mail(**{"from": "postmaster@mx.example"}, text="no"))

    assert (whole.type, whole.address) == (EventType.SOFT_BOUNCE, None)


def test_a_receipt_that_somebody_read_it_is_no_report_of_a_delivery() -> None:
    headers = {"Content-Type": "multipart/report; report-type=disposition-notification"}

    assert completed(event(), mail(headers=headers)).type is EventType.REPLY


def test_a_mail_without_words_is_for_a_person_to_look_at() -> None:
    whole = completed(event(), mail(text=" \n", html="<img src=x>"))

    assert (whole.content, whole.media) == ("", True)
    assert whole.detail


# --- HTML


def test_html_is_read_where_there_is_no_text() -> None:
    html = "<p>Da,<br>v&#259; <b>rog</b>.</p><ul><li>azi<li>m&acirc;ine</ul>"

    assert completed(event(), mail(text=None, html=html)).content == (
        "Da,\nvă rog.\nazi\nmâine"
    )


@pytest.mark.parametrize(
    "hidden",
    [
        '<div style="display:none">nu</div>',
        '<span style="Display : NONE !important">nu</span>',
        '<p style="color:red; visibility: hidden">nu</p>',
        '<p style="font-size:0px">nu</p>',
        '<p style="font-size: 0">nu</p>',
        '<p style="opacity:0">nu</p>',
        '<p style="max-height:0;overflow:hidden">nu</p>',
        "<div hidden><b>nu</b></div>",
        "<style>nu</style>",
        "<script>nu</script>",
        "<template>nu</template>",
        "<head><title>nu</title></head>",
        "<!-- nu -->",
        '<div style="display:none"><div>nu</div>nu</div>',
    ],
)
def test_what_a_reader_does_not_see_is_left_out(hidden: str) -> None:
    assert text_of_html(f"<p>Da</p>{hidden}<p>rog</p>") == "Da\nrog"


@pytest.mark.parametrize("style", ["font-size:0.9em", "opacity:0.5", "display:block"])
def test_what_a_reader_sees_is_kept(style: str) -> None:
    assert text_of_html(f'<p style="{style}">Da</p>') == "Da"


def test_an_open_end_hides_nothing_of_what_comes_after() -> None:
    html = "<p style='display:none'>nu<p>Da</p><br><td>azi"

    assert text_of_html(html) == "Da\nazi"


def test_what_is_quoted_opts_nobody_out() -> None:
    html = (
        '<div>Da, mă interesează.</div><div class="gmail_quote">On Fri, Ion wrote:<br>'
        "<blockquote><p>Bună ziua</p><p>STOP: dezabonare</p></blockquote></div>"
    )

    said = text_of_html(html)

    assert "> STOP: dezabonare" in said
    assert own_words(fold(said)).strip() == "da, ma intereseaza."


@pytest.mark.parses
@given(st.text(alphabet="<>/pdiv br=\"'style:none;&#x0a!-", max_size=300))
def test_no_html_makes_it_raise(html: str) -> None:
    assert "\x00" not in text_of_html(html)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 50_000 + "x",
        "<" * 200_000,
        "<blockquote>" * 20_000 + "x",
        "<p " + "a=b " * 60_000,
        "&" * 200_000,
        "<!--" * 60_000,
        "<!" * 100_000,
        '<p "' * 60_000,
        "<p '\"" * 60_000,
        '<p a="' * 60_000 + ">",
        "<p>" * 60_000 + "</div>" * 60_000,
        "<script>" * 30_000,
        "</script" * 30_000,
        "<style></styl" * 30_000,
        "<p style=" + "a:b;" * 60_000 + ">",
        " " * 200_000 + "<p>",
    ],
    ids=range(16),
)
def test_no_html_takes_long(html: str) -> None:
    began = time.process_time()

    text_of_html(html)

    assert time.process_time() - began < 3


_ANY: Final = st.one_of(
    *(st.none(), st.integers(), st.text(max_size=60)),
    st.sampled_from(
        [THEIRS, f"A <{THEIRS}>", "Status: 5.1.1", "<<<", "\ud800", "\x00"]
    ),
    st.lists(st.text(max_size=9), max_size=3),
    st.dictionaries(
        st.sampled_from(["Auto-Submitted", "Content-Type", "References", "Precedence"]),
        st.one_of(st.text(max_size=30), st.integers()),
    ),
)


@st.composite
def any_mail(draw: Callable[[Any], Any]) -> dict[str, Any]:
    said = mail()
    for name in draw(st.lists(st.sampled_from(sorted(said)), max_size=5)):
        said[name] = draw(_ANY)
    return said


@pytest.mark.parses
@given(said=any_mail())
def test_no_mail_makes_it_raise(said: dict[str, Any]) -> None:
    whole = completed(event(), said)

    assert not whole.incomplete
    assert whole.key == event().key
    for text in (whole.content, whole.thread, whole.detail, whole.ref):
        text.encode()
        assert "\x00" not in text
