"""What an operator may set of a provider: one table of ``outreach.toml`` each."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from attrs import field, frozen

from outreach.domain.allowance import Allowance
from outreach.domain.relay import ORDER
from outreach.entrypoints.talk_settings import Secret

__all__ = ["ProviderLimits", "ProviderTable", "WarmTable", "WorkspaceTable"]

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
class WarmTable:
    """``[warm]``: mail to people who have replied.

    Attributes:
        order: providers in the order in which they take it; those that are left out
            come after them, by their names.
    """

    order: tuple[str, ...] = field(default=ORDER)

    @order.validator
    def _known(self, _: object, order: tuple[str, ...]) -> None:
        allowed = ", ".join(ORDER)
        for name in order:
            if name not in ORDER:
                message = (
                    f"{name!r} is no provider of warm mail: give some of {allowed}"
                )
                raise ValueError(message)
        if not order or len(set(order)) < len(order):
            message = f"order must name each provider once: give some of {allowed}"
            raise ValueError(message)
