"""Own mailboxes over a mail server: protected, signed in, addressed, dated, signed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any, Final

import dkim
import pytest
from attrs import evolve
from tests.adapters.test_smtp_mail import a_key
from tests.certificates import a_certificate
from tests.contract.smtp_pool import (
    DOMAIN,
    PASSWORD,
    USER,
    SmtpBench,
    a_gateway,
    as_mail,
    opened,
)
from tests.mail_server import Ends, MailServer, served
from tests.name_server import SELECTOR, NameServer, fit, named

from outreach.adapters.smtp import Domains, Signer, SmtpGateway, Wanted, load_keys
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.errors import (
    ChannelSegregationError,
    Misconfigured,
    Unavailable,
)
from outreach.domain.ids import SenderId
from outreach.domain.login import Login, Security
from outreach.domain.mail_mark import mail_mark
from outreach.domain.message import Accepted, Answer, NotAccepted
from outreach.domain.return_path import return_path
from outreach.domain.sender import SenderSignal
from outreach.ports.domains import NOT_READY
from outreach.testing.gateway import parcel

AMPLE: Final = timedelta(seconds=10)
MAIL: Final = as_mail(parcel())
CLEAR: Final = Security.NONE
_TURNS: Final = 200_000


@pytest.fixture
async def bench() -> AsyncIterator[SmtpBench]:
    async with opened() as made:
        yield made


@pytest.fixture
def names() -> Iterator[NameServer]:
    with named(NameServer(zone=fit(DOMAIN))) as made:
        yield made


def lane_waits(told: Answer, signal: SenderSignal | None = None) -> str:
    assert isinstance(told, NotAccepted), told
    assert (told.lane, told.signal) == (True, signal), told
    return told.detail


# --- protection


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
async def test_a_password_travels_in_tls(
    tmp_path: Path, names: NameServer, security: Security
) -> None:
    certificate = a_certificate()
    server = MailServer(users={USER: PASSWORD})
    implicit = security is Security.TLS
    async with served(server, tls=certificate.of_server(tmp_path), implicit=implicit):
        login = Login("127.0.0.1", server.port, USER, PASSWORD, security=security)
        gateway = a_gateway(login, names, tls=certificate.believed())

        told = await gateway.send(MAIL, AMPLE)

    assert isinstance(told, Accepted), told
    assert server.over_tls == [True]
    assert len(server.signed_in) == 1


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize("stranger", ["nobody vouches for", "another address"])
async def test_a_certificate_that_is_not_the_server_s_ends_it(
    tmp_path: Path, names: NameServer, security: Security, stranger: str
) -> None:
    theirs = a_certificate("127.0.0.1" if "nobody" in stranger else "127.0.0.2")
    ours = a_certificate("127.0.0.3") if "nobody" in stranger else theirs
    server = MailServer(users={USER: PASSWORD})
    implicit = security is Security.TLS
    async with served(server, tls=theirs.of_server(tmp_path), implicit=implicit):
        login = Login("127.0.0.1", server.port, USER, PASSWORD, security=security)
        gateway = a_gateway(login, names, tls=ours.believed())

        told = await gateway.send(MAIL, AMPLE)

    assert lane_waits(told).endswith("no TLS")
    assert server.signed_in == []


async def test_who_offers_no_tls_gets_no_password(bench: SmtpBench) -> None:
    login = evolve(bench.reachable.pool.login, security=Security.STARTTLS)
    gateway = evolve(bench.reachable, pool=evolve(bench.reachable.pool, login=login))

    told = await gateway.send(MAIL, AMPLE)

    assert lane_waits(told) == "starttls: it offers no TLS"
    assert bench.server.signed_in == []


async def test_a_port_says_how_it_is_protected_where_nobody_else_does(
    bench: SmtpBench,
) -> None:
    """A port that is not 465 begins in the clear and must change."""
    login = evolve(bench.reachable.pool.login, security=None)
    gateway = evolve(bench.reachable, pool=evolve(bench.reachable.pool, login=login))

    assert lane_waits(await gateway.send(MAIL, AMPLE)) == "starttls: it offers no TLS"


@pytest.mark.parametrize("host", ["mail.example", "192.0.2.1", "127.0.0.1.example"])
async def test_nothing_goes_unprotected_to_another_machine(
    bench: SmtpBench, host: str
) -> None:
    login = evolve(bench.reachable.pool.login, host=host)
    gateway = evolve(bench.reachable, pool=evolve(bench.reachable.pool, login=login))

    told = await gateway.send(MAIL, AMPLE)

    assert "this machine only" in lane_waits(told, SenderSignal.DISCONNECTED)


# --- the sign-in


@pytest.mark.parametrize(("left_out", "used"), [((), "PLAIN"), (("PLAIN",), "LOGIN")])
async def test_one_method_is_tried_and_the_first_that_both_know(
    names: NameServer, left_out: tuple[str, ...], used: str
) -> None:
    for password in (PASSWORD, "wrong"):
        server = MailServer(users={USER: PASSWORD}, leaves_out=left_out)
        async with served(server):
            login = Login("127.0.0.1", server.port, USER, password, security=CLEAR)

            told = await a_gateway(login, names).send(MAIL, AMPLE)

        assert isinstance(told, Accepted) is (password == PASSWORD), told
        assert server.signed_in == [f"{used} {USER}"]


async def test_letters_of_any_language_sign_in(names: NameServer) -> None:
    server = MailServer(users={"ană": "părölă 🌾"})
    async with served(server):
        login = Login("127.0.0.1", server.port, "ană", "părölă 🌾", security=CLEAR)

        assert isinstance(await a_gateway(login, names).send(MAIL, AMPLE), Accepted)


async def test_a_server_that_knows_no_sign_in_of_ours_gets_no_mail(
    names: NameServer,
) -> None:
    server = MailServer(leaves_out=("PLAIN", "LOGIN"))
    async with served(server):
        login = Login("127.0.0.1", server.port, USER, PASSWORD, security=CLEAR)

        told = await a_gateway(login, names).send(MAIL, AMPLE)

    assert "no sign-in that we know" in lane_waits(told)
    assert server.taken == []


async def test_a_mailbox_s_own_login_goes_before_the_pool_s(bench: SmtpBench) -> None:
    bench.server.users["ana"] = "pass of ana"
    own = Login(user="ana", password="pass of ana", name="Ana Țăranu")
    await bench.reachable.logins.keep(MAIL.sender, own)

    await bench.reachable.send(MAIL, AMPLE)
    await bench.reachable.send(evolve(MAIL, sender=SenderId(MAIL.intent)), AMPLE)

    said = [one.partition(" ")[2] for one in bench.server.signed_in]
    shown = [_read(one.content)["From"] for one in bench.server.taken]
    assert said == ["ana", USER]
    assert shown[0] == f"Ana Țăranu <{MAIL.sender_number}>"


async def test_the_pool_s_login_goes_to_the_pool_s_server_alone(
    bench: SmtpBench,
) -> None:
    own = MailServer()
    async with served(own):
        elsewhere = Login("127.0.0.1", own.port, security=CLEAR)
        await bench.reachable.logins.keep(MAIL.sender, elsewhere)

        told = await bench.reachable.send(MAIL, AMPLE)

    assert isinstance(told, Accepted), told
    assert (len(own.taken), own.signed_in) == (1, [])
    assert bench.server.met == 0


async def test_a_changed_password_holds_from_the_next_mail_on(
    bench: SmtpBench,
) -> None:
    wrong = Login(user=USER, password="old")
    await bench.reachable.logins.keep(MAIL.sender, wrong)

    first = await bench.reachable.send(MAIL, AMPLE)
    await bench.reachable.logins.keep(MAIL.sender, evolve(wrong, password=PASSWORD))
    second = await bench.reachable.send(MAIL, AMPLE)

    assert "535" in lane_waits(first, SenderSignal.AUTH_FAILED)
    assert isinstance(second, Accepted)


class Broken:
    """Logins that cannot be had."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def login(self, _: SenderId) -> Login | None:
        raise self.error

    async def keep(self, _: SenderId, __: Login) -> None:
        raise self.error


