"""Every promise that an adapter is held to, by the abilities it has."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from attrs import frozen

from outreach.domain.channel import Channel
from outreach.ports.domains import ChecksDomains
from outreach.ports.gateway import (
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
from outreach.testing.gateway import (
    GatewayContract,
    ListsAccountsContract,
    LooksUpByContentContract,
    LooksUpContract,
    PollsStatusContract,
    ReceivesWebhooksContract,
    ReplaysLostContract,
    TellsHistoryContract,
    TellsUseContract,
)
from outreach.testing.gateway_campaigns import RunsCampaignsContract
from outreach.testing.gateway_many import (
    LooksUpManyContract,
    RepeatsSafelyContract,
    SendsManyContract,
)
from outreach.testing.gateway_stops import TakesBackContract, WarmAccountContract
from outreach.testing.incoming import ChecksDomainsContract, FetchesContentContract
from outreach.testing.kit.as_mail import as_mail
from outreach.testing.kit.subject import Adapter
from outreach.testing.webhooks import AuthenticatesContract, ReadsContract

__all__ = ["ABILITIES", "Promise", "claims", "promises"]

_SUITES: Final[Mapping[type, type]] = MappingProxyType(
    {
        SendsMany: SendsManyContract,
        RepeatsSafely: RepeatsSafelyContract,
        LooksUp: LooksUpContract,
        LooksUpMany: LooksUpManyContract,
        PollsStatus: PollsStatusContract,
        TakesBack: TakesBackContract,
        RunsCampaigns: RunsCampaignsContract,
        ListsAccounts: ListsAccountsContract,
        ChecksDomains: ChecksDomainsContract,
        FetchesContent: FetchesContentContract,
        ReceivesWebhooks: ReceivesWebhooksContract,
        ReplaysLost: ReplaysLostContract,
        TellsHistory: TellsHistoryContract,
        TellsUse: TellsUseContract,
    }
)
"""Of each ability that only some gateways have."""
_OF_WHAT_IS_HELD: Final = frozenset(
    (
        TakesBackContract.test_what_is_confirmed_is_not_sent,
        TakesBackContract.test_one_message_is_withdrawn_and_no_other_of_its_lead,
    )
)
ABILITIES: Final = (
    "Gateway",
    *(ability.__name__ for ability in _SUITES),
    "WarmOnly",
    "Reads",
    "Authenticates",
)
"""All that the kit knows, in the order of its report."""


@frozen
class Promise:
    """One thing that an adapter owes its callers.

    Attributes:
        ability: whose promise it is.
        says: it in words.
        keep: raises AssertionError if it is broken.
    """

    ability: str
    says: str
    keep: Callable[[], Coroutine[Any, Any, None]]

    @property
    def name(self) -> str:
        """Ability and promise in one line."""
        return f"{self.ability}: {self.says}"


async def claims(adapter: Adapter) -> frozenset[str]:
    """The abilities that *adapter* has: of its gateway by what it can do, of its
    webhooks by what it was given.
    """
    async with adapter.bench() as bench:
        gateway = bench.gateway
        found = {one.__name__ for one in _SUITES if isinstance(gateway, one)}
    found.add("Gateway")
    if adapter.channel is Channel.EMAIL_WARM:
        found.add("WarmOnly")
    if adapter.deliveries is not None:
        found.add("Reads")
        if adapter.deliveries.checks is not None:
            found.add("Authenticates")
    return frozenset(found)


async def promises(adapter: Adapter) -> tuple[Promise, ...]:
    """All that *adapter* must keep, in the order of `ABILITIES`."""
    claimed = await claims(adapter)
    suites: dict[str, list[type]] = {"Gateway": [GatewayContract]}
    suites |= {ability.__name__: [suite] for ability, suite in _SUITES.items()}
    if adapter.known_by_content:
        suites["LooksUp"].append(LooksUpByContentContract)
    found: list[Promise] = []
    for ability in ABILITIES:
        if ability not in claimed:
            continue
        for suite in suites.get(ability, ()):
            found += _of_bench(adapter, ability, suite, as_it_is=False)
    if "WarmOnly" in claimed:
        found += _of_bench(adapter, "WarmOnly", WarmAccountContract, as_it_is=True)
    for ability, suite in (
        ("Reads", ReadsContract),
        ("Authenticates", AuthenticatesContract),
    ):
        if ability in claimed:
            found += _of_webhooks(adapter, ability, suite)
    return tuple(found)


def _of_bench(
    adapter: Adapter, ability: str, suite: type, *, as_it_is: bool
) -> Iterator[Promise]:
    for says, test in _tests(suite):
        if test in _OF_WHAT_IS_HELD and not adapter.holds:
            continue

        async def keep(test: Callable[..., Awaitable[None]] = test) -> None:
            async with adapter.bench() as bench:
                given = bench if as_it_is else as_mail(bench, adapter.channel)
                await test(suite(), given)

        yield Promise(ability, says, keep)


def _of_webhooks(adapter: Adapter, ability: str, suite: type) -> Iterator[Promise]:
    for says, test in _tests(suite):

        async def keep(test: Callable[..., Awaitable[None]] = test) -> None:
            await test(suite(), adapter.deliveries)

        yield Promise(ability, says, keep)


def _tests(suite: type) -> Iterator[tuple[str, Any]]:
    for name, test in vars(suite).items():
        if name.startswith("test_"):
            says = inspect.getdoc(test) or name.removeprefix("test_").replace("_", " ")
            yield " ".join(says.split()).rstrip("."), test
