"""What each answer of a mail server, at each stage, proves: the table, line by line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.smtp_pool import PASSWORD, SmtpBench, as_mail, opened
from tests.mail_server import Ends, Says

from outreach.adapters.smtp.acceptance import (
    LONGEST_WAIT,
    TABLE,
    Said,
    Stage,
    answer,
    lost,
)
from outreach.domain.login import Login, Security
from outreach.domain.message import (
    Accepted,
    Answer,
    NotAccepted,
    Refusal,
    Refused,
    UnknownOutcome,
)
from outreach.domain.sender import SenderSignal
from outreach.testing.gateway import parcel

AMPLE: Final = timedelta(seconds=10)
SHORT: Final = timedelta(milliseconds=300)

ACCEPTED: Final = "accepted"
LATER: Final = "the lane waits"
ALONE: Final = "this message waits"
NOBODY: Final = "nobody there"
LOCKED: Final = "must be let in"
AT_REST: Final = "must be looked at"
UNKNOWN: Final = "unknown"

TOLD: Final[list[tuple[str, Says, str]]] = [
    # the greeting
    ("GREETING", "421 4.3.2 too many connections", LATER),
    ("GREETING", "554 no mail from you", LATER),
    ("GREETING", "554 5.7.1 your network is listed", AT_REST),
    ("GREETING", "nonsense", LATER),
    ("GREETING", Ends.CUT, LATER),
    # the hello
    ("EHLO", "421 4.3.2 closing", LATER),
    ("EHLO", "502 not known", LATER),
    ("EHLO", "550 5.7.1 I do not like your name", AT_REST),
    ("EHLO", Ends.CUT, LATER),
    # the sign-in
    ("AUTH", "535 5.7.8 wrong", LOCKED),
    ("AUTH", "534 5.7.9 a stronger one is needed", LOCKED),
    ("AUTH", "538 5.7.11 needs encryption", LOCKED),
    ("AUTH", "504 5.5.4 not known", LOCKED),
    ("AUTH", "454 4.7.0 not just now", LATER),
    ("AUTH", "432 4.7.12 change your password", LATER),
    ("AUTH", "421 4.7.0 too many tries", LATER),
    ("AUTH", Ends.CUT, LATER),
    # the sender
    ("MAIL", "421 4.3.2 closing", LATER),
    ("MAIL", "450 4.7.1 slowly", LATER),
    ("MAIL", "451 4.3.0 trouble", LATER),
    ("MAIL", "452 4.3.1 no space", LATER),
    ("MAIL", "530 5.7.0 sign in first", LOCKED),
    ("MAIL", "550 5.4.5 daily limit reached", AT_REST),
    ("MAIL", "550 5.1.8 no such domain", AT_REST),
    ("MAIL", "550 not you", AT_REST),
    ("MAIL", "552 5.2.2 over quota", AT_REST),
    ("MAIL", "553 5.7.1 not your address", AT_REST),
    ("MAIL", "554 5.7.1 refused by policy", AT_REST),
    ("MAIL", "501 syntax", AT_REST),
    ("MAIL", "354 what?", LATER),
    ("MAIL", Ends.CUT, LATER),
    # the recipient
    ("RCPT", "421 4.7.0 too fast", LATER),
    ("RCPT", "450 greylisted", LATER),
    ("RCPT", "450 4.7.1 greylisted", LATER),
    ("RCPT", "451 4.7.1 greylisted", LATER),
    ("RCPT", "452 4.5.3 too many recipients", LATER),
    ("RCPT", "450 4.2.1 mailbox busy", ALONE),
    ("RCPT", "452 4.2.2 mailbox full", ALONE),
    ("RCPT", "451 4.1.8 domain not found", ALONE),
    ("RCPT", "530 5.7.0 sign in first", LOCKED),
    ("RCPT", "550 5.1.1 no such user", NOBODY),
    ("RCPT", "550 5.1.2 no such domain", NOBODY),
    ("RCPT", "550 5.1.10 null MX", NOBODY),
    ("RCPT", "550 no such user", NOBODY),
    ("RCPT", "551 5.1.6 moved", NOBODY),
    ("RCPT", "553 5.1.3 bad syntax", NOBODY),
    ("RCPT", "550 5.2.1 mailbox disabled", NOBODY),
    ("RCPT", "552 5.2.2 mailbox full", NOBODY),
    ("RCPT", "550 5.1.8 bad sender", AT_REST),
    ("RCPT", "550 5.1.7 bad sender", AT_REST),
    ("RCPT", "550 5.7.1 you are listed", AT_REST),
    ("RCPT", "554 5.7.1 relay access denied", AT_REST),
    ("RCPT", "550 5.4.5 daily limit reached", AT_REST),
    ("RCPT", "550 5.7.515 not authenticated", AT_REST),
    ("RCPT", "552 storage exceeded", AT_REST),
    ("RCPT", "554 failed", ALONE),
    ("RCPT", "554 5.0.0 failed", ALONE),
    ("RCPT", "550 5.4.1 no answer from host", ALONE),
    ("RCPT", "nonsense", LATER),
    ("RCPT", Ends.CUT, LATER),
    # before the text
    ("DATA", "421 4.3.2 closing", LATER),
    ("DATA", "451 4.3.0 trouble", LATER),
    ("DATA", "452 4.3.1 no space", LATER),
    ("DATA", "550 5.7.1 no", AT_REST),
    ("DATA", "554 no valid recipients", ALONE),
    ("DATA", "550 5.1.1 no such user", NOBODY),
    ("DATA", "250 what?", LATER),
    ("DATA", Ends.CUT, LATER),
    # after the final dot
    ("END", "250 2.0.0 queued", ACCEPTED),
    ("END", "250 queued", ACCEPTED),
    ("END", "251 forwarded", ACCEPTED),
    ("END", "421 4.3.2 closing", LATER),
    ("END", "450 4.7.1 slowly", LATER),
    ("END", "451 4.3.0 trouble", LATER),
    ("END", "452 4.3.1 no space", LATER),
    ("END", "452 4.2.2 mailbox full", ALONE),
    ("END", "550 5.1.1 no such user", NOBODY),
    ("END", "552 5.2.2 mailbox full", NOBODY),
    ("END", "550 5.7.1 looks like spam", AT_REST),
    ("END", "550 5.7.26 not authenticated", AT_REST),
    ("END", "552 quota exceeded", AT_REST),
    ("END", "554 failed", ALONE),
    ("END", "554 5.6.0 bad content", ALONE),
    ("END", "354 go on", UNKNOWN),
    ("END", "199 what?", UNKNOWN),
    ("END", Ends.CUT, UNKNOWN),
    ("END", Ends.TAKEN_THEN_CUT, UNKNOWN),
    ("END", Ends.TAKEN_THEN_HALF, UNKNOWN),
    ("END", Ends.TAKEN_THEN_RUBBISH, UNKNOWN),
]
HUNG: Final = [
    ("GREETING", LATER),
    ("EHLO", LATER),
    ("AUTH", LATER),
    ("MAIL", LATER),
    ("RCPT", LATER),
    ("DATA", LATER),
    ("END", UNKNOWN),
]


def meaning(told: Answer) -> str:
    match told:
        case Accepted():
            return ACCEPTED
        case Refused(kind=Refusal.INVALID_RECIPIENT):
            return NOBODY
        case NotAccepted(lane=True, signal=None):
            return LATER
        case NotAccepted(lane=True, signal=SenderSignal.AUTH_FAILED):
            return LOCKED
        case NotAccepted(lane=True, signal=SenderSignal.DISCONNECTED):
            return AT_REST
        case NotAccepted(lane=False, signal=None):
            return ALONE
        case UnknownOutcome():
            return UNKNOWN
    return f"not in this table: {told}"


@pytest.fixture
async def bench() -> AsyncIterator[SmtpBench]:
    async with opened() as made:
        yield made


@pytest.mark.parametrize(("command", "says", "means"), TOLD)
async def test_an_answer_means(
    bench: SmtpBench, command: str, says: Says, means: str
) -> None:
    bench.server.says = {command: says}

    told = await bench.gateway.send(parcel("secret text"), AMPLE)

    assert meaning(told) == means, told
    assert bench.server.met == 1
    shown = "" if isinstance(told, Accepted) else repr(told)
    for hidden in ("secret", "firma", "4072", PASSWORD, "user", "listed", "spam"):
        assert hidden not in shown


@pytest.mark.parametrize(("command", "means"), HUNG)
async def test_a_server_that_falls_silent(
    bench: SmtpBench, command: str, means: str
) -> None:
    bench.server.says = {command: Ends.SILENT}

    told = await bench.gateway.send(parcel(), SHORT)

    assert meaning(told) == means, told


def test_each_line_of_the_table_is_reached() -> None:
    stages = {
        "GREETING": Stage.CONNECT,
        "EHLO": Stage.HELLO,
        "AUTH": Stage.SIGN_IN,
        "MAIL": Stage.SENDER,
        "RCPT": Stage.RECIPIENT,
        "DATA": Stage.DATA,
        "END": Stage.TEXT,
    }
    said = [
        Said(stages[command], _code(says), says.partition(" ")[2])
        for command, says, _ in TOLD
        if isinstance(says, str)
    ]

    reached = {next(row for row in TABLE if row.fits(one)) for one in said}

    assert reached == set(TABLE)


def _code(says: str) -> int:
    return int(says[:3]) if says[:3].isdigit() else -1


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("4.7.1 Greylisted, try again in 300 seconds", 300),
        ("Greylisted for 5 minutes", 300),
        ("please retry after 1 hour", 3600),
        ("wait 10s", 10),
        ("try again in 2 min", 120),
        ("try again later", None),
        ("4.7.1 <a@b.ro> in 7", None),
        ("try again in 99999 days", None),
        ("try again in 0 seconds", None),
    ],
)
def test_a_wait_that_is_asked_for_is_kept(words: str, seconds: int | None) -> None:
    told = answer(Said(Stage.RECIPIENT, 450, words), "")

    assert isinstance(told, NotAccepted)
    wait = told.retry_after
    assert (None if wait is None else wait.total_seconds()) == seconds


@pytest.mark.parses
@given(
    stage=st.sampled_from(Stage),
    code=st.integers(-1, 999),
    words=st.one_of(
        st.text(max_size=60),
        st.from_regex(r"[245]\.[0-9]{1,2}\.[0-9]{1,3} (in|for) [0-9]{1,6} ?[smhd]"),
    ),
)
def test_only_an_answer_to_the_text_accepts_it(
    stage: Stage, code: int, words: str
) -> None:
    told = answer(Said(stage, code, words), "<ref>")

    after = stage is Stage.TEXT
    assert isinstance(told, Accepted) is (after and 200 <= code < 300)
    assert isinstance(told, UnknownOutcome) is (
        after and not (200 <= code < 300 or 400 <= code < 600)
    )
    if isinstance(told, NotAccepted) and told.retry_after is not None:
        assert timedelta() < told.retry_after <= LONGEST_WAIT


@given(stage=st.sampled_from(Stage))
def test_what_breaks_off_is_unknown_once_the_text_leaves(stage: Stage) -> None:
    told = lost(stage, "cut off")

    assert isinstance(told, UnknownOutcome) is (stage is Stage.TEXT)
    if isinstance(told, NotAccepted):
        assert told.lane


@pytest.mark.parametrize(
    ("login", "means"),
    [
        (Login(), AT_REST),
        (Login("mail.example", 25, security=Security.NONE), AT_REST),
    ],
)
async def test_a_mailbox_without_a_way_out_sends_nothing(
    bench: SmtpBench, login: Login, means: str
) -> None:
    gateway = evolve(bench.reachable, pool=evolve(bench.reachable.pool, login=login))

    told = await gateway.send(as_mail(parcel()), AMPLE)

    assert meaning(told) == means
    assert bench.server.met == 0


async def test_a_name_that_leads_nowhere_is_not_accepted(bench: SmtpBench) -> None:
    for host in ("nowhere.invalid", "a" * 70 + ".example", "..", "\u00e4.invalid"):
        login = Login(host, 587)
        pool = evolve(bench.reachable.pool, login=login)

        told = await evolve(bench.reachable, pool=pool).send(as_mail(parcel()), AMPLE)

        assert meaning(told) == LATER, (host, told)


async def test_no_time_is_no_connection(bench: SmtpBench) -> None:
    for none in (timedelta(), timedelta(seconds=-1)):
        told = await bench.gateway.send(parcel(), none)

        assert meaning(told) == LATER, told
    assert bench.server.met == 0