async def test_logins_that_cannot_be_had_let_nothing_leave(bench: SmtpBench) -> None:
    away = evolve(bench.reachable, logins=Broken(Unavailable("no store")))
    sealed = evolve(bench.reachable, logins=Broken(Misconfigured("another key")))

    assert lane_waits(await away.send(MAIL, AMPLE)) == "no store"
    told = await sealed.send(MAIL, AMPLE)

    assert lane_waits(told, SenderSignal.DISCONNECTED) == "another key"
    assert bench.server.met == 0


# --- the mail


async def test_it_is_known_by_our_id_from_the_first_mail_on(bench: SmtpBench) -> None:
    first = await bench.reachable.send(MAIL, AMPLE)
    assert isinstance(first, Accepted)
    second = await bench.reachable.send(evolve(MAIL, thread=first.thread), AMPLE)
    assert isinstance(second, Accepted)

    mails = [_read(one.content) for one in bench.server.taken]

    ref = mail_mark(MAIL.attempt, MAIL.sender_number)
    assert first == Accepted(ref, thread=ref)
    assert second.thread == ref
    assert mails[0]["Message-ID"] == ref
    assert mails[1]["In-Reply-To"] == mails[1]["References"] == ref


async def test_its_date_is_the_engine_s(bench: SmtpBench) -> None:
    await bench.reachable.send(MAIL, AMPLE)

    (mail,) = [_read(one.content) for one in bench.server.taken]

    now = await bench.reachable.clock.now()
    assert mail["Date"].datetime == now.replace(microsecond=0)


