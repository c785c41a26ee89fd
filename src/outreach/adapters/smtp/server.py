"""Where a mailbox's mail is handed over, and how the way there is protected."""

from __future__ import annotations

import ssl
from ipaddress import ip_address
from typing import Final

from attrs import field, frozen

from outreach.domain.login import Login, Security

__all__ = ["IMPLICIT_TLS", "Server", "is_loopback", "joined", "named"]

IMPLICIT_TLS: Final = 465
"""RFC 8314; every other port begins in the clear and must change."""
_USUAL: Final = 587


@frozen
class Server:
    """One mailbox's way out, with nothing left open.

    Attributes:
        user: empty: the server asks for none.
        tls: checks the server's certificate.
    """

    host: str
    port: int
    security: Security
    user: str = field(repr=False)
    password: str = field(repr=False)
    tls: ssl.SSLContext = field(repr=False)


def joined(pool: Login, own: Login | None, tls: ssl.SSLContext) -> Server | str:
    """The way out of a mailbox, or why it has none.

    What the mailbox does not say is as in the pool. What belongs together is taken
    together: a user with its password, and the pool's login goes to the pool's server
    alone.
    """
    one = Login() if own is None else own
    if one.host:
        host, port, security, signs = one.host, one.port, one.security, one
    else:
        host, port = pool.host, one.port or pool.port
        security = one.security or pool.security
        signs = one if one.user else pool
    if not host:
        return "it has no server: give the mailbox or smtp.host one"
    port = port or _USUAL
    usual = Security.TLS if port == IMPLICIT_TLS else Security.STARTTLS
    chosen = security or usual
    if chosen is Security.NONE and not is_loopback(host):
        return "an unprotected connection is for a server on this machine only"
    return Server(host, port, chosen, signs.user, signs.password, tls)


def is_loopback(host: str) -> bool:
    """Whether a name or address can only be this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def named(pool: Login, own: Login | None) -> str:
    """The name in front of the address."""
    return (own.name if own is not None else "") or pool.name
