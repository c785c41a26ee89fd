"""How our mailboxes are read, over real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, time, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.adapters.imap_server import TODAY, Account, ImapServer, serving

from outreach.adapters.imap import Box, ImapMailboxes, Security
from outreach.adapters.imap.mime import MOST_BYTES
from outreach.entrypoints.mailboxes import Boxes
from outreach.ports.mailboxes import Fault, Look
from outreach.ports.places import Place

ANA: Final = "ana@mail.example.com"
MAIL: Final = b"Message-ID: <1@example.org>\r\n\r\nBuna\r\n"
NOON: Final = datetime.combine(TODAY, time(12), UTC)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1 and localhost, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def theirs(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def mailboxes(
    server: ImapServer,
    security: Security = Security.NONE,
    *,
    trusts: Path | None = None,
    password: str = "s3cret",
    **facts: Any,
) -> ImapMailboxes:
    known = {
        one: Box(one, one, "127.0.0.1", server.port, one, password, security)
        for one in server.accounts
    }

    tls = ssl.create_default_context(cafile=None if trusts is None else str(trusts))
    return ImapMailboxes(Boxes(known), tls=tls, wall=lambda: NOON, **facts)


async def look(reads: ImapMailboxes, *places: Place) -> Look:
    (found,) = await reads.look({ANA: places})
    return found


@asynccontextmanager
async def one_account(
    **facts: Any,
) -> AsyncIterator[tuple[ImapServer, Account]]:
    tls = facts.pop("from_first_byte", None)
    server = ImapServer(**facts)
    account = server.account(ANA)
    account.put(MAIL)
    async with serving(server, tls):
        yield server, account


# --- the line


async def test_a_line_is_protected_from_its_first_byte(certificate: Path) -> None:
    async with one_account(from_first_byte=theirs(certificate)) as (server, _):
        found = await look(mailboxes(server, Security.TLS, trusts=certificate))

    assert found.fault is None
    assert [mail.raw.endswith(MAIL) for mail in found.mails] == [True]
    assert server.violations == []


async def test_a_line_is_protected_before_anything_is_said(certificate: Path) -> None:
    async with one_account(tls=theirs(certificate)) as (server, _):
        found = await look(mailboxes(server, Security.STARTTLS, trusts=certificate))

    assert (found.fault, len(found.mails)) == (None, 1)
    assert server.commands[:2] == ["STARTTLS", "CAPABILITY"]


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_a_server_that_nobody_vouches_for_hears_no_password(
    certificate: Path, security: Security
) -> None:
    own = theirs(certificate)
    at_once = own if security is Security.TLS else None
    async with one_account(tls=own, from_first_byte=at_once) as (server, _):
        found = await look(mailboxes(server, security))

    assert found.fault is Fault.AWAY
    assert set(server.commands) <= {"STARTTLS"}


async def test_a_server_without_protection_hears_no_password() -> None:
    async with one_account() as (server, _):
        found = await look(mailboxes(server, Security.STARTTLS))

    assert found.fault is Fault.AWAY
    assert server.commands == ["STARTTLS"]


async def test_what_is_said_before_a_line_is_protected_is_forgotten(
    certificate: Path,
) -> None:
    forged = b"a2 OK\r\na3 NO [AUTHENTICATIONFAILED] forged\r\n"
    async with one_account(tls=theirs(certificate), injects=forged) as (server, _):
        found = await look(mailboxes(server, Security.STARTTLS, trusts=certificate))

    assert found.fault is not Fault.REFUSED


def test_no_password_goes_unprotected_over_a_network() -> None:
    with pytest.raises(ValueError, match="this machine"):
        Box("a", ANA, "imap.example.com", 143, ANA, "s3cret", Security.NONE)


# --- signing in


@pytest.mark.parametrize("way", ["AUTHENTICATE", "LOGIN"])
@pytest.mark.parametrize("password", ["s3cret", 'a "b" \\c'])
async def test_either_way_of_signing_in_is_spoken(way: str, password: str) -> None:
    async with one_account(plain=way == "AUTHENTICATE") as (server, account):
        account.password = password

        found = await look(mailboxes(server, password=password))

    assert (found.fault, server.violations) == (None, [])
    assert server.commands[1] == way


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("NO [AUTHENTICATIONFAILED] no", Fault.REFUSED),
        ("NO [AUTHORIZATIONFAILED] no", Fault.REFUSED),
        ("NO [EXPIRED] password", Fault.REFUSED),
        ("NO LOGIN failed", Fault.REFUSED),
        ("NO [UNAVAILABLE] back end", Fault.AWAY),
        ("NO [LIMIT] connections", Fault.AWAY),
        ("NO [INUSE] locked", Fault.AWAY),
        ("NO [ALERT] Too many simultaneous connections", Fault.AWAY),
        ("NO Temporary authentication failure", Fault.AWAY),
        ("BAD what", Fault.AWAY),
    ],
)
async def test_only_who_we_are_is_taken_as_refused(answer: str, fault: Fault) -> None:
    async with one_account() as (server, account):
        account.refuses = answer

        found = await look(mailboxes(server))

    assert found.fault is fault


async def test_a_wrong_password_is_not_tried_again_soon() -> None:
    seconds = [0.0]
    async with one_account() as (server, _):
        reads = mailboxes(server, password="old", monotonic=lambda: seconds[0])
        first = await look(reads)
        seconds[0] = 599
        soon = await look(reads)
        seconds[0] = 601
        later = await look(reads)

    faults = [first.fault, soon.fault, later.fault]
    assert faults == [Fault.REFUSED, Fault.LATER, Fault.REFUSED]
    assert server.commands.count("AUTHENTICATE") == 2


async def test_nothing_that_is_shown_holds_a_password_or_a_mail() -> None:
    async with one_account() as (server, _):
        reads = mailboxes(server)
        found = await look(reads)
        (box,) = await reads.source.boxes([ANA])

    assert "s3cret" not in f"{box!r}{reads!r}{found!r}"
    assert "Buna" not in repr(found)


# --- what is read


async def test_a_first_look_goes_two_weeks_back() -> None:
    async with one_account() as (server, account):
        old = TODAY - timedelta(days=15)
        account.folders["INBOX"].mails[1] = (old, MAIL)
        account.put(MAIL, day=TODAY - timedelta(days=14))
        account.put(MAIL, folder="Sent Items", day=old)

        found = await look(mailboxes(server))

    assert [mail.place for mail in found.mails] == [Place("received", 1, 2)]
    assert found.places == (Place("received", 1, 2), Place("sent", 1, 1))


async def test_a_first_look_that_has_no_room_left_does_not_go_back_further() -> None:
    async with one_account() as (server, account):
        old = TODAY - timedelta(days=100)
        for _ in range(3):
            account.put(MAIL, folder="Sent Items", day=old)
        account.put(MAIL, folder="Sent Items")
        reads = mailboxes(server, most_mails=1)

        first = await look(reads)
        then = await look(reads, *first.places)

    assert first.more is True
    assert [mail.place for mail in then.mails] == [Place("sent", 1, 4)]


@pytest.mark.parametrize("days", [0, 100])
async def test_a_server_need_not_say_the_next_number(days: int) -> None:
    async with one_account(says_next=False) as (server, account):
        account.folders["INBOX"].mails[1] = (TODAY - timedelta(days=days), MAIL)
        reads = mailboxes(server)

        first = await look(reads)
        account.put(MAIL)
        then = await look(reads, *first.places)

    assert len(first.mails) == (days == 0)
    assert [mail.place for mail in then.mails] == [Place("received", 1, 2)]


async def test_a_mailbox_with_nothing_new_is_asked_three_things() -> None:
    async with one_account() as (server, _):
        reads = mailboxes(server)
        first = await look(reads)
        server.commands.clear()

        await look(reads, *first.places)

    signing_in = ["CAPABILITY", "AUTHENTICATE"]
    assert server.commands == [*signing_in, "EXAMINE", "EXAMINE", "LOGOUT"]


async def test_of_a_large_mail_the_beginning_is_read() -> None:
    async with one_account() as (server, account):
        account.folders["INBOX"].mails[1] = (TODAY, MAIL + b"x" * 1_000_000)

        (mail,) = (await look(mailboxes(server))).mails

    assert MOST_BYTES <= len(mail.raw) < MOST_BYTES + 200


async def test_a_mailbox_without_a_folder_of_sent_mail_is_read() -> None:
    async with one_account() as (server, account):
        del account.folders["Sent Items"]

        found = await look(mailboxes(server))

    assert (found.fault, len(found.mails)) == (None, 1)


async def test_a_folder_of_sent_mail_may_be_renamed() -> None:
    async with one_account() as (server, account):
        reads = mailboxes(server)
        first = await look(reads)
        account.folders["Sent"] = account.folders.pop("Sent Items")
        account.put(MAIL)
        account.put(MAIL, folder="Sent")

        then = await look(reads, *first.places)
        at_last = await look(reads, *first.places)

    assert [mail.place.folder for mail in then.mails] == ["received"]
    assert [mail.place.folder for mail in at_last.mails] == ["received", "sent"]


async def test_all_mails_of_a_look_have_room_in_memory() -> None:
    async with one_account() as (server, account):
        for _ in range(4):
            account.put(MAIL + b"x" * 1_000)
        reads = mailboxes(server, most_bytes=1_500)

        first = await look(reads)
        then = await look(reads, *first.places)

    assert [mail.place.number for mail in first.mails] == [1, 2, 3]
    assert [mail.place.number for mail in then.mails] == [4, 5]
    assert (first.more, then.more) == (True, False)


async def test_what_a_slow_line_brings_in_time_is_not_read_again() -> None:
    async with one_account() as (server, account):
        account.put(MAIL)
        account.put(MAIL)
        account.stalls = "UID FETCH 3"
        reads = mailboxes(server, box_within=timedelta(milliseconds=500))

        first = await look(reads)
        then = await look(reads, *[mail.place for mail in first.mails])

    assert [mail.place.number for mail in first.mails] == [1, 2]
    assert (first.fault, first.more, first.places) == (None, True, ())
    assert (then.fault, then.mails) == (Fault.AWAY, ())


# --- servers that are no help


@pytest.mark.parametrize(
    "greets", ["* BYE busy", "* PREAUTH you are root", "220 smtp.example.com ESMTP"]
)
async def test_another_greeting_ends_it(greets: str) -> None:
    async with one_account(greets=greets) as (server, _):
        found = await look(mailboxes(server))

    assert (found.fault, server.commands) == (Fault.AWAY, [])


@pytest.mark.parametrize(
    "command",
    ["CONNECT", "LIST", "EXAMINE", "UID SEARCH", "UID FETCH"],
)
async def test_a_line_that_breaks_anywhere_moves_no_place(command: str) -> None:
    async with one_account() as (server, account):
        account.hangs_up = command

        found = await look(mailboxes(server))

    assert (found.fault, found.mails, found.places) == (Fault.AWAY, (), ())


async def test_nobody_there_is_away() -> None:
    async with one_account() as (server, _):
        reads = mailboxes(server)

    assert (await look(reads)).fault is Fault.AWAY


async def answers(say: bytes) -> tuple[asyncio.Server, int]:
    """A server that says one thing, and then nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(say)
        with suppress(OSError):
            while await reader.read(100):
                pass
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    "say",
    [
        b"",
        b"* OK",
        b"* OK ready\r\n",
        b"* OK ready\r\n* CAPABILITY {999999999}\r\n",
        b"* OK ready\r\n" + b"* CAPABILITY x\r\n" * 20_000,
        b"* OK ready\r\n" + b"x" * 1_200_000,
        b"* OK ready\r\na1 OK\r\na2 \xff\xfe\r\n",
    ],
)
async def test_a_server_that_makes_no_sense_costs_no_more_than_its_time(
    say: bytes,
) -> None:
    listening, port = await answers(say)
    server = ImapServer({ANA: Account("s3cret")}, port=port)
    reads = mailboxes(server, box_within=timedelta(milliseconds=300))

    found = await look(reads)
    listening.close()

    assert found.fault is Fault.AWAY


