"""What an answer to a send proves, row by row."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.vendor_tree import vendor_tree

from outreach.adapters._http import HttpReply
from outreach.adapters.sendgrid.acceptance import CREDITS_UNLESS_TOLD, TABLE, answer
from outreach.adapters.sendgrid.replies import said_by
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal

PAGE: Final = b"<!DOCTYPE html><html><title>Attention Required! | Cloudflare</title>"
PROBLEM: Final = {"type": "https://stoplight.io/errors#X", "title": "X", "status": 422}
ID: Final = "AOb5ZXUgSEeRAymhwhEySA"
LANE: Final = ("lane", None)
AWAY: Final = ("lane", SenderSignal.DISCONNECTED)
NO_KEY: Final = ("lane", SenderSignal.AUTH_FAILED)
MESSAGE: Final = ("message", None)
IDENTITY: Final = (
    "The from address does not match a verified Sender Identity. Mail cannot be sent "
    "until this error is resolved."
)


def error(message: str = "No.", field: str | None = None) -> dict[str, Any]:
    return {"errors": [{"message": message, "field": field, "help": {}}]}


def reply(status: int, body: object = b"", **headers: str) -> HttpReply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpReply(status, named, raw)


def kind(given: Answer) -> object:
    """An answer without its detail and its wait."""
    match given:
        case NotAccepted(lane, signal=signal):
            return ("lane" if lane else "message", signal)
        case Refused(why):
            return why
        case Accepted():
            return "accepted"
        case UnknownOutcome():
            return "unknown"


TO: Final = "personalizations.0.to.0.email"
BOTH: Final = {"errors": [error("x", TO)["errors"][0], error("y", "from")["errors"][0]]}

CASES: Final = [
    (202, b"", ID, "accepted"),
    (202, {}, ID, "accepted"),
    (202, b"", "", "unknown"),
    (202, b"", "with a space", "unknown"),
    (200, b"", ID, "unknown"),
    (200, b"", "", "unknown"),
    (200, PAGE, "", "unknown"),
    (202, error(), "", "unknown"),
    (204, b"", "", "unknown"),
    # the plan
    (401, error("Maximum credits exceeded"), "", LANE),
    (403, error("You have exceeded your messaging limits"), "", LANE),
    (429, error("too many requests"), "", LANE),
    (429, b"", "", LANE),
    (429, PAGE, "", LANE),
    (429, error("Maximum credits exceeded"), "", LANE),
    # the sender
    (403, error(IDENTITY, "from"), "", AWAY),
    (403, error(IDENTITY), "", AWAY),
    (400, error("The from email does not contain a valid address.", "from"), "", AWAY),
    (400, error("Does not contain a valid address.", "from.email"), "", AWAY),
    (400, BOTH, "", AWAY),
    # the recipient
    (
        400,
        error("Does not contain a valid address.", TO),
        "",
        Refusal.INVALID_RECIPIENT,
    ),
    (400, error("x", "personalizations[0].to"), "", Refusal.INVALID_RECIPIENT),
    (400, error("x", "personalizations.to"), "", Refusal.INVALID_RECIPIENT),
    # the mail
    (400, error("x", "personalizations.0.headers"), "", Refusal.REJECTED),
    (400, error("The subject is required.", "subject"), "", Refusal.REJECTED),
    (400, error("Bad Request"), "", Refusal.REJECTED),
    (400, error("x", "fromage"), "", Refusal.REJECTED),
    (413, error("payload too large"), "", Refusal.REJECTED),
    # the key
    (401, error("authorization required"), "", NO_KEY),
    (401, error("x", "from"), "", NO_KEY),
    (403, error("access forbidden"), "", NO_KEY),
    (401, b"", "", NO_KEY),
    (401, {"detail": "no"}, "", NO_KEY),
    # the place, and what stands before it
    (404, error("not found"), "", LANE),
    (405, error("method not allowed"), "", LANE),
    (401, PAGE, "", LANE),
    (403, PAGE, "", LANE),
    (403, b"", "", LANE),
    (403, {"title": "Error 1010: Access denied"}, "", LANE),
    (404, PAGE, "", LANE),
    (301, b"", "", LANE),
    (308, PAGE, "", LANE),
    # what is left
    (415, error("unsupported media type"), "", MESSAGE),
    (406, error("x"), "", MESSAGE),
    (409, error("x"), "", MESSAGE),
    (422, error("x"), "", MESSAGE),
    (422, PROBLEM, "", "unknown"),
    (400, PAGE, "", "unknown"),
    (400, {"errors": []}, "", "unknown"),
    (400, {"errors": [{"field": "from"}]}, "", "unknown"),
    (408, error("x"), "", "unknown"),
    (500, error("internal"), "", "unknown"),
    (500, PAGE, "", "unknown"),
    (502, PAGE, "", "unknown"),
    (503, error("The SendGrid v3 Web API is not available."), "", "unknown"),
    (503, error("Maximum credits exceeded"), "", "unknown"),
    (504, b"", "", "unknown"),
    (303, b"", "", "unknown"),
    (100, b"", "", "unknown"),
]


@pytest.mark.parametrize(("status", "body", "ref", "expected"), CASES)
def test_what_an_answer_proves(
    status: int, body: object, ref: str, expected: object
) -> None:
    made = answer(reply(status, body, x_message_id=ref))

    assert kind(made) == expected
    if isinstance(made, Accepted):
        assert made.ref == ID


def test_every_row_of_the_table_is_met() -> None:
    met = set()
    for status, body, ref, _ in CASES:
        said = said_by(reply(status, body, x_message_id=ref))
        met.add(next((i for i, row in enumerate(TABLE) if row.fits(said)), None))

    assert met == {None, *range(len(TABLE))}


def test_every_status_of_the_contract_is_in_the_table() -> None:
    spec = vendor_tree("sendgrid/oas_v3.json")
    known = spec.document["paths"]["/v3/mail/send"]["post"]["responses"]
    tried = {status for status, *_ in CASES}

    assert {int(status) for status in known} <= tried
    for status in set(known) - {"202"}:
        body = {"errors": [{"message": "No."}]}
        spec.check_answer("POST", "/v3/mail/send", int(status), body)
        in_table = "not in the acceptance table" not in repr(
            answer(reply(int(status), body))
        )
        assert in_table is (status != "500"), status


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "3"}, timedelta(seconds=3)),
        (
            {
                "x_ratelimit_reset": "1795165230",
                "date": "Fri, 20 Nov 2026 09:00:10 GMT",
            },
            timedelta(seconds=20),
        ),
        (
            {
                "x_ratelimit_reset": "1795165200",
                "date": "Fri, 20 Nov 2026 09:00:10 GMT",
            },
            None,
        ),
        (
            {"x_ratelimit_reset": "9" * 12, "date": "Fri, 20 Nov 2026 09:00:10 GMT"},
            timedelta(days=1),
        ),
        ({"x_ratelimit_reset": "1795165230"}, None),
        ({"x_ratelimit_reset": "soon", "date": "Fri, 20 Nov 2026 09:00:10 GMT"}, None),
        ({}, None),
    ],
)
def test_a_rate_limit_waits_as_long_as_it_says(
    headers: dict[str, str], wait: timedelta | None
) -> None:
    made = answer(reply(429, error(), **headers))

    assert isinstance(made, NotAccepted)
    assert made.retry_after == wait


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"date": "Fri, 20 Nov 2026 21:30:00 GMT"}, timedelta(hours=2, minutes=30)),
        ({"date": "Fri, 20 Nov 2026 23:30:00 +0200"}, timedelta(hours=2, minutes=30)),
        ({"retry_after": "60"}, timedelta(minutes=1)),
        ({"date": "one day"}, CREDITS_UNLESS_TOLD),
        ({}, CREDITS_UNLESS_TOLD),
    ],
)
def test_a_used_up_plan_waits_for_the_next_day(
    headers: dict[str, str], wait: timedelta
) -> None:
    made = answer(reply(401, error("Maximum credits exceeded"), **headers))

    assert isinstance(made, NotAccepted)
    assert made.retry_after == wait


@given(
    st.integers(100, 599),
    st.sampled_from(["", ID, "\x00"]),
    st.one_of(
        st.binary(max_size=80),
        st.builds(
            lambda message, field: json.dumps(error(message, field)).encode(),
            st.text(max_size=20) | st.sampled_from(["credits exceeded", IDENTITY]),
            st.none() | st.text(max_size=9) | st.sampled_from(["from", TO]),
        ),
    ),
)
@pytest.mark.parses
def test_only_202_with_an_id_is_accepted_and_no_5xx_is_refused(
    status: int, ref: str, body: bytes
) -> None:
    made = answer(reply(status, body, x_message_id=ref))

    assert isinstance(made, Accepted) is (status == 202 and ref == ID)
    if status >= 500 or status < 300:
        assert isinstance(made, Accepted | UnknownOutcome)
    assert type(made) in get_args(Answer)
    text = body.decode("latin-1")[:9]
    assert len(text) < 9 or text not in repr(made)
