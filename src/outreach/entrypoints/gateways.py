"""The open gateways of one process, filed by what each can do."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from types import MappingProxyType, UnionType
from typing import Any, Final

from attrs import field, frozen

from outreach.domain.allowance import Allowance
from outreach.domain.ids import AccountId
from outreach.domain.usecases.replay_lost import Source
from outreach.entrypoints.measured import Measured, MeasuredMany
from outreach.entrypoints.metrics import Metrics, provider_name
from outreach.ports.domains import ChecksDomains, ExaminesDomains
from outreach.ports.gateway import (
    Acknowledges,
    Gateway,
    ListsAccounts,
    LooksUp,
    LooksUpMany,
    PollsStatus,
    ReceivesWebhooks,
    RepeatsSafely,
    ReplaysLost,
    RunsCampaigns,
    SendsMany,
    TakesBack,
    TellsUse,
)
from outreach.ports.history import TellsHistory
from outreach.ports.incoming import FetchesContent

__all__ = ["Gateways", "Unasked"]

_ABILITIES: Final[Mapping[str, type | UnionType]] = MappingProxyType(
    {
        "look": LooksUp,
        "look_many": LooksUpMany,
        "poll": PollsStatus,
        "lists": ListsAccounts,
        "takers": TakesBack,
        "repeats": RepeatsSafely,
        "hosts": RunsCampaigns,
        "webhooks": ReceivesWebhooks,
        "fetch": FetchesContent,
        "domains": ChecksDomains | ExaminesDomains,
        "tells": TellsUse,
        "acknowledges": Acknowledges,
    }
)
"""Field of `Gateways`, and the protocol of whoever is filed there."""


@frozen
class Gateways:
    """What can send, by provider account, and what else each can do."""

    send: dict[AccountId, Any] = field(factory=dict)
    bulk: dict[AccountId, Any] = field(factory=dict)
    look: dict[AccountId, Any] = field(factory=dict)
    look_many: dict[AccountId, Any] = field(factory=dict)
    poll: dict[AccountId, Any] = field(factory=dict)
    lists: dict[AccountId, Any] = field(factory=dict)
    takers: dict[AccountId, Any] = field(factory=dict)
    repeats: dict[AccountId, Any] = field(factory=dict)
    hosts: dict[AccountId, Any] = field(factory=dict)
    webhooks: dict[AccountId, Any] = field(factory=dict)
    fetch: dict[AccountId, Any] = field(factory=dict)
    domains: dict[AccountId, Any] = field(factory=dict)
    replays: dict[AccountId, Any] = field(factory=dict)
    tells: dict[AccountId, Any] = field(factory=dict)
    acknowledges: dict[AccountId, Any] = field(factory=dict)
    allowances: dict[AccountId, Allowance] = field(factory=dict)

    def add(
        self,
        account: AccountId,
        provider: str,
        gateway: Gateway,
        allowance: Allowance,
        metrics: Metrics,
    ) -> None:
        """File *gateway* under every ability it has; its calls are measured."""
        label = provider_name(provider)
        self.send[account] = Measured(gateway, label, metrics)
        self.allowances[account] = allowance
        if isinstance(gateway, SendsMany):
            self.bulk[account] = MeasuredMany(gateway, label, metrics, bulk=gateway)
        if isinstance(gateway, ReplaysLost | TellsHistory):
            self.replays[account] = Source(provider, "default", gateway)
        for name, ability in _ABILITIES.items():
            if isinstance(gateway, ability):
                getattr(self, name)[account] = gateway

    def by_ability(self) -> dict[str, Any]:
        """As the container asks for them, by its names; what is filed later counts."""
        return {
            "gateways": self.send,
            "bulk": self.bulk,
            "lookups": self.look,
            "bulk_lookups": self.look_many,
            "answering": ChainMap(self.poll, self.acknowledges),
            "unasked": Unasked(self),
            "polls": self.poll,
            "lists": self.lists,
            "takers": self.takers,
            "repeats": self.repeats,
            "hosts": self.hosts,
            "fetchers": self.fetch,
            "domains": self.domains,
            "replays": self.replays,
            "tells": self.tells,
        }


@frozen
class Unasked:
    """The accounts that are open here and cannot be asked what their senders can do.

    One that is not open here may be asked elsewhere, so it is none of these.
    """

    gateways: Gateways

    def __contains__(self, account: object) -> bool:
        open_here = account in self.gateways.send
        asked = account in self.gateways.lists or account in self.gateways.domains
        return open_here and not asked
