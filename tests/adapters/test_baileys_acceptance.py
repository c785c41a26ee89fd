"""What an answer to a send proves, line by line, in each dialect."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.adapters._http import HttpReply
from outreach.adapters.baileys import BaileysApi, Dialect, Evolution, Waha
from outreach.adapters.baileys.api import TABLE as API_TABLE
from outreach.adapters.baileys.evolution import TABLE as EVOLUTION_TABLE
from outreach.adapters.baileys.replies import Row, said_by
from outreach.adapters.baileys.waha import TABLE as WAHA_TABLE
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal
from outreach.testing.gateway import OURS, THEIRS, parcel

API, WAHA, EVOLUTION = BaileysApi(), Waha(), Evolution()
TABLES: Final[list[tuple[Dialect, tuple[Row, ...]]]] = [
    (API, API_TABLE),
    (WAHA, WAHA_TABLE),
    (EVOLUTION, EVOLUTION_TABLE),
]
PAGE: Final = b"<!DOCTYPE html><html><title>502 Bad Gateway</title></html>"
LANE: Final = ("lane", None)
MESSAGE: Final = ("message", None)
OFFLINE: Final = ("lane", SenderSignal.DISCONNECTED)
NO_KEY: Final = ("lane", SenderSignal.AUTH_FAILED)
BACK_SOON: Final = ("lane", SenderSignal.RECONNECTING)
KEY: Final = {"remoteJid": "40731000001@s.whatsapp.net", "fromMe": True, "id": "3EB0A1"}
EVERYWHERE: Final = [
    (429, b"", LANE),
    (429, PAGE, LANE),
    (429, {"message": "ThrottlerException: Too Many Requests"}, LANE),
    (401, PAGE, LANE),
    (403, PAGE, LANE),
    (403, b"", LANE),
    (404, PAGE, LANE),
    (404, b"", LANE),
    (301, b"", LANE),
    (308, PAGE, LANE),
    (401, b"", NO_KEY),
    (401, {"message": "Unauthorized"}, NO_KEY),
    (403, {"error": "Forbidden"}, NO_KEY),
    (200, b"", "unknown"),
    (201, PAGE, "unknown"),
    (200, b"OK", "unknown"),
    (200, {"data": None}, "unknown"),
    (302, PAGE, "unknown"),
    (408, {"message": "Timeout"}, "unknown"),
    (500, PAGE, "unknown"),
    (500, {"message": "Internal server error"}, "unknown"),
    (502, PAGE, "unknown"),
    (503, PAGE, "unknown"),
    (503, {"message": "no healthy upstream"}, "unknown"),
    (504, b"", "unknown"),
    (413, {"message": "request entity too large"}, Refusal.REJECTED),
]


def evolution_error(status: int, message: object) -> dict[str, object]:
    return {"status": status, "error": "No", "response": {"message": message}}


EXPECTED_STATUS: Final = {"error": "Session status is not as expected.", "session": "1"}
CASES: Final[dict[str, list[tuple[int, object, object]]]] = {
    "baileys-api": [
        *EVERYWHERE,
        (200, {"data": {"key": KEY, "messageTimestamp": "1"}}, "accepted"),
        (200, {"data": {"key": {"id": ""}}}, "unknown"),
        (401, b"Unauthorized", NO_KEY),
        (403, {"error": "Forbidden", "message": "of another key"}, NO_KEY),
        (403, b"Forbidden", NO_KEY),
        (404, b"Phone number not connected", OFFLINE),
        (404, {"error": "Phone number not connected"}, OFFLINE),
        (404, {"error": "NOT_FOUND"}, MESSAGE),
        (409, b"Message is already being processed", "unknown"),
        (421, {"error": "wrong worker"}, LANE),
        (421, b"", LANE),
        (422, {"type": "validation", "on": "body"}, Refusal.REJECTED),
        (400, {"code": "PARSE"}, MESSAGE),
        (500, b"Message not sent", "unknown"),
        (413, PAGE, "unknown"),
    ],
    "waha": [
        *EVERYWHERE,
        (201, {"id": "true_40731000001@c.us_3EB0A1"}, "accepted"),
        (200, {"id": "true_40731000001@c.us_3EB0A1"}, "accepted"),
        (201, {"id": {"_serialized": "true_4073@c.us_3EB0A1"}}, "accepted"),
        (201, {"key": KEY, "messageTimestamp": "1"}, "accepted"),
        (201, {"id": 7}, "unknown"),
        (403, b"no", "unknown"),
        (404, {"message": 'Session "1" does not exist', "statusCode": 404}, OFFLINE),
        (404, {"message": "Cannot POST /api/sendtext"}, MESSAGE),
        (
            422,
            {**EXPECTED_STATUS, "status": "STARTING", "expected": ["WORKING"]},
            BACK_SOON,
        ),
        (
            422,
            {**EXPECTED_STATUS, "status": "FAILED", "expected": ["WORKING"]},
            OFFLINE,
        ),
        (422, {"message": "no chat"}, MESSAGE),
        (400, {"message": ["chatId must be a string"]}, Refusal.REJECTED),
        (400, {"message": "no"}, MESSAGE),
        (
            500,
            {"exception": {"message": "2 UNKNOWN: server returned error 463"}},
            Refusal.COLD_RESTRICTED,
        ),
        (
            500,
            {"exception": {"message": "2 UNKNOWN: server returned error 475"}},
            Refusal.COLD_RESTRICTED,
        ),
        (500, {"exception": {"message": "server returned error 4630"}}, "unknown"),
        (500, {"exception": {"message": "server returned error 479"}}, "unknown"),
        (413, b"too large", Refusal.REJECTED),
        (413, PAGE, "unknown"),
    ],
    "evolution": [
        *EVERYWHERE,
        (201, {"key": KEY, "status": "PENDING"}, "accepted"),
        (200, {"key": KEY, "status": "PENDING"}, "accepted"),
        (201, {"key": {}, "status": "PENDING"}, "unknown"),
        (401, evolution_error(401, "Unauthorized"), NO_KEY),
        (404, evolution_error(404, ['The "1" instance does not exist']), OFFLINE),
        (404, evolution_error(404, ["Cannot POST /message"]), "unknown"),
        (
            400,
            evolution_error(400, [{"jid": "1", "exists": False, "number": "1"}]),
            Refusal.INVALID_RECIPIENT,
        ),
        (
            400,
            evolution_error(400, {"exists": False, "number": "1"}),
            Refusal.INVALID_RECIPIENT,
        ),
        (
            400,
            evolution_error(400, [['instance requires property "text"']]),
            Refusal.REJECTED,
        ),
        (400, evolution_error(400, ["TypeError: of undefined"]), "unknown"),
        (400, evolution_error(400, "Error: Connection Closed"), "unknown"),
        (400, evolution_error(400, []), "unknown"),
        (400, PAGE, "unknown"),
        (400, b"", "unknown"),
        (422, {"message": "no"}, "unknown"),
        (500, evolution_error(500, "Connection Closed"), "unknown"),
        (503, {"code": "LICENSE_REQUIRED", "error": "No"}, LANE),
        (413, b"too large", Refusal.REJECTED),
    ],
}
DIALECTS: Final[dict[str, Dialect]] = {one.name: one for one, _ in TABLES}


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


@pytest.mark.parametrize(
    ("dialect", "status", "body", "expected"),
    [(name, *case) for name, cases in CASES.items() for case in cases],
)
def test_an_answer_proves_what_the_table_says(
    dialect: str, status: int, body: object, expected: object
) -> None:
    told = DIALECTS[dialect].answer(reply(status, body), parcel())

    assert kind(told) == expected


@pytest.mark.parametrize(("dialect", "table"), TABLES, ids=lambda one: str(one)[:12])
def test_every_line_is_the_first_that_fits_for_some_case(
    dialect: Dialect, table: tuple[Row, ...]
) -> None:
    firsts = set()
    for status, body, _ in CASES[dialect.name]:
        said = said_by(reply(status, body))
        firsts |= {next((n for n, row in enumerate(table) if row.fits(said)), None)}

    assert firsts >= set(range(len(table)))


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_the_wait_asked_for_is_passed_on(dialect: Dialect) -> None:
    told = dialect.answer(reply(429, b"", retry_after="7"), parcel())

    assert isinstance(told, NotAccepted)
    assert told.retry_after == timedelta(seconds=7)


def test_a_linked_id_that_an_answer_tells_is_the_conversation() -> None:
    key = {**KEY, "remoteJid": "987654@lid"}
    answers = [
        API.answer(reply(200, {"data": {"key": key}}), parcel()),
        WAHA.answer(
            reply(201, {"id": "true_1@lid_3EB0", "_data": {"key": key}}), parcel()
        ),
        EVOLUTION.answer(reply(201, {"key": key}), parcel()),
    ]

    threads = {one.thread for one in answers if isinstance(one, Accepted)}
    assert len(threads) == 1
    assert threads.pop().startswith("987654@lid/")


def test_no_detail_quotes_what_the_gateway_wrote() -> None:
    for name, cases in CASES.items():
        for status, body, _ in cases:
            shown = repr(DIALECTS[name].answer(reply(status, body), parcel()))

            assert THEIRS[1:] not in shown
            assert OURS[0][1:] not in shown


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
SHAPED = st.fixed_dictionaries(
    {},
    optional={
        "data": JSON | st.fixed_dictionaries({"key": JSON | st.just(KEY)}),
        "key": JSON | st.just(KEY),
        "id": JSON,
        "message": JSON,
        "response": JSON | st.fixed_dictionaries({"message": JSON}),
        "expected": JSON,
        "status": JSON,
    },
)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@given(
    status=st.integers(100, 599),
    body=st.binary() | (JSON | SHAPED).map(lambda one: json.dumps(one).encode()),
)
def test_whatever_comes_is_an_answer_and_a_proof_only_where_there_is_one(
    dialect: Dialect, status: int, body: bytes
) -> None:
    told = dialect.answer(reply(status, body), parcel())

    if isinstance(told, Accepted):
        assert 200 <= status < 300
        assert told.ref
    if isinstance(told, Refused):
        assert 400 <= status < 500 or told.kind is Refusal.COLD_RESTRICTED
    if isinstance(told, NotAccepted):
        assert 300 <= status < 500 or status == 503
