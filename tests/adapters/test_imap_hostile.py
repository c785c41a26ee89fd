"""Mails that strangers make to hurt whoever reads them: never raised about, and read in
a bounded number of steps. And beside what somebody else reads reports with.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from email import message_from_bytes
from types import FrameType
from typing import Final

import pytest
from flufl.bounce import all_failures
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.mail_samples import (
    EXIM,
    GMAIL,
    LEAD,
    OURS,
    POSTFIX_PLAIN,
    QMAIL,
    arf,
    dsn,
    read,
    read_sent,
    reply,
)

from outreach.adapters.imap.mime import MOST_BYTES, MOST_DEEP, MOST_PARTS, Part, parse
from outreach.adapters.imap.reader import MOST_TEXT
from outreach.domain.event import EventType

RECIPIENT: Final = (
    f"Final-Recipient: rfc822; {LEAD}\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 unknown"
)
WHOLE: Final = [dsn(RECIPIENT), arf(), reply(), QMAIL, EXIM, GMAIL, POSTFIX_PLAIN]
PIECES: Final = [
    b"\n",
    b"\r\n\r\n",
    b"--b1\n",
    b"--b1--\n",
    b"Content-Type: multipart/report; boundary=b1\n",
    b'Content-Type: multipart/mixed; boundary="b1"\n\n',
    b"Content-Type: message/rfc822\n\n",
    b"Content-Type: message/delivery-status\n\n",
    b"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n",
    b"Content-Type: text/html; charset=idna\n\n<p>a@b.ro<!--",
    b"Content-Type: text/plain; charset=utf-16\n\n",
    b"Content-Transfer-Encoding: base64\n\nAAA=A",
    b"Content-Transfer-Encoding: quoted-printable\n\n=\n=x",
    b"From: =?utf-8?b?/w=?= <mailer-daemon@\xff.ro>\n",
    b"Date: Mon, 99 Foo 99999 25:61:61 +9999\n",
    b"Subject: =?x?q?=E?= =?utf-7?q?+?=\n",
    b'To: "a <a@b.ro>, (c@d.ro\n',
    b"Message-ID: <" + b"a" * 999 + b"@b>\n",
    b"Final-Recipient: rfc822;<a@b.ro>\nAction: failed\nStatus: 5.1.1\n",
    b"<a@b.ro>: 550 5.1.1 no\n",
    b"\x00\xed\xa0\x80\xff",
]


@pytest.mark.parses
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=40), max_size=20))
def test_no_bytes_make_the_reader_raise(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)

    events = [*read(raw), *read_sent(raw, mailbox="")]

    assert events
    for event in events:
        assert len(event.content) <= MOST_TEXT
        f"{event.content}{event.subject}{event.diagnostic}{event.detail}".encode()
        f"{event.address}{event.sender}{event.ref}{event.references}".encode("ascii")
        assert "\x00" not in event.content + event.subject + event.diagnostic


@pytest.mark.parses
@given(st.sampled_from(WHOLE), st.data())
def test_a_mail_that_is_broken_anywhere_is_read(mail: str, data: st.DataObject) -> None:
    raw = bytearray(mail.encode())
    for _ in range(data.draw(st.integers(0, 5))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 9))] = data.draw(
            st.binary(max_size=4)
        )
    cut = data.draw(st.integers(0, len(raw)))

    assert read(bytes(raw[:cut]))
    assert parse(bytes(raw)).seen <= 2 * (MOST_DEEP + 1) * len(raw)


def deep(size: int) -> bytes:
    one = b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n"
    return b"".join(one % (n, n) for n in range(size // 50))


def mails_in_mails(size: int) -> bytes:
    return b"Content-Type: message/rfc822\n\n" * (size // 30)


def many_parts(size: int) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * (
        size // 7
    )


def boundaries_that_are_none(size: int) -> bytes:
    head = b"Content-Type: multipart/mixed; boundary=b\n\n"
    return head + b"--bb\n" * (size // 5)


def many_fields(size: int) -> bytes:
    return b"X-A: b\n" * (size // 7)


def one_field_of_many_lines(size: int) -> bytes:
    return b"Subject: a\n" + b" =?utf-8?q?a?=\n" * (size // 15)


def ids_that_never_end(size: int) -> bytes:
    return b"References: " + b"<a" * (size // 2)


def names_that_never_end(size: int) -> bytes:
    return b"From: " + b'"(' * (size // 2)


def addresses_without_end(size: int) -> bytes:
    return QMAIL.encode() + b"<a@b.ro>: no\n" * (size // 13)


def groups(size: int) -> bytes:
    many = f"{RECIPIENT}\n\n" * (size // len(RECIPIENT))
    return dsn(many).encode()


def tags_that_never_close(size: int) -> bytes:
    page = reply().replace("text/plain", "text/html").encode()
    return page + b"<p <div <!-- " * (size // 13)


def blank(size: int) -> bytes:
    return reply().encode() + b" \t\n" * (size // 3)


@pytest.mark.parametrize(
    "make",
    [
        deep,
        mails_in_mails,
        many_parts,
        boundaries_that_are_none,
        many_fields,
        one_field_of_many_lines,
        ids_that_never_end,
        names_that_never_end,
        addresses_without_end,
        groups,
        tags_that_never_close,
        blank,
    ],
)
def test_twice_as_much_takes_at_most_twice_the_steps(
    make: Callable[[int], bytes],
) -> None:
    small, large = make(60_000), make(120_000)

    few, many = steps(lambda: read(small)), steps(lambda: read(large))

    assert many <= 2.5 * few + 500
    assert many <= 500_000
    assert parse(large).seen <= 2 * (MOST_DEEP + 1) * len(large)


def steps(work: Callable[[], object]) -> int:
    """Calls, of Python and of C, that *work* takes."""
    taken = 0

    def count(_frame: FrameType, _event: str, _arg: object) -> None:
        nonlocal taken
        taken += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return taken


def parts_of(part: Part) -> int:
    return 1 + sum(parts_of(one) for one in part.parts)


def test_parts_and_bytes_are_bounded() -> None:
    mail = many_parts(4 * MOST_BYTES)

    assert parts_of(parse(mail)) <= MOST_PARTS + 1
    assert parse(mail).seen <= 3 * MOST_BYTES
    assert depth(parse(deep(MOST_BYTES))) == MOST_DEEP


def depth(part: Part) -> int:
    return max((1 + depth(one) for one in part.parts), default=0)


@pytest.mark.parametrize(
    "charset", ["idna", "punycode", "hex", "zip", "unicode_escape", "undefined", "x\0y"]
)
def test_encodings_that_are_none_of_texts_are_not_asked_for(charset: str) -> None:
    (event,) = read(reply("Da").replace("charset=utf-8", f'charset="{charset}"'))

    assert (event.type, event.content) == (EventType.REPLY, "Da")


# --- beside flufl.bounce, which reads reports for Mailman


def theirs(mail: str) -> tuple[set[str], set[str]]:
    """Addresses that it says failed for a while, and for good."""
    late, gone = all_failures(message_from_bytes(mail.encode()))
    return {one.decode() for one in late}, {one.decode() for one in gone}


def ours(mail: str) -> tuple[set[str], set[str]]:
    events = [one for one in read(mail) if one.address is not None]
    late = {
        one.address.value
        for one in events
        if one.detail == "report: delayed" and one.address
    }
    named = {one.address.value for one in events if one.address}
    return late, named - late


@pytest.mark.parametrize("mail", [dsn(RECIPIENT), QMAIL, EXIM, GMAIL])
def test_both_find_the_same_addresses(mail: str) -> None:
    assert ours(mail) == theirs(mail) == (set(), {LEAD})


NAMES: Final = st.sampled_from(["ion", "maria", "dan.pop", "a_b", "o'neil", "x+y"])
GROUPS: Final = st.lists(
    st.tuples(NAMES, st.sampled_from(["failed", "delayed", "Failed", "DELAYED"])),
    min_size=1,
    max_size=6,
    unique_by=lambda pair: pair[0],
)


@pytest.mark.parses
@given(GROUPS, st.sampled_from(["rfc822; {}", "RFC822;{}", "rfc822; <{}>"]))
def test_both_read_the_same_of_reports_by_the_standard(
    recipients: list[tuple[str, str]], form: str
) -> None:
    mail = dsn(
        *(
            f"Final-Recipient: {form.format(f'{name}@ferma.example.ro')}\n"
            f"Action: {action}\nStatus: {'5.1.1' if action[0] in 'fF' else '4.4.1'}"
            for name, action in recipients
        )
    )

    assert ours(mail) == theirs(mail)
    assert OURS not in ours(mail)[1]
