"""Read by mypy only: the adapter of Baileys gateways fits what each dialect claims."""

from __future__ import annotations

from outreach.adapters.baileys import (
    BaileysApi,
    BaileysGateway,
    BaileysReader,
    Dialect,
    Evolution,
    EvolutionGateway,
    Waha,
    WahaGateway,
    WahaSignatures,
)
from outreach.adapters.baileys.dialect import Askable, Polled
from outreach.ports.gateway import (
    Acknowledges,
    Gateway,
    ListsAccounts,
    LooksUp,
    PollsStatus,
    Reads,
    ReceivesWebhooks,
    RepeatsSafely,
)
from outreach.ports.incoming import Authenticates, Keeps


def dialects() -> tuple[Dialect, Askable, Polled]:
    return BaileysApi(), Waha(), Evolution()


def sends(one: BaileysGateway[Dialect]) -> tuple[Gateway, Acknowledges]:
    return one, one


def waha(
    one: WahaGateway,
) -> tuple[Gateway, Acknowledges, LooksUp, ListsAccounts, ReceivesWebhooks]:
    return one, one, one, one, one


def repeats(one: WahaGateway) -> RepeatsSafely:
    return one


def evolution(
    one: EvolutionGateway,
) -> tuple[Gateway, Acknowledges, LooksUp, ListsAccounts, ReceivesWebhooks]:
    return one, one, one, one, one


def polls(one: EvolutionGateway) -> PollsStatus:
    return one


def takes_in(by: WahaSignatures) -> tuple[Reads, Keeps, Authenticates]:
    return BaileysReader(), BaileysReader(), by
