"""What an operator may set of a provider: one table of ``outreach.toml`` each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from attrs import field, frozen

from outreach.domain.allowance import Allowance
from outreach.domain.relay import ORDER
from outreach.entrypoints.talk_settings import Secret

__all__ = [
    "DIALECTS",
    "GatewayTable",
    "OutsideTables",
    "ProviderLimits",
    "ProviderTable",
    "SesTable",
    "WarmTable",
    "WorkspaceTable",
]

DIALECTS: Final = ("baileys-api", "waha", "evolution")

_FASTEST: Final = 10_000
_LARGEST: Final = 1_000_000_000
_REGION: Final = re.compile(r"[a-z]{2}(?:-[a-z]{1,16}){1,3}-\d{1,2}")
_SET: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})


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
        _check_url(url)


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


@frozen(unsafe_hash=False)
class OutsideTables:
    """``[providers.NAME]``: accounts at providers whose adapters are packages of
    their own.
    """

    tables: Mapping[str, ProviderTable] = field(factory=dict)


@frozen
class SesTable(ProviderLimits):
    """The default tenant's account at Amazon SES, in one region.

    Attributes:
        session_token: of temporary credentials; else empty.
        region: such as ``eu-west-1``.
        configuration_set: that every mail names; its events are published.
        topic_arns: of the topics that events come by, separated by commas.
        base_url: empty: the vendor's own for the region.
        topics_url: what takes the place of the topics' host, on this machine only;
            empty: the vendor's own.
    """

    access_key_id: Secret = Secret("")
    secret_access_key: Secret = Secret("")
    session_token: Secret = Secret("")
    region: str = field(default="")
    configuration_set: str = field(default="")
    topic_arns: str = ""
    base_url: str = field(default="")
    topics_url: str = field(default="")

    @property
    def is_set(self) -> bool:
        """It has credentials: the provider is to be used."""
        return bool(self.access_key_id) and bool(self.secret_access_key)

    @property
    def topics(self) -> tuple[str, ...]:
        """All of `topic_arns`."""
        parts = self.topic_arns.split(",")
        return tuple(part.strip() for part in parts if part.strip())

    @region.validator
    def _region(self, _: object, region: str) -> None:
        if region and _REGION.fullmatch(region) is None:
            message = f"{region!r} is no region: give one such as eu-west-1"
            raise ValueError(message)

    @configuration_set.validator
    def _set(self, _: object, name: str) -> None:
        if name and _SET.fullmatch(name) is None:
            message = f"{name!r} is no configuration set: letters, digits, - and _"
            raise ValueError(message)

    @base_url.validator
    def _url(self, _: object, url: str) -> None:
        _check_url(url)

    @topics_url.validator
    def _stand_in(self, _: object, url: str) -> None:
        if url and urlsplit(url).hostname not in _THIS_MACHINE:
            message = "it must be on this machine: leave it out for the vendor's own"
            raise ValueError(message)
        _check_url(url)


def _check_url(url: str) -> None:
    if url and urlsplit(url).scheme not in {"http", "https"}:
        message = "it must begin with https:// (or http:// on loopback)"
        raise ValueError(message)


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
