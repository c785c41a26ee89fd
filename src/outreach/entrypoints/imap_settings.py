"""What an operator may set of the mailboxes that are read: ``[imap]``."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen

from outreach.adapters.imap import Security
from outreach.entrypoints.talk_settings import Secret

__all__ = ["ImapTable"]

_PORTS: Final = range(65_536)
_SOONEST_S: Final = 10
_LATEST_S: Final = 3_600


@frozen
class ImapTable:
    """The mailboxes of the default tenant.

    Attributes:
        host: server of every mailbox that names none of its own; of those of the pool
            (``[smtp]``), which are read too if it is set.
        port: 0: 993.
        user, password: of one mailbox that is read by itself; empty: those of the file
            alone are.
        address: of that mailbox; empty: mail to many addresses comes there.
        security: ``tls``, ``starttls`` or ``none`` (on this machine only); empty: as
            the port says, 993 is TLS and all others are STARTTLS.
        mailboxes: file with a ``[[mailbox]]`` table, or a CSV row, for each.
        ca_file: PEM of those who vouch for the servers' certificates, beside the
            system's; empty: nobody beside.
        poll_seconds: between two looks at a mailbox, at the least.
    """

    host: str = ""
    port: int = field(default=0)
    user: str = ""
    password: Secret = Secret("")
    address: str = ""
    security: str = field(default="")
    mailboxes: str = ""
    ca_file: str = ""
    poll_seconds: int = field(default=60)

    @property
    def is_set(self) -> bool:
        """There are mailboxes to read."""
        return bool(self.host or self.mailboxes)

    @port.validator
    def _port(self, _: object, port: int) -> None:
        if port not in _PORTS:
            message = f"{port} is no port: give 1 to 65535"
            raise ValueError(message)

    @security.validator
    def _security(self, _: object, security: str) -> None:
        if security and security not in set(Security):
            message = f"security {security!r} is not known: {', '.join(Security)}"
            raise ValueError(message)

    @poll_seconds.validator
    def _seconds(self, _: object, seconds: int) -> None:
        if not _SOONEST_S <= seconds <= _LATEST_S:
            message = f"poll_seconds {seconds}: give {_SOONEST_S} to {_LATEST_S}"
            raise ValueError(message)

    def __attrs_post_init__(self) -> None:
        """Refuse half a login, and one without a server."""
        if bool(self.user) != bool(self.password):
            one, other = "password", "user"
            if self.user:
                one, other = other, one
            message = f"imap.{one} is set and imap.{other} is not: set both"
            raise ValueError(message)
        if self.user and not self.host:
            message = "imap.user is set and imap.host is not: set both"
            raise ValueError(message)
