"""A pool of own mailboxes over a mail server beside us, and its adapter."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any, Final
from uuid import UUID

from aiosmtpd.smtp import Envelope
from attrs import define, evolve, frozen
from tests.mail_server import Ends, MailServer, served
from tests.name_server import SELECTOR, NameServer, fit, named

from outreach.adapters.memory.clock import MemoryClock
from outreach.adapters.memory.logins import MemoryLogins
from outreach.adapters.smtp import Domains, Pool, SmtpGateway, Wanted, resolver
from outreach.domain.channel import Channel, Permit, State
from outreach.domain.ids import TenantId
from outreach.domain.login import Login, Security
from outreach.domain.message import Answer, Parcel
from outreach.ports.domains import AccountDomain
from outreach.testing.gateway import OURS, THEIRS, Situation

__all__ = [
    "DOMAIN",
    "PASSWORD",
    "USER",
    "PoolGateway",
    "SmtpBench",
    "a_gateway",
    "as_mail",
    "opened",
    "text_of",
]

DOMAIN: Final = "cold.example"
PASSWORD: Final = "canary-of-the-password"
USER: Final = "ion"
_TLS: Final = ssl.create_default_context()
_MAILS: Final = {
    OURS[0]: f"ion.40720000001@{DOMAIN}",
    OURS[1]: f"eva@{DOMAIN}",
    THEIRS: "ana.40731000001@firma.ro",
}
_SAYS: Final[dict[Situation, dict[str, str | Ends]]] = {
    Situation.WELL: {},
    Situation.SLOW: {"END": Ends.TAKEN_SLOWLY},
    Situation.RATE_LIMITED: {"RCPT": "451 4.7.1 Greylisted, try again in 7 seconds"},
    Situation.RATE_LIMITED_SOMEHOW: {"RCPT": "450 4.7.1 Greylisted"},
    Situation.BUSY: {"MAIL": "421 4.3.2 Closing down"},
    Situation.UNREACHABLE: {},
    Situation.TURNED_AWAY: {"GREETING": "554 No mail here"},
    Situation.KEY_REVOKED: {"AUTH": "535 5.7.8 Wrong password"},
    Situation.NOBODY_THERE: {"RCPT": "550 5.1.1 No such user ana@firma.ro"},
    Situation.FIRST_REFUSED: {"RCPT": "550 5.1.1 No such user"},
    Situation.BUSY_SOMEWHERE: {"END": Ends.TAKEN_THEN_CUT},
    Situation.BROKEN: {"END": Ends.TAKEN_THEN_RUBBISH},
    Situation.SILENT: {"END": Ends.TAKEN_THEN_SILENT},
    Situation.CUT_OFF: {"END": Ends.TAKEN_THEN_HALF},
    Situation.RUBBISH: {"END": Ends.TAKEN_THEN_RUBBISH},
    Situation.LOST: {"END": Ends.CUT},
}


def a_gateway(login: Login, names: NameServer, **pool: Any) -> SmtpGateway:
    """A gateway whose mailboxes all have this login."""
    wanted = Wanted(selectors=(SELECTOR,), bounce_domain=pool.get("bounce_domain", ""))
    return SmtpGateway(
        Pool(**{"login": login, "hello": "[127.0.0.1]", "tls": _TLS, **pool}),
        Domains(wanted, resolver([names.address])),
        MemoryClock(datetime.now(UTC)),
        MemoryLogins(TenantId(UUID(int=1))),
    )


def as_mail(parcel: Parcel, **changes: Any) -> Parcel:
    """A parcel of the suites (of phones) as cold mail."""
    mail = evolve(
        parcel,
        permit=Permit(Channel.EMAIL_COLD, State.COLD),
        sender_number=_MAILS.get(parcel.sender_number, f"ion@{DOMAIN}"),
        to=_MAILS.get(parcel.to, parcel.to),
        subject="Bună ziua",
        unsubscribe="https://mail.cold.example/u/ro/abc",
    )
    return evolve(mail, **changes)


@frozen
class PoolGateway:
    """The adapter, given the suites' parcels as mail."""

    inner: SmtpGateway

    async def send(self, parcel: Parcel, within: timedelta) -> Answer:
        return await self.inner.send(as_mail(parcel), within)

    async def examine(self, names: Sequence[str]) -> Sequence[AccountDomain]:
        return await self.inner.examine(names)


def text_of(envelope: Envelope) -> str:
    """The text of a mail that was taken, by the library's own reading."""
    content = envelope.content
    assert isinstance(content, bytes)
    mail = message_from_bytes(content, policy=policy.default)
    text: str = mail.get_content()
    return text.rstrip("\r\n")


@define(eq=False)
class SmtpBench:
    """Implements `outreach.testing.gateway.Workbench`."""

    server: MailServer
    names: NameServer
    reachable: SmtpGateway
    unreachable: SmtpGateway
    is_reachable: bool = True

    @property
    def gateway(self) -> PoolGateway:
        return PoolGateway(self.reachable if self.is_reachable else self.unreachable)

    @property
    def arrivals(self) -> int:
        return self.server.met

    @property
    def accepted(self) -> list[str]:
        return [text_of(one) for one in self.server.taken]

    async def arrange(self, situation: Situation) -> None:
        self.is_reachable = situation is not Situation.UNREACHABLE
        self.server.says = dict(_SAYS[situation])
        self.names.fails = {"*"} if situation is Situation.UNREACHABLE else set()

    async def own(self, domain: str, *, ready: bool) -> None:
        known = fit(domain)
        if not ready:
            del known[f"_dmarc.{domain}"]
        self.names.zone |= known

    async def hide(self, domain: str) -> None:
        self.names.fails.add(domain)


def unused_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def opened() -> AsyncIterator[SmtpBench]:
    """A server that knows our one user, and a domain that is ready."""
    server = MailServer(users={USER: PASSWORD})
    with named(NameServer(zone=fit(DOMAIN))) as names:
        async with served(server):
            login = Login(
                "127.0.0.1", server.port, USER, PASSWORD, security=Security.NONE
            )
            there = a_gateway(login, names)
            await there.examine([DOMAIN])
            nowhere = evolve(login, port=unused_port())
            away = evolve(there, pool=evolve(there.pool, login=nowhere))
            yield SmtpBench(server, names, there, away)
