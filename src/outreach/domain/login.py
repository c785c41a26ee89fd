"""How one mailbox of our own signs in at its server."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from attrs import field, frozen

__all__ = ["Login", "Security"]

_PORTS: Final = range(65_536)


class Security(StrEnum):
    """How a connection to a mail server is protected."""

    TLS = "tls"
    """From its first byte (port 465)."""
    STARTTLS = "starttls"
    """From the first command on; a server that does not offer it gets nothing."""
    NONE = "none"
    """Not at all: on this machine only."""


@frozen
class Login:
    """A mailbox's server and what proves who we are; empty: as the pool has it.

    Attributes:
        name: of the person, in front of the address.
        port: 0: as the pool has it.
        security: None: as the port says, 465 is TLS and all others are STARTTLS.

    Raises:
        ValueError: the port is none, a password has no user, or a line breaks.
    """

    host: str = ""
    port: int = field(default=0)
    user: str = ""
    password: str = field(default="", repr=False)
    name: str = ""
    security: Security | None = None

    @port.validator
    def _port(self, _: object, port: int) -> None:
        if port not in _PORTS:
            message = f"{port} is no port: give 1 to 65535"
            raise ValueError(message)

    def __attrs_post_init__(self) -> None:
        """Refuse half a pair, and what would end a line."""
        if bool(self.user) != bool(self.password):
            one, other = "password", "user"
            if self.user:
                one, other = other, one
            message = f"{one} is set and {other} is not: set both"
            raise ValueError(message)
        for what in ("host", "user", "password", "name"):
            if any(letter < " " or letter == "\x7f" for letter in getattr(self, what)):
                message = f"{what} has a control character"
                raise ValueError(message)
