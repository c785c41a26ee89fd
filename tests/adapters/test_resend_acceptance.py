"""What an answer to a send proves, row by row."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from resend.exceptions import ERRORS

from outreach.adapters._http import HttpReply
from outreach.adapters.resend.acceptance import QUOTA_UNLESS_TOLD, TABLE, answer
from outreach.adapters.resend.replies import said_by
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
AWAY: Final = SenderSignal.DISCONNECTED
NO_KEY: Final = SenderSignal.AUTH_FAILED
TO: Final = "Invalid `to` field. The email address needs to follow the format."
FROM: Final = "Invalid `from` field. The email address needs to follow the format."


def error(name: str, message: str = "No.", status: int = 400) -> object:
    return {"statusCode": status, "name": name, "message": message}


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
SENT: Final = {"id": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794"}

CASES: Final = [
    (200, SENT, "accepted"),
    (201, SENT, "accepted"),
    (202, SENT, "accepted"),
    (200, b"", "unknown"),
    (200, PAGE, "unknown"),
    (200, {}, "unknown"),
    (200, {"id": ""}, "unknown"),
    (200, {"id": 7}, "unknown"),
    (200, error("daily_quota_exceeded"), "unknown"),
    (204, b"", "unknown"),
    # the name says it, whatever the status
    (429, error("rate_limit_exceeded"), LANE),
    (429, error("daily_quota_exceeded"), LANE),
    (429, error("monthly_quota_exceeded"), LANE),
    (403, error("monthly_quota_exceeded"), LANE),
    (401, error("missing_api_key"), ("lane", NO_KEY)),
    (401, error("restricted_api_key"), ("lane", NO_KEY)),
    (403, error("invalid_api_key"), ("lane", NO_KEY)),
    (400, error("invalid_api_key"), ("lane", NO_KEY)),
    (403, error("invalid_access"), ("lane", NO_KEY)),
    (422, error("invalid_from_address"), ("lane", AWAY)),
    (
        403,
        error("validation_error", "The a.ro domain is not verified."),
        ("lane", AWAY),
    ),
    (
        403,
        error("validation_error", "You can only send testing emails to your own."),
        ("lane", AWAY),
    ),
    (422, error("validation_error", FROM), ("lane", AWAY)),
    (422, error("validation_error", TO), Refusal.INVALID_RECIPIENT),
    (400, error("validation_error", TO), Refusal.INVALID_RECIPIENT),
    (422, error("invalid_parameter", TO), Refusal.INVALID_RECIPIENT),
    (422, error("validation_error", "Invalid `subject` field."), Refusal.REJECTED),
    (422, error("missing_required_field", "Missing `subject`."), Refusal.REJECTED),
    (422, error("invalid_attachment"), Refusal.REJECTED),
    (400, error("invalid_idempotency_key"), Refusal.REJECTED),
    (409, error("invalid_idempotent_request"), "unknown"),
    (409, error("concurrent_idempotent_requests"), "unknown"),
    (500, error("application_error"), "unknown"),
    (400, error("application_error"), "unknown"),
    (500, error("internal_server_error"), "unknown"),
    (404, error("not_found"), LANE),
    (405, error("method_not_allowed"), LANE),
    (451, error("security_error"), MESSAGE),
    (422, error("invalid_region"), Refusal.REJECTED),
    # the status, where the name is new or none is there
    (429, b"", LANE),
    (429, PAGE, LANE),
    (429, error("something_new"), LANE),
    (401, b"", ("lane", NO_KEY)),
    (401, error("something_new"), ("lane", NO_KEY)),
    (401, {"detail": "no"}, ("lane", NO_KEY)),
    (403, error("something_new"), MESSAGE),
    (400, error("something_new"), MESSAGE),
    (409, error("something_new"), MESSAGE),
    (413, error("something_new"), Refusal.REJECTED),
    (401, PAGE, LANE),
    (403, PAGE, LANE),
    (403, b"", LANE),
    (403, {"title": "Error 1010: Access denied"}, LANE),
    (404, PAGE, LANE),
    (301, b"", LANE),
    (308, PAGE, LANE),
    (422, PROBLEM, "unknown"),
    (400, PAGE, "unknown"),
    (408, error("rate_limit_exceeded"), "unknown"),
    (409, {}, "unknown"),
    (500, PAGE, "unknown"),
    (500, b"", "unknown"),
    (502, PAGE, "unknown"),
    (503, PAGE, "unknown"),
    (503, error("rate_limit_exceeded"), "unknown"),
    (504, b"", "unknown"),
    (303, b"", "unknown"),
    (100, b"", "unknown"),
]


@pytest.mark.parametrize(("status", "body", "expected"), CASES)
def test_what_an_answer_proves(status: int, body: object, expected: object) -> None:
    assert kind(answer(reply(status, body))) == expected


def test_every_row_of_the_table_is_met() -> None:
    met = set()
    for status, body, _ in CASES:
        said = said_by(reply(status, body))
        met.add(next((i for i, row in enumerate(TABLE) if row.fits(said)), None))

    assert met == {None, *range(len(TABLE))}


def test_every_error_that_the_vendors_own_package_knows_is_told_apart() -> None:
    for code, names in ERRORS.items():
        for name in names:
            made = answer(reply(int(code), error(name)))

            assert "unclear" not in repr(made), (code, name)
            assert "not in the acceptance table" not in repr(made), (code, name)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "3"}, timedelta(seconds=3)),
        ({"ratelimit_reset": "2"}, timedelta(seconds=2)),
        ({"retry_after": "3", "ratelimit_reset": "2"}, timedelta(seconds=3)),
        ({"ratelimit_reset": "soon"}, None),
        ({}, None),
    ],
)
def test_a_rate_limit_waits_as_long_as_it_says(
    headers: dict[str, str], wait: timedelta | None
) -> None:
    made = answer(reply(429, error("rate_limit_exceeded"), **headers))

    assert isinstance(made, NotAccepted)
    assert made.retry_after == wait


@pytest.mark.parametrize("name", ["daily_quota_exceeded", "monthly_quota_exceeded"])
@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"date": "Fri, 20 Nov 2026 21:30:00 GMT"}, timedelta(hours=2, minutes=30)),
        ({"date": "Fri, 20 Nov 2026 23:30:00 +0200"}, timedelta(hours=2, minutes=30)),
        ({"date": "Fri, 20 Nov 2026 21:30:00 GMT", "ratelimit_reset": "1"}, None),
        ({"retry_after": "60"}, timedelta(minutes=1)),
        ({"date": "one day"}, QUOTA_UNLESS_TOLD),
        ({}, QUOTA_UNLESS_TOLD),
    ],
)
def test_a_quota_waits_for_the_vendors_next_day_and_not_for_the_rate(
    name: str, headers: dict[str, str], wait: timedelta | None
) -> None:
    made = answer(reply(429, error(name), **headers))

    assert isinstance(made, NotAccepted)
    assert made.retry_after == (wait or timedelta(hours=2, minutes=30))


@pytest.mark.parses
@given(
    st.integers(100, 599),
    st.one_of(
        st.binary(max_size=80),
        st.fixed_dictionaries(
            {"name": st.text(max_size=20), "message": st.text(max_size=20)}
        ).map(lambda body: json.dumps(body).encode()),
    ),
)
def test_only_a_success_with_an_id_is_accepted_and_no_5xx_is_refused(
    status: int, body: bytes
) -> None:
    made = answer(reply(status, body))

    if isinstance(made, Accepted):
        assert 200 <= status < 300
        assert made.ref
    if status >= 500 or status < 300:
        assert isinstance(made, Accepted | UnknownOutcome)
    assert type(made) in get_args(Answer)
    for secret in ("canary", body.decode("latin-1")[:9] or "canary"):
        assert len(secret) < 9 or secret not in repr(made)
