"""What every `Logins` owes its callers.

Subclass `LoginsContract` in a test module, with a fixture ``bench`` that gives a fresh
`LoginsBench`.
"""

from __future__ import annotations

from typing import Final

from attrs import evolve, frozen

from outreach.domain.ids import SenderId
from outreach.domain.login import Login, Security
from outreach.ports.logins import Logins

__all__ = ["LoginsBench", "LoginsContract"]

_CANARY: Final = "p4ß \\ \" 'canary"
_LOGIN: Final = Login(
    host="mail.firma.example",
    port=587,
    user="ana@firma.example",
    password=_CANARY,
    name="Ana Pop",
    security=Security.STARTTLS,
)


@frozen
class LoginsBench:
    """Two tenants' views of one store, and two mailboxes of the first."""

    logins: Logins
    strangers: Logins
    mailbox: SenderId
    other: SenderId


class LoginsContract:
    """One test per promise of the port."""

    async def test_the_last_one_kept(self, bench: LoginsBench) -> None:
        """What was kept last is what is found."""
        await bench.logins.keep(bench.mailbox, evolve(_LOGIN, password=_CANARY[:3]))
        await bench.logins.keep(bench.mailbox, _LOGIN)
        await bench.logins.keep(bench.other, Login(name="Ion"))

        assert await bench.logins.login(bench.mailbox) == _LOGIN
        assert await bench.logins.login(bench.other) == Login(name="Ion")

    async def test_none(self, bench: LoginsBench) -> None:
        """A mailbox without one has none."""
        await bench.logins.keep(bench.mailbox, _LOGIN)

        assert await bench.logins.login(bench.other) is None

    async def test_of_another_tenant(self, bench: LoginsBench) -> None:
        """Another tenant's login is not found."""
        await bench.logins.keep(bench.mailbox, _LOGIN)

        assert await bench.strangers.login(bench.mailbox) is None

    async def test_no_repr(self, bench: LoginsBench) -> None:
        """A login is shown in no repr."""
        await bench.logins.keep(bench.mailbox, _LOGIN)

        shown = repr(await bench.logins.login(bench.mailbox)) + repr(bench.logins)

        assert "canary" not in shown
