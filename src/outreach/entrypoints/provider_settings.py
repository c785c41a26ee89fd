"""What an operator may set of a provider: one table of ``outreach.toml`` each."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from attrs import field, frozen

from outreach.domain.allowance import Allowance
from outreach.entrypoints.talk_settings import Secret

__all__ = [
    "DIALECTS",
    "GatewayTable",
    "ProviderLimits",
    "ProviderTable",
    "WorkspaceTable",
]

DIALECTS: Final = ("baileys-api", "waha", "evolution")

_FASTEST: Final = 10_000
_LARGEST: Final = 1_000_000_000


@frozen
class ProviderLimits:
    """What a provider lets one account do; every provider's table has these keys.

    Attributes:
        rate: calls a second, fractions too; 0: no bound.
        burst: calls at once after a rest; what *rate* then fills again.
        per_day, per_month: messages of the plan, per day and month of UTC; 0: none.
    """

    rate: float = field(default=0.0)
    burst: int = field(default=1)
    per_day: int = field(default=0)
    per_month: int = field(default=0)

    @property
    def allowance(self) -> Allowance:
        """As the rules have it."""
        return Allowance(self.rate, self.burst, self.per_day, self.per_month)

    @rate.validator
    def _rate(self, _: object, rate: float) -> None:
        if not 0 <= rate <= _FASTEST:
            message = f"{rate} is no rate: give calls a second, 0 to {_FASTEST}"
            raise ValueError(message)

    @burst.validator
    def _burst(self, _: object, burst: int) -> None:
        if not 1 <= burst <= _LARGEST:
            message = f"{burst} is no burst: give 1 to {_LARGEST} calls"
            raise ValueError(message)

    @per_day.validator
    @per_month.validator
    def _plan(self, _: object, messages: int) -> None:
        if not 0 <= messages <= _LARGEST:
            message = f"{messages} is no plan: give 0 (none) to {_LARGEST} messages"
            raise ValueError(message)


@frozen
class ProviderTable(ProviderLimits):
    """The default tenant's account at one provider.

    Attributes:
        base_url: empty: the vendor's own.
        webhook_secret: several, separated by commas, while rotating.
    """

    api_key: Secret = Secret("")
    base_url: str = field(default="")
    webhook_secret: Secret = Secret("")

    @property
    def is_set(self) -> bool:
        """It has credentials: the provider is to be used."""
        return bool(self.api_key)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """All of `webhook_secret`; not to be shown."""
        parts = self.webhook_secret.reveal.split(",")
        return tuple(part.strip() for part in parts if part.strip())

    @base_url.validator
    def _url(self, _: object, url: str) -> None:
        if url and urlsplit(url).scheme not in {"http", "https"}:
            message = "it must begin with https:// (or http:// on loopback)"
            raise ValueError(message)


@frozen
class WorkspaceTable(ProviderTable):
    """The same where one key can act for several workspaces.

    Attributes:
        workspace: id of the one that it acts for; empty: the key's own.
    """

    workspace: str = ""


@frozen
class GatewayTable(ProviderTable):
    """The same of a WhatsApp gateway that the operator runs: *base_url* is needed.

    Attributes:
        dialect: which program it is.
    """

    dialect: str = field(default=DIALECTS[0])

    @dialect.validator
    def _known(self, _: object, dialect: str) -> None:
        if dialect not in DIALECTS:
            message = f"{dialect!r} is no dialect: give one of {', '.join(DIALECTS)}"
            raise ValueError(message)
