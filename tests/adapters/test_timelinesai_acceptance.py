"""What an answer to a send proves, row by row."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.adapters._http import HttpReply
from outreach.adapters.timelinesai.acceptance import TABLE, answer
from outreach.adapters.timelinesai.replies import said_by
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal

SENDER: Final = "+40720000001"
PHONE: Final = "+40731000001"
PAGE: Final = b"<!DOCTYPE html><html><title>Attention Required! | Cloudflare</title>"
EDGE_JSON: Final = {"title": "Error 1010: Access denied", "status": 403}
OFFLINE: Final = SenderSignal.DISCONNECTED
NO_KEY: Final = SenderSignal.AUTH_FAILED


def error(message: str = "No", code: str | None = None, field: str = "") -> object:
    body: dict[str, object] = {"status": "error", "message": message}
    body |= {"error_code": code} if code else {}
    body |= {"errors": [{"fields": [field], "msg": message}]} if field else {}
    return body


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


LANE: Final = ("lane", None)
MESSAGE: Final = ("message", None)
SENT: Final = {"status": "ok", "data": {"message_uid": "a5bbb005-37f2"}}

CASES: Final = [
    (200, SENT, "accepted"),
    (202, SENT, "accepted"),
    (200, b"", "unknown"),
    (200, PAGE, "unknown"),
    (200, {"status": "ok", "data": {}}, "unknown"),
    (200, {"status": "ok", "data": {"message_uid": ""}}, "unknown"),
    (200, {"status": "ok", "data": {"message_uid": 7}}, "unknown"),
    (200, error("Message quota exceeded", "quota_exceeded"), "unknown"),
    # documented codes
    (400, error(code="rate_limit_exceeded"), LANE),
    (402, error(code="quota_exceeded"), LANE),
    (403, error(code="quota_exceeded"), LANE),
    (403, error(code="plan_feature_unavailable"), LANE),
    (409, error(code="account_inactive"), ("lane", OFFLINE)),
    (403, error(code="account_inactive"), ("lane", OFFLINE)),
    (401, error(code="missing_credentials"), ("lane", NO_KEY)),
    (401, error(code="invalid_token"), ("lane", NO_KEY)),
    (403, error(code="member_not_found"), ("lane", NO_KEY)),
    (403, error(code="permission_denied"), ("lane", NO_KEY)),
    (403, error(code="insufficient_scope"), ("lane", NO_KEY)),
    (400, error(code="service_window_closed"), Refusal.REJECTED),
    (400, error(code="template_not_approved"), Refusal.REJECTED),
    (400, error(code="not_supported"), Refusal.REJECTED),
    (404, error(code="not_found"), MESSAGE),
    (400, error(code="internal_error"), "unknown"),
    (503, error(code="internal_error"), "unknown"),
    # words and fields, as the live API answers without codes
    (429, b"", LANE),
    (429, PAGE, LANE),
    (429, error("Rate limit exceeded"), LANE),
    (403, error("Message quota exceeded"), LANE),
    (400, error("Message quota exceeded"), LANE),
    (400, error("No connected WhatsApp account"), ("lane", OFFLINE)),
    (404, error("No connected WhatsApp account", "not_found"), ("lane", OFFLINE)),
    (400, error("No", "validation_error", "whatsapp_account_phone"), ("lane", OFFLINE)),
    (400, error(f'Wrong phone number "{PHONE}"'), Refusal.INVALID_RECIPIENT),
    (422, error(f'Wrong phone number "{PHONE}"'), Refusal.INVALID_RECIPIENT),
    (400, error("Invalid phone number format"), Refusal.INVALID_RECIPIENT),
    (400, error("No", "validation_error", "phone"), Refusal.INVALID_RECIPIENT),
    (400, error(f'Wrong phone number "{SENDER}"'), ("lane", OFFLINE)),
    (400, error(f'Wrong phone number "{SENDER}9"'), Refusal.INVALID_RECIPIENT),
    (400, error("Too long", "validation_error", "text"), Refusal.REJECTED),
    (400, error("Something is wrong"), MESSAGE),
    (413, error("Payload is too large"), Refusal.REJECTED),
    # the status
    (401, b"", ("lane", NO_KEY)),
    (401, error("Unauthorized"), ("lane", NO_KEY)),
    (401, {"detail": "Invalid token."}, ("lane", NO_KEY)),
    (403, error("Access denied"), ("lane", NO_KEY)),
    (401, PAGE, LANE),
    (403, PAGE, LANE),
    (403, b"", LANE),
    (403, EDGE_JSON, LANE),
    (404, PAGE, LANE),
    (404, error('Chat "7" not found'), MESSAGE),
    (409, error("Conflict"), MESSAGE),
    (301, b"", LANE),
    (308, PAGE, LANE),
    (302, PAGE, "unknown"),
    (303, b"", "unknown"),
    (503, error("Service temporarily unavailable"), LANE),
    (503, {"message": "no healthy upstream"}, "unknown"),
    (503, PAGE, "unknown"),
    (503, b"", "unknown"),
    (500, error("Internal error"), "unknown"),
    (500, PAGE, "unknown"),
    (502, PAGE, "unknown"),
    (504, PAGE, "unknown"),
    (520, PAGE, "unknown"),
    (400, PAGE, "unknown"),
    (408, error("Timeout"), "unknown"),
    (413, PAGE, "unknown"),
]


@pytest.mark.parametrize(("status", "body", "expected"), CASES)
def test_an_answer_proves_what_the_table_says(
    status: int, body: object, expected: object
) -> None:
    assert kind(answer(reply(status, body), sender=SENDER)) == expected


def test_every_row_is_the_first_that_fits_for_some_case() -> None:
    firsts = set()
    for status, body, _ in CASES:
        said = said_by(reply(status, body))
        firsts |= {next((r for r, row in enumerate(TABLE) if row.fits(said)), None)}

    assert firsts >= set(range(len(TABLE)))


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_asked_for_is_passed_on(status: int) -> None:
    told = answer(reply(status, error(), retry_after="7"), sender=SENDER)

    assert isinstance(told, NotAccepted)
    assert told.retry_after == timedelta(seconds=7)


def test_the_id_of_the_message_is_the_vendors() -> None:
    assert answer(reply(200, SENT), sender=SENDER) == Accepted("a5bbb005-37f2")


def test_no_detail_quotes_what_the_vendor_wrote() -> None:
    for status, body, _ in CASES:
        told = repr(answer(reply(status, body), sender=SENDER))

        assert PHONE[1:] not in told
        assert SENDER[1:] not in told


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda one: (
        st.lists(one, max_size=2)
        | st.dictionaries(st.text(max_size=8), one, max_size=2)
    ),
    max_leaves=3,
)
SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["ok", "error"]) | JSON,
        "message": st.text() | JSON,
        "error_code": JSON,
        "errors": JSON | st.lists(st.fixed_dictionaries({"fields": JSON})),
        "data": JSON | st.fixed_dictionaries({"message_uid": JSON}),
    },
)


@pytest.mark.parses
@given(
    st.integers(100, 599),
    st.binary() | (JSON | SHAPED).map(lambda body: json.dumps(body).encode()),
)
def test_whatever_comes_is_an_answer_and_a_proof_only_where_there_is_one(
    status: int, body: bytes
) -> None:
    told = answer(reply(status, body), sender=SENDER)

    is_api = said_by(reply(status, body)).code or b'"error"' in body
    if isinstance(told, Accepted):
        assert 200 <= status < 300
        assert told.ref.encode() in body
    if isinstance(told, Refused):
        assert 400 <= status < 500
        assert is_api
    if isinstance(told, NotAccepted):
        proofs = {301, 307, 308, 401, 403, 404, 429}
        assert status in proofs or (is_api and (status < 500 or status == 503))
