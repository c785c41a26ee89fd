"""What an operator may set of the pool of own mailboxes: ``[smtp]``."""

from __future__ import annotations

import re
from typing import Final

from attrs import field, frozen

from outreach.domain.login import Security
from outreach.entrypoints.provider_settings import ProviderLimits
from outreach.entrypoints.talk_settings import Secret

__all__ = ["SmtpTable"]

_PORTS: Final = range(65_536)
_NAME: Final = re.compile(r"(?i)[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_-]+)*\.?")
_HELLO: Final = re.compile(r"[A-Za-z0-9._:\[\]-]*")


@frozen
class SmtpTable(ProviderLimits):
    """The default tenant's pool of own mailboxes.

    Attributes:
        host: server of every mailbox that has none of its own in the senders file.
        port: 0: 587.
        user, password: likewise, for a server that takes mail of all mailboxes by one
            login; empty: it asks for none.
        security: ``tls``, ``starttls`` or ``none`` (on this machine only); empty: as
            the port says.
        own_servers: every mailbox has a server of its own in the senders file.
        name: in front of the address of a mailbox that has no name of its own.
        hello: what we call ourselves; empty: this machine's full name.
        ca_file: PEM of those who vouch for the servers' certificates, beside the
            system's; empty: nobody beside.
        bounce_domain: takes reports by an address of each mail's own; empty: they go
            to the mailbox itself.
        dkim_selector: names the DKIM records of all domains, several by commas: one
            must be there, and the first signs.
        dkim_keys: folder with ``DOMAIN.pem`` of the domains that we sign for; empty:
            the servers sign.
        nameservers: ``address`` or ``address:port``, by commas; empty: the system's.
        blocklists: zones by commas, such as ``dbl.example``.
    """

    host: str = field(default="")
    port: int = field(default=0)
    user: str = ""
    password: Secret = Secret("")
    security: str = field(default="")
    own_servers: bool = False
    name: str = ""
    hello: str = field(default="")
    ca_file: str = ""
    bounce_domain: str = field(default="")
    dkim_selector: str = field(default="")
    dkim_keys: str = ""
    nameservers: str = ""
    blocklists: str = field(default="")

    @property
    def is_set(self) -> bool:
        """Mailboxes have a server: the pool is to be used."""
        return bool(self.host) or self.own_servers

    @property
    def base_url(self) -> str:
        """Of the common server; of none: where nobody can say that it is near."""
        if not self.host:
            return "smtp://"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"smtp://{host}:{self.port or 587}"

    def listed(self, text: str) -> tuple[str, ...]:
        """The parts of a setting that holds several, by commas."""
        return tuple(part.strip() for part in text.split(",") if part.strip())

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

    @bounce_domain.validator
    @dkim_selector.validator
    @blocklists.validator
    def _names(self, _: object, text: str) -> None:
        for name in self.listed(text):
            if _NAME.fullmatch(name) is None:
                message = f"{name!r} is no name that the DNS could have"
                raise ValueError(message)

    @hello.validator
    def _said(self, _: object, hello: str) -> None:
        if _HELLO.fullmatch(hello) is None:
            message = f"{hello!r} is no name of a machine, nor an address in brackets"
            raise ValueError(message)

    def __attrs_post_init__(self) -> None:
        """Refuse half a login, keys without a selector, two bounce domains."""
        if bool(self.user) != bool(self.password):
            one, other = "password", "user"
            if self.user:
                one, other = other, one
            message = f"smtp.{one} is set and smtp.{other} is not: set both"
            raise ValueError(message)
        if self.dkim_keys and not self.dkim_selector:
            message = "smtp.dkim_keys is set and smtp.dkim_selector is not: set both"
            raise ValueError(message)
        if len(self.listed(self.bounce_domain)) > 1:
            message = "smtp.bounce_domain is one domain"
            raise ValueError(message)