async def test_reports_come_to_an_address_of_each_mail_s_own(names: NameServer) -> None:
    names.zone |= fit("back.example")
    server = MailServer(users={USER: PASSWORD})
    async with served(server):
        login = Login("127.0.0.1", server.port, USER, PASSWORD, security=CLEAR)
        gateway = a_gateway(login, names, bounce_domain="back.example")

        await gateway.send(MAIL, AMPLE)

    (taken,) = server.taken
    assert taken.mail_from == return_path(MAIL.attempt, "back.example")
    assert taken.rcpt_tos == [MAIL.to]


async def test_reports_are_asked_for_where_they_are_offered(bench: SmtpBench) -> None:
    to = "ana+oferte=2@firma.ro"
    for offered in (False, True):
        bench.server.reports = offered
        told = await bench.reachable.send(evolve(MAIL, to=to), AMPLE)
        assert isinstance(told, Accepted), told

    plain, asked = bench.server.heard[:2], bench.server.heard[2:]
    assert plain == [f"FROM:<{MAIL.sender_number}>", f"TO:<{to}>"]
    assert asked == [
        f"FROM:<{MAIL.sender_number}> RET=HDRS ENVID={MAIL.attempt}",
        f"TO:<{to}> NOTIFY=FAILURE ORCPT=rfc822;ana+2Boferte+3D2@firma.ro",
    ]
    assert [one.rcpt_tos for one in bench.server.taken] == [[to], [to]]


async def test_a_call_that_is_cancelled_leaves_no_connection(bench: SmtpBench) -> None:
    bench.server.says = {"END": Ends.TAKEN_THEN_SILENT}
    sending = asyncio.create_task(bench.reachable.send(MAIL, AMPLE))
    await _until(lambda: bool(bench.server.taken))

    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending

    (line,) = bench.server.lines
    await _until(line.is_closing)


async def test_lines_that_begin_with_a_dot_arrive_as_they_are(bench: SmtpBench) -> None:
    text = ".\n..\n.a\nFrom here\n. \nend"

    await bench.reachable.send(evolve(MAIL, text=text), AMPLE)

    assert [one.replace("\r\n", "\n") for one in bench.accepted] == [text]


