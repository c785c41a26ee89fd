"""What an answer to a send proves, row by row."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.adapters._http import HttpReply
from outreach.adapters.wamm.acceptance import TABLE, answer
from outreach.adapters.wamm.replies import said_by
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
REF: Final = "7b1f0a52-1f43-5d51-8a6e-0c8a3d3a0b11"
LANE: Final = ("lane", None)
OFFLINE: Final = ("lane", SenderSignal.DISCONNECTED)
NO_KEY: Final = ("lane", SenderSignal.AUTH_FAILED)
MESSAGE: Final = ("message", None)


def error(message: object = "Something went wrong") -> dict[str, object]:
    return {"status": "error", "message": message}


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


CASES: Final = [
    (200, {"status": "success"}, "accepted"),
    (200, {"status": "success", "message": "Access token"}, "accepted"),
    (200, {"ok": True}, "accepted"),
    (200, {"message": "ok"}, "accepted"),
    (201, {"status": "success"}, "accepted"),
    # whose error it is
    (200, error("Access token does not exist"), NO_KEY),
    (200, error("The access_token field is required"), NO_KEY),
    (401, error("Access token does not exist"), NO_KEY),
    (400, error("Instance ID Invalidated"), OFFLINE),
    (200, error("Instance ID Invalidated"), OFFLINE),
    (200, error("instance_id is required"), OFFLINE),
    # what leaves it open
    (200, error(), "unknown"),
    (200, error(None), "unknown"),
    (200, {"status": "error", "ok": True}, "unknown"),
    (200, {"ok": False}, "unknown"),
    (200, {"message": "OK then"}, "unknown"),
    (200, {}, "unknown"),
    (200, [], "unknown"),
    (200, b"", "unknown"),
    (200, PAGE, "unknown"),
    (204, b"", "unknown"),
    (408, error(), "unknown"),
    (400, PAGE, "unknown"),
    (400, {"status": "success"}, "unknown"),
    (422, {"message": "The number field is required."}, "unknown"),
    (500, error("Access token does not exist"), "unknown"),
    (500, PAGE, "unknown"),
    (502, PAGE, "unknown"),
    (503, error(), "unknown"),
    (504, b"", "unknown"),
    (302, b"", "unknown"),
    (100, b"", "unknown"),
    # what says it by its status
    (429, b"", LANE),
    (429, PAGE, LANE),
    (429, error("Instance ID Invalidated"), LANE),
    (414, PAGE, Refusal.REJECTED),
    (414, b"", Refusal.REJECTED),
    (401, error(), NO_KEY),
    (403, error(), NO_KEY),
    (401, PAGE, LANE),
    (401, b"", LANE),
    (403, PAGE, LANE),
    (404, PAGE, LANE),
    (404, {"message": "no such route"}, LANE),
    (301, b"", LANE),
    (308, PAGE, LANE),
    (400, error(), MESSAGE),
    (404, error(), MESSAGE),
    (422, error(), MESSAGE),
]


@pytest.mark.parametrize(("status", "body", "expected"), CASES)
def test_what_an_answer_proves(status: int, body: object, expected: object) -> None:
    made = answer(reply(status, body), ref=REF)

    assert kind(made) == expected
    if isinstance(made, Accepted):
        assert made.ref == REF


def test_every_row_of_the_table_is_met() -> None:
    met = set()
    for status, body, _ in CASES:
        said = said_by(reply(status, body))
        met.add(next((i for i, row in enumerate(TABLE) if row.fits(said)), None))

    assert met == {None, *range(len(TABLE))}


def test_a_wait_that_is_asked_for_is_passed_on() -> None:
    made = answer(reply(429, b"", retry_after="7"), ref=REF)

    assert isinstance(made, NotAccepted)
    assert made.retry_after == timedelta(seconds=7)


@pytest.mark.parses
@given(
    st.integers(100, 599),
    st.one_of(
        st.binary(max_size=80),
        st.fixed_dictionaries(
            {},
            optional={
                "status": st.sampled_from(["success", "error", "canary", 5]),
                "message": st.text(max_size=20)
                | st.sampled_from(["ok", "access token"]),
                "ok": st.booleans(),
            },
        ).map(lambda body: json.dumps(body).encode()),
    ),
)
def test_only_a_success_that_says_so_is_accepted_and_no_5xx_is_refused(
    status: int, body: bytes
) -> None:
    made = answer(reply(status, body), ref=REF)

    if isinstance(made, Accepted):
        assert 200 <= status < 300
        said = json.loads(body)
        assert said.get("status") == "success" or "ok" in said or "message" in said
        assert said.get("status") != "error"
    if status >= 500:
        assert isinstance(made, UnknownOutcome)
    assert type(made) in get_args(Answer)
    text = body.decode("latin-1")[:9]
    assert len(text) < 9 or text not in repr(made)