async def test_one_that_hangs_holds_up_no_other_and_the_rest_is_for_the_next_look() -> (
    None
):
    async with one_account() as (server, _):
        hanging, port = await answers(b"")
        slow = [
            Box(f"slow-{n}", "", "127.0.0.1", port, ANA, "s", Security.NONE)
            for n in range(20)
        ]
        good = Box(ANA, ANA, "127.0.0.1", server.port, ANA, "s3cret", Security.NONE)
        boxes = {box.name: box for box in (good, *slow)}
        reads = ImapMailboxes(
            Boxes(boxes), wall=lambda: NOON, look_within=timedelta(milliseconds=500)
        )
        looks = await reads.look(dict.fromkeys(boxes, ()))
        hanging.close()

    assert [one.fault for one in looks] == [None, *[Fault.LATER] * 20]


async def test_no_more_than_eight_are_read_at_once() -> None:
    server = ImapServer()
    for number in range(30):
        server.account(f"{number}@mail.example.com").put(MAIL)
    async with serving(server):
        reads = mailboxes(server)

        looks = await reads.look(dict.fromkeys(await reads.names(), ()))

    assert [one.fault for one in looks] == [None] * 30
    assert sum(len(one.mails) for one in looks) == 30
    assert 1 < server.most_open <= 9  # one may still be closing