async def test_a_signature_survives_the_way(tmp_path: Path, names: NameServer) -> None:
    (tmp_path / f"{DOMAIN}.pem").write_bytes(a_key())
    keys = load_keys(tmp_path)
    public = keys[DOMAIN].public
    names.zone |= fit(DOMAIN, public=public)
    server = MailServer(users={USER: PASSWORD})
    async with served(server):
        login = Login("127.0.0.1", server.port, USER, PASSWORD, security=CLEAR)
        gateway = a_gateway(login, names, signer=Signer((SELECTOR,), keys))
        text = "Bună!\n.\n  două  \n\n\n"

        told = await gateway.send(evolve(MAIL, text=text), AMPLE)

    assert isinstance(told, Accepted), told
    (taken,) = server.taken

    def record(_: bytes, **__: object) -> bytes:
        return b"v=DKIM1; k=rsa; p=" + public.encode()

    assert dkim.verify(taken.content, dnsfunc=record)


# --- who may send


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("_dmarc.", "no DMARC"),
        (f"{SELECTOR}._domainkey.", "no DKIM key"),
        ("", "no SPF"),
    ],
)
async def test_a_domain_that_is_not_ready_sends_nothing(
    bench: SmtpBench, missing: str, says: str
) -> None:
    bench.names.zone |= fit("new.example")
    del bench.names.zone[f"{missing}new.example"]

    told = await bench.reachable.send(
        evolve(MAIL, sender_number="ion@new.example"), AMPLE
    )

    detail = lane_waits(told, SenderSignal.DISCONNECTED)
    assert detail.startswith(NOT_READY)
    assert says in detail
    assert bench.server.met == 0


async def test_where_nobody_can_be_asked_about_a_domain_nothing_leaves(
    bench: SmtpBench,
) -> None:
    bench.names.fails.add("*")

    told = await bench.reachable.send(
        evolve(MAIL, sender_number="ion@new.example"), AMPLE
    )

    assert "DNS" in lane_waits(told)
    assert bench.server.met == 0


async def test_a_name_server_that_is_silent_takes_no_more_than_the_call_has(
    bench: SmtpBench,
) -> None:
    class Silent:
        async def resolve(self, *_: object) -> Any:
            await _forever()

    domains = Domains(Wanted(selectors=(SELECTOR,)), Silent())
    gateway = evolve(bench.reachable, domains=domains)

    told = await gateway.send(MAIL, timedelta(milliseconds=100))

    assert "no time" in lane_waits(told)


async def _until(holds: Callable[[], bool]) -> None:
    for _ in range(_TURNS):
        if holds():
            return
        await asyncio.sleep(0)
    pytest.fail("it never came about")


async def _forever() -> None:
    await asyncio.Event().wait()


async def test_what_is_not_mail_leaves_nowhere(bench: SmtpBench) -> None:
    permit = Permit(Channel.WHATSAPP, State.COLD)

    with pytest.raises(ChannelSegregationError):
        await bench.reachable.send(evolve(MAIL, permit=permit), AMPLE)

    assert bench.server.met == 0


async def test_an_answer_to_who_wrote_goes_by_the_mailbox(bench: SmtpBench) -> None:
    warm = Permit(Channel.EMAIL_WARM, State.WARM_REPLY)

    told = await bench.reachable.send(evolve(MAIL, permit=warm), AMPLE)

    assert isinstance(told, Accepted)


def test_no_password_is_shown(names: NameServer) -> None:
    login = Login("127.0.0.1", 25, USER, PASSWORD)
    gateway: SmtpGateway = a_gateway(login, names)

    assert PASSWORD not in repr(gateway)
    assert PASSWORD not in repr(login)


def _read(content: Any) -> Any:
    return message_from_bytes(content, policy=policy.default)
