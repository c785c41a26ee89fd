"""What Instantly's answers to a send prove, row by row and counter by counter."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.instantly_workspace import HELD

from outreach.adapters._http import HttpReply
from outreach.adapters.instantly.acceptance import (
    TABLE,
    UNPAID_WAIT,
    Body,
    answer,
    body_of,
)
from outreach.adapters.instantly.leads import Unsaid, answers
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Parcel,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal
from outreach.testing.gateway_bench import parcel

PAGE: Final = b"<!DOCTYPE html><html><title>Attention Required! | Cloudflare</title>"
EDGE_JSON: Final = {"title": "Error 1010: Access denied", "status": 403}
NO_KEY: Final = ("lane", SenderSignal.AUTH_FAILED)
LANE: Final = ("lane", None)
MESSAGE: Final = ("message", None)


def error(status: int, message: str = "for ana@firma.ro") -> object:
    return {"statusCode": status, "error": "Error", "message": message}


def reply(status: int, body: object = b"", **headers: str) -> HttpReply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpReply(status, named, raw)


def kind(given: Answer | Unsaid) -> object:
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
        case Unsaid():
            return ("look", kind(given.otherwise))


CASES: Final = [
    (400, error(400), MESSAGE),
    (401, error(401), NO_KEY),
    (401, b"", NO_KEY),
    (401, {"detail": "Invalid token."}, NO_KEY),
    (401, PAGE, LANE),
    (402, error(402), LANE),
    (402, b"", LANE),
    (402, PAGE, LANE),
    (403, error(403), NO_KEY),
    (403, PAGE, LANE),
    (403, b"", LANE),
    (403, EDGE_JSON, LANE),
    (404, error(404), MESSAGE),
    (404, PAGE, LANE),
    (409, error(409), MESSAGE),
    (413, error(413), Refusal.REJECTED),
    (422, error(422), MESSAGE),
    (429, error(429), LANE),
    (429, b"", LANE),
    (429, PAGE, LANE),
    (301, b"", LANE),
    (308, PAGE, LANE),
    (302, PAGE, "unknown"),
    (400, PAGE, "unknown"),
    (400, error(500), "unknown"),
    (408, error(408), "unknown"),
    (413, PAGE, "unknown"),
    (500, error(500), "unknown"),
    (502, PAGE, "unknown"),
    (503, error(503), "unknown"),
    (503, PAGE, "unknown"),
    (504, b"", "unknown"),
    (520, PAGE, "unknown"),
]


@pytest.mark.parametrize(("status", "body", "expected"), CASES)
def test_an_answer_proves_what_the_table_says(
    status: int, body: object, expected: object
) -> None:
    assert kind(answer(reply(status, body))) == expected


def test_every_row_is_the_first_that_fits_for_some_case() -> None:
    firsts = set()
    for status, body, _ in CASES:
        said = body_of(reply(status, body))
        fits = (n for n, row in enumerate(TABLE) if row.fits(status, said))
        firsts |= {next(fits, None)}

    assert firsts >= set(range(len(TABLE)))


def test_no_detail_quotes_what_the_vendor_wrote() -> None:
    for status, body, _ in CASES:
        assert "firma" not in repr(answer(reply(status, body)))


def test_the_wait_asked_for_is_passed_on_and_who_must_pay_waits_an_hour() -> None:
    waits = [
        (answer(reply(429, error(429), retry_after="7")), timedelta(seconds=7)),
        (answer(reply(429, error(429))), None),
        (answer(reply(402, error(402))), UNPAID_WAIT),
        (answer(reply(402, error(402), retry_after="9")), timedelta(seconds=9)),
    ]

    for told, wait in waits:
        assert isinstance(told, NotAccepted)
        assert told.retry_after == wait


# --- the counters of a call


def mails(number: int) -> list[Parcel]:
    return [
        evolve(
            parcel(f"text {place}"),
            permit=Permit(Channel.EMAIL_COLD, State.COLD),
            to=f"a{place}@firma.ro",
            subject="O întrebare",
            campaign=HELD,
        )
        for place in range(number)
    ]


def counted(sent: int, created: list[int] | list[Any], **counts: Any) -> HttpReply:
    """An answer to a call of *sent* leads of which those at *created* were made."""
    listed = [
        {"index": one, "id": f"lead-{one}", "email": f"a{one}@firma.ro"}
        if isinstance(one, int)
        else one
        for one in created
    ]
    body = {
        "status": "success",
        "total_sent": sent,
        "leads_uploaded": len(created),
        "in_blocklist": 0,
        "blocklist_used": None,
        "duplicated_leads": 0,
        "skipped_count": 0,
        "invalid_email_count": 0,
        "incomplete_count": 0,
        "duplicate_email_count": 0,
        "remaining_in_plan": 900,
        "created_leads": listed,
        **counts,
    }
    return reply(200, body)


NOBODY: Final = Refusal.INVALID_RECIPIENT
NEVER: Final = Refusal.REJECTED
COUNTED: Final = [
    (counted(2, [0, 1]), ["accepted"] * 2),
    (counted(2, [1], invalid_email_count=1), [NOBODY, "accepted"]),
    (counted(2, [1], in_blocklist=1), [NEVER, "accepted"]),
    (counted(2, [0], skipped_count=1), ["accepted", NEVER]),
    (counted(2, [0], duplicate_email_count=1), ["accepted", NEVER]),
    (counted(2, [], in_blocklist=1, invalid_email_count=1), [NEVER] * 2),
    (counted(2, [0], duplicated_leads=1), ["accepted", ("look", "unknown")]),
    (
        counted(2, [], duplicated_leads=1, invalid_email_count=1),
        [("look", NOBODY)] * 2,
    ),
    (counted(2, [0], remaining_in_plan=0), ["accepted", LANE]),
    (counted(2, [], remaining_in_plan=0), [LANE, LANE]),
    (
        counted(3, [0], remaining_in_plan=0, duplicated_leads=1),
        ["accepted", ("look", LANE), ("look", LANE)],
    ),
    # a full plan with everybody told is no full plan
    (counted(2, [0], remaining_in_plan=0, in_blocklist=1), ["accepted", NEVER]),
    # what does not add up
    (counted(2, [0]), ["accepted", "unknown"]),
    (counted(2, [0], remaining_in_plan=None), ["accepted", "unknown"]),
    (counted(2, [0], invalid_email_count=2), ["accepted", "unknown"]),
    (counted(2, [0, 1], leads_uploaded=1), ["accepted"] * 2),
    (counted(2, [], leads_uploaded=2), ["unknown"] * 2),
    (counted(3, [0, 1]), ["accepted", "accepted"]),
    (counted(2, [], status="queued", in_blocklist=2), ["unknown"] * 2),
    (counted(2, [0, 0]), ["unknown"] * 2),
    (counted(2, [0, 2]), ["unknown"] * 2),
    (counted(2, [{"index": 0, "id": "x", "email": "b@b.ro"}, 1]), ["unknown"] * 2),
    (counted(2, [{"index": 0, "id": ""}, 1]), ["unknown"] * 2),
    (counted(2, [{"index": True, "id": "x"}, 1]), ["unknown"] * 2),
    (counted(2, ["x"], in_blocklist=1), ["unknown"] * 2),
    (counted(2, [0], invalid_email_count="1"), ["unknown"] * 2),
    (counted(2, [0], in_blocklist=-1), ["unknown"] * 2),
    (reply(200, b""), ["unknown"] * 2),
    (reply(200, PAGE), ["unknown"] * 2),
    (reply(200, []), ["unknown"] * 2),
    (reply(200, error(400)), ["unknown"] * 2),
    (reply(202, {"status": "success"}), ["unknown"] * 2),
    (reply(413, error(413)), [MESSAGE] * 2),
    (reply(429, error(429)), [LANE] * 2),
    (reply(500, error(500)), ["unknown"] * 2),
]


@pytest.mark.parametrize(("said", "expected"), COUNTED)
def test_the_counters_say_what_became_of_each(
    said: HttpReply, expected: list[object]
) -> None:
    told = answers(said, mails(2 if len(expected) < 3 else 3))

    assert [kind(one) for one in told] == expected


def test_the_id_of_a_lead_is_the_vendors() -> None:
    assert answers(counted(2, [1, 0]), mails(2)) == [
        Accepted("lead-0"),
        Accepted("lead-1"),
    ]


def test_a_thousand_leads_are_read() -> None:
    told = answers(counted(1_000, list(range(1_000))), mails(1_000))

    assert told == [Accepted(f"lead-{place}") for place in range(1_000)]


NUMBERS = st.integers(0, 3) | st.sampled_from([None, "1", -1, 1.0, True])
NAMES: Final = (
    *("in_blocklist", "duplicated_leads", "skipped_count", "invalid_email_count"),
    *("incomplete_count", "duplicate_email_count", "remaining_in_plan"),
    *("total_sent", "leads_uploaded"),
)
ROWS = st.lists(
    st.integers(0, 3)
    | st.fixed_dictionaries({"index": NUMBERS, "id": st.sampled_from(["x", "", None])}),
    max_size=3,
)


@pytest.mark.parses
@given(ROWS, st.dictionaries(st.sampled_from(NAMES), NUMBERS), st.integers(100, 599))
def test_whatever_comes_is_an_answer_each_and_accepted_only_with_an_id(
    rows: list[Any], counts: dict[str, Any], status: int
) -> None:
    said = evolve(counted(3, rows, **counts), status=status)

    told = answers(said, mails(3))

    assert len(told) == 3
    for place, one in enumerate(told):
        if isinstance(one, Accepted):
            assert 200 <= status < 300
            assert f'"{one.ref}"'.encode() in said.body
        if 200 <= status < 300 and not isinstance(one, Accepted | UnknownOutcome):
            # Proven only by counters that account for everybody.
            body = json.loads(said.body)
            assert body["total_sent"] == 3, place
            assert body["leads_uploaded"] == len(body["created_leads"])


def test_the_shapes_of_bodies_are_told_apart() -> None:
    shapes = {
        body_of(reply(400, error(400))): Body.ERROR,
        body_of(reply(400, error(401))): Body.JSON,
        body_of(reply(400, b" \n")): Body.EMPTY,
        body_of(reply(400, PAGE)): Body.OTHER,
    }

    assert all(found is expected for found, expected in shapes.items())
