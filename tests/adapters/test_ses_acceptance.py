"""What an answer of SES to a send proves, row by row."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final

import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st
from tests.aws_model import errors_of

from outreach.adapters._http import HttpReply
from outreach.adapters.ses.acceptance import QUOTA_UNLESS_TOLD, TABLE, answer
from outreach.adapters.ses.replies import said_by
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal

PAGE: Final = b"<!DOCTYPE html><html><title>403 Forbidden</title></html>"
SENT: Final = {"MessageId": "0102019abc-49a3999c-0ce1-4ea6-ab68-afcd6dc2e794-000000"}
LANE: Final = ("lane", None)
AWAY: Final = ("lane", SenderSignal.DISCONNECTED)
NO_KEY: Final = ("lane", SenderSignal.AUTH_FAILED)
MESSAGE: Final = ("message", None)
NEVER: Final = Refusal.REJECTED
NOBODY: Final = Refusal.INVALID_RECIPIENT
NOT_VERIFIED: Final = (
    "Email address is not verified. The following identities failed the check in "
    "region EU-WEST-1: ion@warm.example"
)


def reply(status: int, body: object = b"", code: str = "", **headers: str) -> HttpReply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if code:
        named["x-amzn-errortype"] = code
    return HttpReply(status, named, raw)


def error(code: str, message: str = "No.", status: int = 400) -> HttpReply:
    return reply(status, {"message": message}, code)


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
    (reply(200, SENT), "accepted"),
    (reply(202, SENT), "accepted"),
    # success that proves nothing
    (reply(200), "unknown"),
    (reply(200, PAGE), "unknown"),
    (reply(200, b"\x00\xffOK"), "unknown"),
    (reply(200, {}), "unknown"),
    (reply(200, {"MessageId": ""}), "unknown"),
    (reply(200, {"MessageId": 7}), "unknown"),
    (reply(200, {"MessageId": "<x> y"}), "unknown"),
    (reply(200, [SENT]), "unknown"),
    (reply(200, SENT, "MessageRejected"), "unknown"),
    # for now
    (error("TooManyRequestsException", status=429), LANE),
    (error("ThrottlingException", "Rate exceeded", 400), LANE),
    (error("Throttling", "Maximum sending rate exceeded.", 400), LANE),
    (error("Throttling", "Daily message quota exceeded.", 454), LANE),
    (error("LimitExceededException"), LANE),
    (error("RequestLimitExceeded", status=403), LANE),
    (reply(429, b"slow down"), LANE),
    (reply(429, {"message": "slow down"}), LANE),
    # the account, the domain, a setting
    (error("AccountSuspendedException"), AWAY),
    (error("SendingPausedException"), AWAY),
    (error("MailFromDomainNotVerifiedException"), AWAY),
    (error("MessageRejected", NOT_VERIFIED), AWAY),
    (error("MessageRejected", "Email address not verified ion@x.ro"), AWAY),
    (error("NotFoundException", "Configuration set <x> does not exist.", 404), AWAY),
    (error("BadRequestException", "Configuration set name is invalid."), AWAY),
    # our key, and our clock
    (error("UnrecognizedClientException", status=403), NO_KEY),
    (error("InvalidClientTokenId", status=403), NO_KEY),
    (error("InvalidSignatureException", "It does not match.", 403), NO_KEY),
    (error("SignatureDoesNotMatch", status=403), NO_KEY),
    (error("IncompleteSignature", status=400), NO_KEY),
    (error("MissingAuthenticationTokenException", status=403), NO_KEY),
    (error("ExpiredTokenException", status=403), NO_KEY),
    (error("AccessDeniedException", "Not authorized: ses:SendEmail", 403), NO_KEY),
    (error("OptInRequired", status=403), NO_KEY),
    (error("RequestExpired", status=400), LANE),
    (error("RequestTimeTooSkewed", status=403), LANE),
    (error("InvalidSignatureException", "Signature expired: x is now", 403), LANE),
    (error("InvalidSignatureException", "Signature not yet current: x", 403), LANE),
    # never
    (error("MessageRejected", "Message contains a virus."), NEVER),
    (error("MessageRejected", "Too many recipients."), NEVER),
    (error("BadRequestException"), NEVER),
    (error("ValidationException"), NEVER),
    (error("SerializationException"), NEVER),
    (reply(413, {"message": "x"}, "RequestEntityTooLarge"), NEVER),
    (error("BadRequestException", "Illegal address"), NOBODY),
    (error("BadRequestException", "Missing final '@domain'"), NOBODY),
    (error("BadRequestException", "Domain contains dot-dot"), NOBODY),
    (error("InvalidParameterValue", "Local address contains control"), NOBODY),
    # the name may stand in the body, too
    (reply(400, {"__type": "x.y#MessageRejected", "message": "No."}), NEVER),
    (reply(429, {"__type": "TooManyRequestsException"}), LANE),
    (reply(400, {"code": "SendingPausedException", "Message": "No."}), AWAY),
    (reply(400, {"message": "No."}, "MessageRejected:http://aws/x"), NEVER),
    # the edge, and elsewhere
    (reply(401, PAGE), LANE),
    (reply(403, PAGE), LANE),
    (reply(404, PAGE), LANE),
    (reply(403, {"message": "Forbidden"}), LANE),
    (reply(403), LANE),
    (reply(301), LANE),
    (reply(307, PAGE), LANE),
    (reply(308), LANE),
    # what no row knows by its name
    (error("UnheardOfException"), MESSAGE),
    (error("UnheardOfException", status=409), MESSAGE),
    # nobody knows
    (error("InternalFailure", status=500), "unknown"),
    (error("InternalServiceError", status=500), "unknown"),
    (error("ServiceUnavailable", status=503), "unknown"),
    (error("TooManyRequestsException", status=503), "unknown"),
    (error("SendingPausedException", status=500), "unknown"),
    (reply(500, PAGE), "unknown"),
    (reply(502, PAGE), "unknown"),
    (reply(503), "unknown"),
    (reply(504, PAGE), "unknown"),
    (reply(408, {"message": "x"}, "RequestTimeout"), "unknown"),
    (reply(400, PAGE), "unknown"),
    (reply(400, {"message": "No."}), "unknown"),
    (reply(302, PAGE), "unknown"),
    (reply(100), "unknown"),
]


@pytest.mark.parametrize(
    ("given", "expected"),
    CASES,
    ids=[f"{n}-{one.status}" for n, (one, _) in enumerate(CASES)],
)
def test_each_answer(given: HttpReply, expected: object) -> None:
    assert kind(answer(given)) == expected


def test_every_row_is_needed() -> None:
    fitting = set()
    for one, _ in CASES:
        said = said_by(one)
        rows = (n for n, row in enumerate(TABLE) if row.fits(said))
        fitting.add(next(rows, len(TABLE)))

    assert fitting == set(range(len(TABLE) + 1))


def test_every_error_of_the_model_has_a_row_of_its_own() -> None:
    unclear = len(TABLE) - 1
    for name, status in errors_of("SendEmail").items():
        said = said_by(error(name, status=status))
        (first, *_) = (n for n, row in enumerate(TABLE) if row.fits(said))

        assert first != unclear, name
        assert TABLE[first].codes is not None, name


def test_botocore_reads_the_same_names() -> None:
    parser = create_parser("rest-json")
    named = 0
    for one, _ in CASES:
        code = said_by(one).code
        if not code or one.status < 300:
            continue
        named += 1
        headers = HeadersDict(dict(one.headers))
        given = {"status_code": one.status, "headers": headers, "body": one.body}

        assert parser.parse(given, None)["Error"]["Code"] == code
    assert named > 40


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (error("TooManyRequestsException", status=429), None),
        (error("LimitExceededException"), QUOTA_UNLESS_TOLD),
        (error("Throttling", "Daily message quota exceeded."), QUOTA_UNLESS_TOLD),
        (
            reply(429, {"message": "x"}, "Throttling", retry_after="7"),
            timedelta(seconds=7),
        ),
        (
            reply(400, {"message": "x"}, "LimitExceeded", retry_after="7"),
            timedelta(seconds=7),
        ),
        (reply(403, PAGE, retry_after="60"), timedelta(minutes=1)),
    ],
)
def test_the_wait(given: HttpReply, expected: timedelta | None) -> None:
    found = answer(given)

    assert isinstance(found, NotAccepted)
    assert found.retry_after == expected


def test_nothing_of_the_vendors_is_quoted() -> None:
    for one, _ in CASES:
        for hidden in ("warm.example", "x.ro", "No.", "0102019abc"):
            found = answer(one)
            shown = repr(found) if not isinstance(found, Accepted) else ""
            assert hidden not in shown


CODES: Final = sorted({code for row in TABLE for code in row.codes or ()})
BODIES: Final = st.one_of(
    st.sampled_from([b"", PAGE, b"{}", b"null", b"[]", b"\xff", b'{"message": "No."}']),
    st.binary(max_size=30),
    st.fixed_dictionaries(
        {},
        optional={
            "MessageId": st.sampled_from(["m-1", "", "a b", 5, None]),
            "message": st.sampled_from(["not verified", "Illegal address", 5, None]),
            "__type": st.sampled_from([*CODES, "x#y", "", 5, None]),
        },
    ).map(lambda one: json.dumps(one).encode()),
)


@pytest.mark.parses
@given(
    status=st.integers(100, 599),
    body=BODIES,
    code=st.sampled_from(["", *CODES, "X", "Ä:", "a#b:c"]),
)
def test_whatever_is_answered_only_what_is_proven_is_said(
    status: int, body: bytes, code: str
) -> None:
    found = answer(reply(status, body, code))

    if isinstance(found, Accepted):
        assert 200 <= status < 300
        assert found.ref == "m-1"
    if isinstance(found, Refused | NotAccepted):
        assert 400 <= status < 500 or status in {301, 307, 308}
        assert status != 408
