"""Cold mail from mailboxes of our own, over their own servers."""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from outreach.adapters import smtp
from outreach.domain.channel import Channel
from outreach.domain.errors import Misconfigured
from outreach.domain.ids import SenderId
from outreach.domain.login import Login, Security
from outreach.entrypoints.providers.provider import House, Provider
from outreach.entrypoints.smtp_settings import SmtpTable

__all__ = ["SMTP"]

_NEEDS: Final = ("aiosmtplib", "dkim", "dns")
_NO_NAME: Final = "[127.0.0.1]"
"""What a machine without a full name says (RFC 5321, 4.1.3)."""


@frozen
class _Nothing:
    """Logins and time before there is a house: nobody's, and this machine's."""

    async def login(self, _: SenderId) -> None:
        return None

    async def keep(self, sender: SenderId, login: Login) -> None:
        message = f"there is nowhere to keep {login!r} of sender {sender}"
        raise Misconfigured(message)

    async def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def _open(table: SmtpTable, _stack: AsyncExitStack) -> smtp.SmtpGateway:
    """Holds no connection between two mails, so there is nothing to close.

    Raises:
        Misconfigured: the extra is not installed, or a file cannot be used.
    """
    if any(find_spec(name) is None for name in _NEEDS):
        message = "mail of our own mailboxes needs: pip install 'outreach[smtp]'"
        raise Misconfigured(message)
    keys = smtp.load_keys(Path(table.dkim_keys)) if table.dkim_keys else {}
    selectors = table.listed(table.dkim_selector)
    login = Login(
        host=table.host,
        port=table.port,
        user=table.user,
        password=table.password.reveal,
        name=table.name,
        security=Security(table.security) if table.security else None,
    )
    wanted = smtp.Wanted(
        selectors=selectors,
        keys={domain: key.public for domain, key in keys.items()},
        bounce_domain=table.bounce_domain,
        blocklists=table.listed(table.blocklists),
    )
    nothing = _Nothing()
    return smtp.SmtpGateway(
        smtp.Pool(
            login=login,
            hello=table.hello or _own_name(),
            bounce_domain=table.bounce_domain,
            signer=smtp.Signer(selectors, keys),
            tls=_tls(table.ca_file),
        ),
        smtp.Domains(wanted, smtp.resolver(table.listed(table.nameservers))),
        nothing,
        nothing,
    )


def _own_name() -> str:
    name = socket.gethostname()
    return name if "." in name else _NO_NAME


def _tls(ca_file: str) -> ssl.SSLContext:
    made = ssl.create_default_context()
    if ca_file:
        try:
            made.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            message = f"smtp.ca_file {ca_file!r} is no PEM of certificates"
            raise Misconfigured(message) from error
    return made


def _equip(gateway: smtp.SmtpGateway, house: House) -> smtp.SmtpGateway:
    return evolve(gateway, clock=house.clock, logins=house.logins)


SMTP: Final = Provider(
    name="smtp",
    channels=frozenset({Channel.EMAIL_COLD}),
    open=_open,
    equips=_equip,
    answers=True,
)
